//! A built image, opened again and checked: nothing here believes what the build said when it can look itself.

mod boot;
mod disk;
mod empty;
mod extract;
mod folder;
mod starts;
mod state;
mod tree;

use std::fmt;
use std::path::Path;

use crate::Error;
use extract::Extract;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a file, a partition, a file in a partition.
    pub place: String,
    /// Expected and found.
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// What was found in a folder that a build wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Empty when all is right.
    pub problems: Vec<Problem>,
    /// Anybody can sign for it: a test key signed, or the selector takes one.
    pub test_keys: bool,
}

/// Checks everything in a folder that a build wrote. `say` gets a line per step.
///
/// An error is a check that could not be made, a [`Problem`] one that failed.
pub fn verify(folder: &Path, say: &dyn Fn(&str)) -> Result<Verified, Error> {
    let mut problems = Problems::default();
    say("files by build.json");
    // A pipe would be waited for.
    for name in ["build.json", "disk.img"] {
        if folder.join(name).symlink_metadata().is_ok_and(|found| !found.is_file()) {
            problems.add(name, "expected a file, found something else");
            return Ok(Verified { problems: problems.0, test_keys: true });
        }
    }
    let build = folder::build_json(folder, &mut problems)?;
    say("release folder");
    let release = folder::release(folder, &mut problems)?;
    if let (Some(build), Some(release)) = (&build, &release) {
        folder::agree(build, release, &mut problems);
    }
    folder::bill_of_materials(folder, release.as_ref(), &mut problems);

    say("table and partitions");
    let path = folder.join("disk.img");
    let Some((layout, table)) = disk::layout(&path, &mut problems) else {
        // Nobody knows who may sign for it.
        let test_keys = build.is_some_and(|build| build.test_keys);
        return Ok(Verified { problems: problems.0, test_keys });
    };
    let extract = Extract::new(&path)?;
    let selector = disk::esp(&layout, &extract, build.as_ref(), &mut problems)?;
    if let Some(release) = &release {
        disk::images(&layout, &extract, release, &mut problems)?;
    }
    empty::slots(&layout, &extract, release.as_ref(), &mut problems)?;
    empty::rest(&layout, &table, &extract, &mut problems)?;
    say("boot manifest, kernel, initrd");
    let manifest = boot::manifest(&layout, &extract, selector.as_deref(), release.as_ref(), &mut problems)?;
    let signers = manifest.as_ref().map(|(_, signers)| signers);
    let test_keys = boot::test_keys(signers, selector.as_deref(), build.as_ref(), &mut problems);
    say("hash tree");
    if let Some((manifest, _)) = &manifest {
        tree::check(&layout, &extract, manifest, release.as_ref(), &mut problems)?;
    }
    say("PRIVATE and DATA");
    state::check(&layout, &extract, &mut problems)?;
    Ok(Verified { problems: problems.0, test_keys })
}

/// Problems as they are found.
#[derive(Debug, Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, place: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Problem { place: place.into(), problem: problem.into() });
    }

    /// Adds one unless both are equal.
    fn equal<T: PartialEq + fmt::Display + ?Sized>(
        &mut self,
        place: &str,
        what: &str,
        expected: &T,
        found: &T,
    ) {
        if expected != found {
            self.add(place, format!("{what}: expected {expected}, found {found}"));
        }
    }
}
