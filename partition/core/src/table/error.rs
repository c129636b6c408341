//! What can be wrong with a table.

use core::fmt;

/// Why one copy of the table does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyError {
    /// Its sectors could not be read.
    Unreadable,
    /// The header does not start with `EFI PART`.
    Signature,
    /// The header size is below 92 bytes or above a sector.
    HeaderSize,
    /// The header's checksum differs.
    HeaderCrc,
    /// The header says it lies elsewhere.
    Place,
    /// The size of an entry is not 128, 256, … 4,096 bytes.
    EntrySize,
    /// There are no entries, or more than 1 MiB of them.
    Count,
    /// The entries lie outside the disk or over the header.
    EntriesPlace,
    /// The entries' checksum differs.
    EntriesCrc,
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CopyError::Unreadable => "unreadable",
            CopyError::Signature => "no signature",
            CopyError::HeaderSize => "header size out of range",
            CopyError::HeaderCrc => "header checksum differs",
            CopyError::Place => "header belongs to another sector",
            CopyError::EntrySize => "entry size out of range",
            CopyError::Count => "number of entries out of range",
            CopyError::EntriesPlace => "entries lie out of range",
            CopyError::EntriesCrc => "checksum of the entries differs",
        })
    }
}

/// A disk without a table that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The sector size is not a power of two from 512 to 65,536, or the disk has fewer than eight sectors.
    Geometry,
    /// No copy is valid, and the device could not be read.
    Read {
        /// The sector it failed at.
        lba: u64,
        /// The device's error.
        source: E,
    },
    /// Neither copy is valid.
    NoTable {
        /// What is wrong with the primary.
        primary: CopyError,
        /// What is wrong with the backup.
        backup: CopyError,
    },
    /// A copy of the table would lie over a partition or over the other copy, so nothing can be written safely.
    Overlap,
}

impl<E> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Geometry => f.write_str("failed to read the partition table: no usable disk size"),
            ReadError::Read { lba, .. } => write!(f, "failed to read sector {lba} of the partition table"),
            ReadError::NoTable { primary, backup } => {
                write!(f, "failed to find a valid partition table: primary: {primary}; backup: {backup}")
            }
            ReadError::Overlap => {
                f.write_str("failed to accept the partition table: it lies over a partition")
            }
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for ReadError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            ReadError::Read { source, .. } => Some(source),
            _ => None,
        }
    }
}
