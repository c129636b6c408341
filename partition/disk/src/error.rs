//! What can go wrong with a disk.

use std::fmt;
use std::io;
use std::path::PathBuf;

use partition_core::{LayoutError, Part, ReadError, Slot};

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

/// Something about a disk failed; nothing that boots was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The disk could not be opened.
    #[error("failed to open {path} for {access}")]
    OpenDisk {
        /// The file or device.
        path: PathBuf,
        /// `reading` or `writing`.
        access: crate::Access,
        /// The system's error.
        source: io::Error,
    },
    /// Its size or sector size could not be told.
    #[error("failed to tell the size of {path}")]
    InspectDisk {
        /// The file or device.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It is neither a regular file nor a block device.
    #[error("failed to open {path} as a disk: expected a regular file or a block device")]
    NotADisk {
        /// What was named.
        path: PathBuf,
    },
    /// It has no valid partition table.
    #[error("failed to read the partition table of {path}")]
    ReadTable {
        /// The disk.
        path: PathBuf,
        /// What is wrong.
        source: ReadError<io::Error>,
    },
    /// The table is valid but names no usable slots.
    #[error("failed to find the slots of {path}")]
    FindSlots {
        /// The disk.
        path: PathBuf,
        /// What is wrong.
        source: LayoutError,
    },
    /// A sector of the table could not be written, or made durable.
    #[error("failed to write the partition table of {path}")]
    WriteTable {
        /// The disk.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The table lock could not be taken.
    #[error("failed to lock the partition table of {path}")]
    LockTable {
        /// The disk.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another process has held the table lock for too long.
    #[error("failed to lock the partition table of {path}: another process has held it for {waited_secs} s")]
    TableBusy {
        /// The disk.
        path: PathBuf,
        /// How long we waited.
        waited_secs: u64,
    },
    /// The disk has no such partition.
    #[error("failed to find the {part} partition of slot {slot} on {path}")]
    NoPartition {
        /// The disk.
        path: PathBuf,
        /// The slot.
        slot: Slot,
        /// The part.
        part: Part,
    },
    /// The kernel knows no node for a partition.
    #[error("failed to find the device node of partition {number} of {path}")]
    FindNode {
        /// The disk.
        path: PathBuf,
        /// The partition's number, from 1.
        number: usize,
    },
    /// The kernel's idea of a partition differs from the table.
    #[error("failed to trust {node}: expected sectors {expected}, found {found}")]
    StaleNode {
        /// The partition's node.
        node: PathBuf,
        /// Start and length in units of 512 bytes, by the table.
        expected: Extent,
        /// By the kernel.
        found: Extent,
    },
    /// A partition could not be opened.
    #[error("failed to open {node}")]
    OpenPartition {
        /// The partition's node, or the image file.
        node: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A partition is mounted or used by device mapper.
    #[error("failed to open {node} for writing: it is in use")]
    PartitionInUse {
        /// The partition's node.
        node: PathBuf,
    },
    /// The running slot could not be told.
    #[error("failed to tell the running slot")]
    Discover(#[from] crate::discover::DiscoverError),
}

/// Start and length in units of 512 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first unit.
    pub start: u64,
    /// How many.
    pub length: u64,
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.start, self.length)
    }
}

/// A flag change that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError<R> {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] Error),
    /// The rule that computes the change refused.
    #[error("{0}")]
    Refused(R),
}
