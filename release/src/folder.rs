//! The release folder: `release.json` and the three raw images, as an image build hands them over.
//! Byte layout: docs/formats/release-folder.md.

use chrono::{DateTime, Utc};
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::names::{self, NameError};
use crate::payload::BLOCK_SIZE;
use crate::{Digest, Image, Images};

/// Name of the file in the folder.
pub const FILE_NAME: &str = "release.json";

/// What an image build says about one release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseJson {
    /// Always 1.
    pub format: u64,
    /// Which flavour of the system this is.
    pub variant: String,
    /// CPU architecture, as in `x86_64`.
    pub arch: String,
    /// Version of the release.
    pub version: Version,
    /// When it was built; for reproducible builds, the time that stands for it.
    pub created: DateTime<Utc>,
    /// The three images beside this file.
    pub images: Images<RawImage>,
    /// dm-verity's root hash over the root image.
    pub root_hash: Digest,
    /// The packages in it, for people and scanners.
    #[serde(default)]
    pub packages: Vec<Package>,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One raw image in the folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawImage {
    /// Its file name, flat.
    pub file: String,
    /// Its length in bytes, a multiple of 4096 above 0.
    pub length: u64,
    /// Its digest.
    pub sha256: Digest,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One package in a release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version, as its packager writes it.
    pub version: String,
}

/// Why `release.json` was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// No JSON of the expected shape.
    #[error("failed to parse release.json")]
    Parse(#[source] serde_json::Error),
    /// Another format.
    #[error("release.json has format {found}: expected 1")]
    Format {
        /// The format.
        found: u64,
    },
    /// A variant, architecture or file that cannot be part of a target name.
    #[error("release.json has an unusable {field}")]
    Name {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        source: NameError,
    },
    /// An image that is no whole number of blocks, or empty.
    #[error(
        "release.json gives image {image} a length of {length} bytes: expected a multiple of 4096 above 0"
    )]
    Length {
        /// Which image.
        image: Image,
        /// Its length.
        length: u64,
    },
    /// Two images in one file.
    #[error("release.json names {file} for more than one image")]
    SameFile {
        /// The file name.
        file: String,
    },
    /// Cannot be written as JSON.
    #[error("failed to write release.json")]
    Encode(#[source] serde_json::Error),
}

impl ReleaseJson {
    /// Reads and checks the file.
    pub fn parse(bytes: &[u8]) -> Result<ReleaseJson, FolderError> {
        let release: ReleaseJson = serde_json::from_slice(bytes).map_err(FolderError::Parse)?;
        release.check()?;
        Ok(release)
    }

    /// The bytes of the file, ending in a newline. What could not be read back is not written.
    pub fn encode(&self) -> Result<Vec<u8>, FolderError> {
        self.check()?;
        let mut bytes = serde_json::to_vec_pretty(self).map_err(FolderError::Encode)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn check(&self) -> Result<(), FolderError> {
        if self.format != 1 {
            return Err(FolderError::Format { found: self.format });
        }
        let name =
            |field, name: &str| names::check(name).map_err(|source| FolderError::Name { field, source });
        name("variant", &self.variant)?;
        name("arch", &self.arch)?;
        for (image, raw) in self.images.iter() {
            name("image file", &raw.file)?;
            if raw.length == 0 || !raw.length.is_multiple_of(BLOCK_SIZE) {
                return Err(FolderError::Length { image, length: raw.length });
            }
            if self.images.iter().any(|(other, twin)| other != image && twin.file == raw.file) {
                return Err(FolderError::SameFile { file: raw.file.clone() });
            }
        }
        names::Names::new(&self.variant, &self.arch, &self.version)
            .map_err(|source| FolderError::Name { field: "version", source })?;
        Ok(())
    }
}
