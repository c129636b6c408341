//! Release folders, as `updog-repo release add` takes them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use chrono::DateTime;
use release::folder::{FILE_NAME, RawImage, ReleaseJson};
use release::{Digest, Hasher, Image, Images, Version};

/// The variant of all releases that are measured.
pub(crate) const VARIANT: &str = "bench";
/// Every date in a release, so that the same files make the same bytes.
pub(crate) const EPOCH: i64 = 1_700_000_000;

/// Makes one; `put` puts each image at the path that it is given.
pub(crate) fn write(
    folder: &Path,
    version: &Version,
    put: impl Fn(Image, &Path) -> Result<()>,
) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder)?;
    for image in Image::ALL {
        put(image, &folder.join(file(image)))?;
    }
    describe(folder, VARIANT, version, Digest::of(version.to_string().as_bytes()))
}

/// Says in `release.json` what the images are that lie there already, each under its own name.
pub(crate) fn describe(folder: &Path, variant: &str, version: &Version, root_hash: Digest) -> Result<()> {
    let images = Images::try_from_fn(|image| -> Result<RawImage> {
        let (length, sha256) = digest(&folder.join(file(image)))?;
        Ok(RawImage { length, sha256, file: file(image), extra: serde_json::Map::default() })
    })?;
    let json = ReleaseJson {
        format: 1,
        variant: variant.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        version: version.clone(),
        created: DateTime::from_timestamp(EPOCH, 0).context("the epoch is no time")?,
        root_hash,
        images,
        packages: Vec::new(),
        extra: serde_json::Map::default(),
    };
    Ok(fs::write(folder.join(FILE_NAME), json.encode()?)?)
}

fn file(image: Image) -> String {
    format!("{image}.img")
}

/// A small image of its own for each release.
pub(crate) fn small(image: Image, version: &Version, path: &Path) -> Result<()> {
    let mut bytes = format!("{image} {version} ").into_bytes();
    bytes.resize(4 * 4096, b'.');
    fs::write(path, bytes).with_context(|| format!("failed to write {}", path.display()))
}

/// Length and digest of a file that may be larger than the memory.
fn digest(path: &Path) -> Result<(u64, Digest)> {
    let mut file = fs::File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    let (mut hasher, mut buffer, mut length) = (Hasher::new(), vec![0; 1 << 20], 0);
    loop {
        let count = std::io::Read::read(&mut file, &mut buffer)?;
        if count == 0 {
            return Ok((length, hasher.finish()));
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
        length += u64::try_from(count)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let (path, version) = (folder.path().join("release"), Version::new(1, 2, 3));
        for _ in 0..2 {
            write(&path, &version, |image, path| small(image, &version, path)).unwrap();
        }
        let json = ReleaseJson::parse(&fs::read(path.join(FILE_NAME)).unwrap()).unwrap();
        let root = json.images.get(Image::Root);
        assert_eq!((root.length, json.version), (16_384, version));
        assert_eq!(root.sha256, Digest::of(&fs::read(path.join(&root.file)).unwrap()));
    }
}
