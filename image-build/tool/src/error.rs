//! What can go wrong when a disk is made.

use std::io;
use std::path::PathBuf;

use partition_core::Part;

use crate::ByteCount;

/// A disk was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layout that makes no disk.
    #[error("failed to lay out the disk: {problem}")]
    LayOut {
        /// What is wrong with it.
        problem: String,
    },
    /// The disk file could not be written.
    #[error("failed to write {path}")]
    Write {
        /// The disk file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// gptman refused to make the table.
    #[error("failed to make the partition table of {path}")]
    MakeTable {
        /// The disk file.
        path: PathBuf,
        /// gptman's error.
        source: gptman::Error,
    },
    /// The new disk could not be opened or written through its slots.
    #[error(transparent)]
    Disk(#[from] partition_disk::Error),
    /// A file of the release folder could not be read.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// `release.json` makes no sense.
    #[error("failed to parse {path}")]
    ParseRelease {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: release::folder::FolderError,
    },
    /// An image differs from what `release.json` says.
    #[error("failed to accept {path}: expected {expected}, found {found}")]
    ImageDiffers {
        /// The image.
        path: PathBuf,
        /// Length or digest by `release.json`.
        expected: String,
        /// By the file.
        found: String,
    },
    /// An image does not fit into its partition.
    #[error("failed to install the {part} image: it has {} bytes, its partition {}", .image.0, .partition.0)]
    TooLarge {
        /// The part.
        part: Part,
        /// Bytes of the image.
        image: ByteCount,
        /// Bytes of the partition.
        partition: ByteCount,
    },
    /// An image could not be written into its partition.
    #[error("failed to write the {part} image")]
    WriteImage {
        /// The part.
        part: Part,
        /// The system's error.
        source: io::Error,
    },
}
