//! Two images of one size, the second with 5 % of the files changed; made once and kept.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use release::folder::FILE_NAME;
use release::{Digest, Image};

use super::tree;
use crate::release_folder;
use crate::shell::Shell;

/// The images and the folder they lie in.
#[derive(Debug)]
pub(super) struct Pair {
    folder: PathBuf,
    pub(super) mib: u64,
}

/// The release that runs, and the one that is installed.
pub(super) const OLD: &str = "1.0.0";
pub(super) const NEW: &str = "1.1.0";

impl Pair {
    /// In this folder; made unless it is there.
    pub(super) fn make(folder: &Path, mib: u64) -> Result<Pair> {
        let pair = Pair { folder: folder.to_owned(), mib };
        let (marker, recipe) = (folder.join("made"), pair.recipe());
        if std::fs::read_to_string(&marker).is_ok_and(|made| made == recipe) {
            println!("# The pair of images of {mib} MiB is kept from an earlier run.");
            return Ok(pair);
        }
        println!("# Making a pair of images of {mib} MiB from this machine's /usr, once.");
        if folder.exists() {
            std::fs::remove_dir_all(folder)
                .with_context(|| format!("failed to remove {}", folder.display()))?;
        }
        let shell = Shell::new(folder.to_owned())?;
        // The file system itself takes the rest.
        let count = tree::copy(&pair.tree(OLD), mib * 1024 * 85 / 100)?;
        println!("  {count} files");
        std::fs::write(folder.join("change.py"), CHANGE)?;
        shell.quiet(&format!("find {OLD} -exec touch -h -d @1600000000 {{}} + && cp -a {OLD} {NEW}"))?;
        shell.show(&format!("python3 change.py {NEW} 0.05 1"))?.expect(0)?;
        for version in [OLD, NEW] {
            shell.quiet(&image(version, mib))?;
            pair.describe(version)?;
        }
        shell.quiet(&format!("dd if=/dev/urandom of=noise bs=1M count={mib} status=none"))?;
        // The floor, and what SWUpdate installs.
        shell.quiet(&format!("zstd -q -f -T2 -9 {NEW}.ext4 -o {NEW}.zst"))?;
        std::fs::write(marker, recipe)?;
        Ok(pair)
    }

    /// The same images, so many times in a row, in a folder of their own.
    pub(super) fn repeated(&self, folder: &Path, times: u64) -> Result<Pair> {
        let pair = Pair { folder: folder.to_owned(), mib: self.mib * times };
        let (marker, recipe) = (folder.join("made"), format!("{} times {times}", self.identity()?));
        if std::fs::read_to_string(&marker).is_ok_and(|made| made == recipe) {
            return Ok(pair);
        }
        if folder.exists() {
            std::fs::remove_dir_all(folder)
                .with_context(|| format!("failed to remove {}", folder.display()))?;
        }
        let shell = Shell::new(folder.to_owned())?;
        for (from, to) in [
            (self.image(OLD), pair.image(OLD)),
            (self.image(NEW), pair.image(NEW)),
            // Frames of zstd in a row are a stream again.
            (self.whole(), pair.whole()),
        ] {
            let from = format!("{} ", from.display()).repeat(usize::try_from(times)?);
            shell.quiet(&format!("cat {from} >{}", to.display()))?;
        }
        // Any bytes that are not the new ones will do here, and these cost no room.
        std::fs::hard_link(pair.image(OLD), pair.noise())?;
        for version in [OLD, NEW] {
            pair.describe(version)?;
        }
        std::fs::write(marker, recipe)?;
        Ok(pair)
    }

    /// Tells it from one that was made at another time: the files of the machine may have changed since.
    pub(super) fn identity(&self) -> Result<Digest> {
        let mut both = Vec::new();
        for version in [OLD, NEW] {
            let path = self.release(version).join(FILE_NAME);
            both.extend(std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?);
        }
        Ok(Digest::of(&both))
    }

    fn recipe(&self) -> String {
        format!("{CHANGE}\n{RECIPE}\n{} MiB\n", self.mib)
    }

    pub(super) fn tree(&self, version: &str) -> PathBuf {
        self.folder.join(version)
    }

    /// The raw image of a release.
    pub(super) fn image(&self, version: &str) -> PathBuf {
        self.folder.join(format!("{version}.ext4"))
    }

    /// The new one as one zstd stream, level 9.
    pub(super) fn whole(&self) -> PathBuf {
        self.folder.join(format!("{NEW}.zst"))
    }

    /// Noise of an image's length.
    pub(super) fn noise(&self) -> PathBuf {
        self.folder.join("noise")
    }

    /// A release folder, as `updog-repo release add` takes it.
    pub(super) fn release(&self, version: &str) -> PathBuf {
        self.folder.join(format!("release-{version}"))
    }

    fn describe(&self, version: &str) -> Result<()> {
        let parsed = version.parse()?;
        release_folder::write(&self.release(version), &parsed, |image, path| match image {
            Image::Root => Ok(std::fs::hard_link(self.image(version), path)?),
            _ => release_folder::small(image, &parsed, path),
        })
    }
}

/// How the images are made; another recipe makes them anew.
const RECIPE: &str = "mke2fs -q -t ext4 -U 11111111-2222-3333-4444-555555555555 \
    -E hash_seed=11111111-2222-3333-4444-555555555555,lazy_itable_init=0,root_owner=0:0 -m 0 -O ^has_journal,^metadata_csum -L root";
const CHANGE: &str = include_str!("../../../../bench/pair/change.py");

fn image(version: &str, mib: u64) -> String {
    format!(
        "truncate -s {mib}M {version}.ext4 && E2FSPROGS_FAKE_TIME=1600000000 {RECIPE} -d {version} {version}.ext4"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_with_other_images_is_another_pair() {
        let folder = tempfile::tempdir().unwrap();
        let pair = Pair { folder: folder.path().to_owned(), mib: 64 };
        pair.identity().unwrap_err();
        let with = |old: &str, new: &str| {
            for (version, bytes) in [(OLD, old), (NEW, new)] {
                let _ = std::fs::remove_file(pair.image(version));
                std::fs::write(pair.image(version), bytes.repeat(4096)).unwrap();
                pair.describe(version).unwrap();
            }
            pair.identity().unwrap()
        };
        let first = with("a", "b");
        assert_eq!(with("a", "b"), first);
        assert_ne!(with("a", "c"), first);
        assert_ne!(with("c", "b"), first);
    }
}
