//! Two images of one size, the second with 5 % of the files changed; made once and kept.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::DateTime;
use release::folder::{FILE_NAME, RawImage, ReleaseJson};
use release::{Digest, Images};

use super::tree;
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
        let (marker, recipe) = (folder.join("made"), format!("{CHANGE}\n{RECIPE}\n{mib} MiB\n"));
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
        let folder = self.release(version);
        std::fs::create_dir_all(&folder)?;
        let images = Images::try_from_fn(|image| -> Result<RawImage> {
            let file = format!("{image}.img");
            let path = folder.join(&file);
            match image {
                release::Image::Root => std::fs::hard_link(self.image(version), &path)?,
                _ => std::fs::write(&path, format!("{image} {version}").repeat(4096))?,
            }
            let bytes = std::fs::read(&path)?;
            Ok(RawImage {
                length: bytes.len().try_into()?,
                sha256: Digest::of(&bytes),
                file,
                extra: serde_json::Map::default(),
            })
        })?;
        let json = ReleaseJson {
            format: 1,
            variant: VARIANT.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            version: version.parse()?,
            created: DateTime::from_timestamp(1_700_000_000, 0).context("the epoch is no time")?,
            root_hash: Digest::of(version.as_bytes()),
            images,
            packages: Vec::new(),
            extra: serde_json::Map::default(),
        };
        Ok(std::fs::write(folder.join(FILE_NAME), json.encode()?)?)
    }
}

pub(super) const VARIANT: &str = "bench";

/// How the images are made; another recipe makes them anew.
const RECIPE: &str = "mke2fs -q -t ext4 -U 11111111-2222-3333-4444-555555555555 \
    -E hash_seed=11111111-2222-3333-4444-555555555555,lazy_itable_init=0,root_owner=0:0 -m 0 -O ^has_journal,^metadata_csum -L root";
const CHANGE: &str = include_str!("../../../../bench/pair/change.py");

fn image(version: &str, mib: u64) -> String {
    format!(
        "truncate -s {mib}M {version}.ext4 && E2FSPROGS_FAKE_TIME=1600000000 {RECIPE} -d {version} {version}.ext4"
    )
}
