//! A built image, opened again and checked: nothing here believes what the build said when it can look itself.

mod boot;
mod disk;
mod extract;
mod folder;
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

/// Checks everything in a folder that a build wrote; empty when all is right. `say` gets a line per step.
///
/// An error is a check that could not be made, a [`Problem`] one that failed.
pub fn verify(folder: &Path, say: &dyn Fn(&str)) -> Result<Vec<Problem>, Error> {
    let mut problems = Problems::default();
    say("files by build.json");
    let build = folder::build_json(folder, &mut problems)?;
    say("release folder");
    let release = folder::release(folder, &mut problems)?;
    folder::bill_of_materials(folder, release.as_ref(), &mut problems);

    say("table and partitions");
    let path = folder.join("disk.img");
    let Some(layout) = disk::layout(&path, &mut problems) else { return Ok(problems.0) };
    let extract = Extract::new(&path)?;
    let selector = disk::esp(&layout, &extract, build.as_ref(), &mut problems)?;
    if let Some(release) = &release {
        disk::images(&layout, &extract, release, &mut problems)?;
    }
    say("boot manifest, kernel, initrd");
    let manifest = boot::manifest(&layout, &extract, selector.as_deref(), release.as_ref(), &mut problems)?;
    say("hash tree");
    if let Some(manifest) = &manifest {
        tree::check(&layout, &extract, manifest, release.as_ref(), &mut problems)?;
    }
    say("PRIVATE and DATA");
    state::check(&layout, &extract, &mut problems)?;
    Ok(problems.0)
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
