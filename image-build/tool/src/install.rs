//! The images of a release folder, into slot A.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use partition_core::{Part, Slot};
use partition_disk::{Aligned, Disk, ImageIo};
use release::folder::{self, ReleaseJson};
use release::{Digest, Hasher};

use crate::{ByteCount, Error};

/// What was put into slot A.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Variant, architecture and version, as in names of files.
    pub release: String,
    /// Bytes of all images.
    pub bytes: ByteCount,
}

/// Writes the images of the release in `from` into slot A of a disk that nothing runs from. The flags stay as they are.
///
/// Every image is checked against `release.json` while it is read; a disk whose install failed is to be thrown away.
pub fn install(disk: &Disk, from: &Path) -> Result<Installed, Error> {
    let path = from.join(folder::FILE_NAME);
    let text = fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let release =
        ReleaseJson::parse(&text).map_err(|source| Error::ParseRelease { path: path.clone(), source })?;
    let mut bytes = 0u64;
    for part in Part::ALL {
        let image = match part {
            Part::Boot => &release.images.boot,
            Part::Root => &release.images.root,
            Part::Hash => &release.images.hash,
        };
        let target = disk.image(Slot::A, part)?;
        if image.length > target.len() {
            let (image, partition) = (ByteCount(image.length), ByteCount(target.len()));
            return Err(Error::TooLarge { part, image, partition });
        }
        copy(&from.join(&image.file), (image.length, image.sha256), part, &target)?;
        bytes = bytes.saturating_add(image.length);
    }
    let ReleaseJson { variant, arch, version, .. } = &release;
    Ok(Installed { release: format!("{variant}-{arch}-{version}"), bytes: ByteCount(bytes) })
}

fn copy(path: &Path, said: (u64, Digest), part: Part, target: &ImageIo) -> Result<(), Error> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let write = |source| Error::WriteImage { part, source };
    let differs =
        |expected: String, found: String| Error::ImageDiffers { path: path.to_owned(), expected, found };
    let (length, digest) = said;
    let mut file = File::open(path).map_err(read)?;
    let found = file.metadata().map_err(read)?.len();
    if found != length {
        return Err(differs(format!("{length} bytes"), format!("{found} bytes")));
    }
    let mut piece = Aligned::zeroed(1 << 20);
    let (mut at, mut hasher) = (0, Hasher::new());
    while at < length {
        let take = usize::try_from(length - at).unwrap_or(usize::MAX).min(piece.capacity());
        // Direct writes are whole pages; an image that ends within one (it should not) is filled up with zeros.
        piece.resize(take.next_multiple_of(Aligned::ALIGN));
        piece.fill(0);
        let (data, _) = piece.split_at_mut(take);
        file.read_exact(data).map_err(read)?;
        hasher.update(data);
        target.write_at(at, &piece).map_err(write)?;
        at += take as u64;
    }
    let found = hasher.finish();
    if found != digest {
        return Err(differs(digest.to_string(), found.to_string()));
    }
    target.flush().map_err(write)
}
