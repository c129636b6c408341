//! The recipe's packages: looked up or locked, fetched, unpacked.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use release::Digest;
use release::folder::{Package, ReleaseJson};

use super::Request;
use crate::audit::audit;
use crate::image::Image;
use crate::lock::{Lock, Wanted, path_beside};
use crate::packages::{self, Cache, Deb, Fetched, Mirror, Owners};
use crate::programs::Programs;
use crate::sbom::{Program, Subject, spdx};
use crate::{Arch, Error, Recipe, sizes};

/// The packages, unpacked: the root's into the tree, the kernel's into a folder beside it.
pub(super) struct Unpacked {
    pub kernel: PathBuf,
    pub lock: Digest,
    fetched: Fetched,
    owners: Owners,
}

pub(super) fn unpack(
    request: &Request,
    recipe: &Recipe,
    tree: &Path,
    say: &dyn Fn(&str),
) -> Result<Unpacked, Error> {
    let wanted = Wanted::new(
        &*recipe.suite,
        recipe.kernel_package(request.arch),
        recipe.packages(request.arch),
        recipe.without.iter().cloned(),
    );
    let beside = || path_beside(&request.recipe, request.arch);
    let path = request.lock.clone().unwrap_or_else(beside);
    let mirror = Mirror::from_machine_or(request.mirror.as_deref())?;
    let mirror = match &request.keyring {
        Some(keyring) => mirror.signed_by(keyring.clone()),
        None => mirror,
    };
    let cache = request.cache.clone().unwrap_or_else(cache_folder);
    if request.update_lock {
        let work = request.out.join(".partial");
        packages::resolve(&wanted, request.arch, &mirror, &work, say)?.write(&path)?;
    }
    let lock = Lock::read(&path, request.arch)?;
    lock.check(&wanted)?;
    let fetched = packages::fetch(&lock, &mirror, &Cache::new(&cache), say)?;
    let kernel = tree.with_file_name("kernel-tree");
    packages::kernel_tree(&fetched.kernel, &kernel, say)?;
    std::fs::create_dir(tree).map_err(|source| Error::Write { path: tree.to_owned(), source })?;
    let removed = Removed::of(&recipe.remove)?;
    let owners = packages::unpack(&fetched.root, tree, &|path| removed.has(path), say)?;
    Ok(Unpacked { kernel, lock: lock.digest(), fetched, owners })
}

impl Unpacked {
    /// The packages for `release.json`.
    pub(super) fn list(&self) -> Vec<Package> {
        let package =
            |deb: &Deb| Package { name: deb.locked.package.clone(), version: deb.locked.version.clone() };
        let mut list: Vec<Package> =
            self.fetched.root.iter().chain(&self.fetched.kernel).map(package).collect();
        list.sort();
        list
    }

    /// `sizes.txt`: what the composed root is made of. Refused when there is something in it that no image may hold.
    pub(super) fn report(&mut self, tree: &Path, recipe: &Recipe) -> Result<String, Error> {
        for name in &recipe.programs {
            self.owners.add(format!("usr/bin/{name}"), "updog");
        }
        let findings = audit(tree, &self.owners, &recipe.audit)?;
        if !findings.is_empty() {
            let exceptable = findings.iter().any(|finding| finding.check.is_exceptable());
            return Err(Error::Audit {
                findings: findings.iter().map(ToString::to_string).collect(),
                exceptable,
            });
        }
        Ok(sizes::report(tree, &self.owners)?)
    }

    /// `sbom.spdx.json`.
    ///
    /// `cargo_lock`: what the programs were built by, when they were built here; of programs that were given nobody knows.
    pub(super) fn sbom(
        &self,
        recipe: &Recipe,
        image: &Image,
        programs: &Programs,
        cargo_lock: Option<&str>,
    ) -> Result<Vec<u8>, Error> {
        let ReleaseJson { version, arch, images, created, .. } = &image.json;
        let images = [&images.boot, &images.root, &images.hash].map(|raw| (raw.file.clone(), raw.sha256));
        let programs = programs.made_from(&recipe.programs)?;
        let program = |(name, from, sha256): &(&'static str, &'static str, Digest)| Program {
            name,
            from,
            sha256: *sha256,
        };
        let subject = Subject {
            variant: &recipe.variant,
            arch: arch.parse().unwrap_or(Arch::X86_64),
            version: &version.to_string(),
            created: u64::try_from(created.timestamp()).unwrap_or_default(),
            suite: &recipe.suite,
            images: &images,
            root: &self.fetched.root,
            kernel: &self.fetched.kernel,
            programs: &programs.iter().map(program).collect::<Vec<_>>(),
            cargo_lock,
        };
        Ok(spdx(&subject)?)
    }
}

/// What packages bring and the root does not get.
struct Removed(Vec<(bool, GlobMatcher)>);

impl Removed {
    fn of(globs: &[String]) -> Result<Removed, Error> {
        let rule = |text: &String| {
            let kept = text.strip_prefix('!');
            let glob = GlobBuilder::new(kept.unwrap_or(text)).literal_separator(true).build();
            let glob = glob.map_err(|source| Error::Glob { glob: text.clone(), source })?;
            Ok((kept.is_none(), glob.compile_matcher()))
        };
        globs.iter().map(rule).collect::<Result<_, Error>>().map(Removed)
    }

    /// The last rule that matches decides.
    fn has(&self, path: &str) -> bool {
        self.0.iter().rev().find(|(_, glob)| glob.is_match(path)).is_some_and(|(removed, _)| *removed)
    }
}

fn cache_folder() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    cache.or_else(home).unwrap_or_else(std::env::temp_dir).join("updog-image")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_that_matches_decides() {
        let globs = ["usr/share/doc/**", "!usr/share/doc/*/copyright", "usr/share/doc/secret/*"];
        let removed = Removed::of(&globs.map(str::to_owned)).unwrap();
        let cases = [
            ("usr/share/doc/libc6/README", true),
            ("usr/share/doc/libc6/copyright", false),
            ("usr/share/doc/libc6/examples/copyright", true),
            ("usr/share/doc/secret/copyright", true),
            ("usr/bin/ls", false),
        ];
        for (path, expected) in cases {
            assert_eq!(removed.has(path), expected, "{path}");
        }
    }
}
