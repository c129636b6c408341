//! Images → a disk and a release folder.

mod disk;
mod report;
mod state;

use std::fs;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use release::folder::{FILE_NAME, Package, RawImage, ReleaseJson};
use release::{Images, Version};

use crate::packed::Packed;
use crate::{Arch, Error, Recipe};

pub use report::{BuildJson, FileRecord, record};

/// What the disk and the release folder say beside the images.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The architecture.
    pub arch: Arch,
    /// The version of the release.
    pub version: &'a Version,
    /// Seconds since 1970 that stand for now.
    pub epoch: u64,
    /// The packages in the root and of the kernel.
    pub packages: Vec<Package>,
}

/// A disk whose slot A holds the release of a release folder. Only [`image()`] makes one.
#[derive(Debug)]
pub struct Image {
    /// `disk.img`.
    pub disk: PathBuf,
    /// The release folder.
    pub release: PathBuf,
    /// The digest of the EFI system partition.
    pub esp: release::Digest,
    /// What its `release.json` says.
    pub json: ReleaseJson,
}

/// Makes both in `folder`; the images move into the release folder.
pub fn image(plan: &Plan, packed: &Packed, folder: &Path) -> Result<Image, Error> {
    let release = folder.join("release");
    let write = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    fs::create_dir(&release).map_err(write(&release))?;
    let raw = |from: &Path, file: &str| {
        let to = release.join(file);
        fs::rename(from, &to).map_err(write(&to))?;
        let FileRecord { length, sha256 } = record(&to)?;
        Ok::<_, Error>(RawImage { file: file.to_owned(), length, sha256, extra: serde_json::Map::new() })
    };
    let images = Images {
        boot: raw(&packed.boot, "boot.img")?,
        root: raw(&packed.root, "root.img")?,
        hash: raw(&packed.hash, "hash.img")?,
    };
    let created = i64::try_from(plan.epoch).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let json = ReleaseJson {
        format: 1,
        variant: plan.recipe.variant.clone(),
        arch: plan.arch.name().to_owned(),
        version: plan.version.clone(),
        created: created.unwrap_or_default(),
        images,
        root_hash: packed.root_hash,
        packages: plan.packages.clone(),
        extra: serde_json::Map::new(),
    };
    let path = release.join(FILE_NAME);
    let bytes = json.encode().map_err(|source| Error::ParseRelease { path: path.clone(), source })?;
    fs::write(&path, bytes).map_err(write(&path))?;

    let disk = folder.join("disk.img");
    disk::write(plan, &packed.esp, &release, &disk)?;
    let esp = record(&packed.esp)?.sha256;
    fs::remove_file(&packed.esp).map_err(write(&packed.esp))?;
    Ok(Image { disk, release, esp, json })
}
