//! What a recipe's packages are today.

use std::path::Path;

use super::apt::{Apt, Installed};
use super::apt_text::{self, Chosen};
use super::fetch::shown;
use super::{Error, Mirror};
use crate::Arch;
use crate::lock::{Lock, Locked, Wanted};

/// Looks the packages up in the archive: the newest of suite, updates and security, with what they depend on and without
/// what they only recommend. Works below `work`, needs no root and leaves nothing behind. `say` gets progress.
pub fn resolve(
    wanted: &Wanted,
    arch: Arch,
    mirror: &Mirror,
    work: &Path,
    say: &dyn Fn(&str),
) -> Result<Lock, Error> {
    precheck(wanted)?;
    let apt = Apt::new(wanted, arch, mirror, work)?;
    say(&format!("package lists of {} for {}", wanted.suite, arch.debian()));
    let updated = apt.update()?;
    if !updated.status.success() {
        let stderr = String::from_utf8_lossy(&updated.stderr);
        let (suite, mirror) = (wanted.suite.clone(), shown(mirror.archive()));
        return Err(Error::Update { suite, mirror, said: apt_text::complaint("", &stderr) });
    }
    let asked = Asked { apt: &apt, suite: &wanted.suite, arch };
    let root = asked.closure(&wanted.packages, Installed::Without)?;
    let kernel =
        kernel(asked.closure(std::slice::from_ref(&wanted.kernel), Installed::Nothing)?, &wanted.kernel)?;
    let lock =
        Lock { arch, wanted: wanted.clone(), root: asked.locked(&root)?, kernel: asked.locked(&kernel)? };
    say(&format!("{} packages for the root, {} for the kernel", lock.root.len(), lock.kernel.len()));
    Ok(lock)
}

/// Refuses what apt would take for something else than a name.
fn precheck(wanted: &Wanted) -> Result<(), Error> {
    for name in wanted.packages.iter().chain(&wanted.without).chain([&wanted.kernel]) {
        let letters =
            name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || "+-.".contains(it));
        if !letters
            || name.len() < 2
            || !name.starts_with(|it: char| it.is_ascii_alphanumeric())
            || name.ends_with('-')
        {
            return Err(Error::BadName { name: name.clone() });
        }
    }
    match wanted.packages.iter().find(|name| wanted.without.contains(name)) {
        Some(name) => Err(Error::Contradiction { name: name.clone() }),
        None => Ok(()),
    }
}

/// Of all that the kernel's package needs on a running Debian, those that are the kernel.
fn kernel(closure: Vec<Chosen>, asked: &str) -> Result<Vec<Chosen>, Error> {
    let is_kernel = |name: &str| {
        let version = KERNEL.iter().find_map(|prefix| name.strip_prefix(prefix));
        version.is_some_and(|version| version.starts_with(|it: char| it.is_ascii_digit()))
    };
    let found: Vec<Chosen> = closure.into_iter().filter(|chosen| is_kernel(&chosen.name)).collect();
    if found.is_empty() { Err(Error::NoKernel { name: asked.to_owned() }) } else { Ok(found) }
}

struct Asked<'a> {
    apt: &'a Apt,
    suite: &'a str,
    arch: Arch,
}

impl Asked<'_> {
    /// The packages and all they depend on.
    fn closure(&self, names: &[String], installed: Installed) -> Result<Vec<Chosen>, Error> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.apt.simulate(names, installed)?;
        let (stdout, stderr) =
            (String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr));
        if answer.status.success() {
            return Ok(apt_text::chosen(&stdout));
        }
        Err(match apt_text::unknown_package(&stderr) {
            Some(name) => Error::NoPackage {
                name: name.to_owned(),
                suite: self.suite.to_owned(),
                arch: self.arch.debian(),
            },
            None => Error::Unresolvable { said: apt_text::complaint(&stdout, &stderr) },
        })
    }

    /// The same with path, length and digest, sorted by name.
    fn locked(&self, chosen: &[Chosen]) -> Result<Vec<Locked>, Error> {
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = chosen.iter().map(Chosen::exact).collect();
        let listed = apt_text::stanzas(&String::from_utf8_lossy(&self.apt.show(&names)?.stdout));
        let one = |chosen: &Chosen| {
            // The same version may lie in both archives; the order of the sources decides, as it does for apt.
            let found = listed.iter().find(|locked| chosen.is(locked)).cloned();
            found.ok_or_else(|| Error::Apt {
                problem: format!("expected a list entry for {}", chosen.exact()),
            })
        };
        let mut locked = chosen.iter().map(one).collect::<Result<Vec<Locked>, Error>>()?;
        locked.sort();
        Ok(locked)
    }
}

/// What Debian's kernels are called; from 6.16 on the parts have packages of their own.
const KERNEL: &[&str] = &["linux-image-", "linux-modules-", "linux-binary-"];
