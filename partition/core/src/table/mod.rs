//! A GUID partition table as data: both copies read, one change, ordered writes out.
//!
//! [`Table::read`] never trusts a length or place that the disk names, and never panics. [`Table::writes`] orders the
//! sectors so that a power cut anywhere leaves at least one whole copy: the copy that was *not* read goes first and is
//! flushed before the other is touched.

mod copy;
mod entry;
mod error;
mod read;

use alloc::vec::Vec;

use copy::Copy;
pub use entry::Entry;
pub use error::{CopyError, ReadError};

use crate::{Layout, LayoutError};

/// The size of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes in a sector: a power of two from 512 to 65,536.
    pub sector_size: u32,
    /// Whole sectors on the disk.
    pub sectors: u64,
}

/// What was found on disk; anything but `Good` is put right by the next [`Table::writes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Both copies are valid, equal and in their places.
    Good,
    /// The primary copy is damaged; the backup counts.
    PrimaryDamaged(CopyError),
    /// The backup copy is damaged; the primary counts.
    BackupDamaged(CopyError),
    /// Both copies are valid but differ; the primary counts.
    Differ,
    /// The disk has grown: the backup is not in the last sector and will be moved there.
    DiskGrown,
}

/// One thing to do to the disk, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Write whole sectors.
    Write {
        /// The first sector.
        lba: u64,
        /// A whole number of sectors.
        bytes: Vec<u8>,
    },
    /// Wait until everything before is durable.
    Flush,
}

/// A table in memory. Changing it changes memory only; [`Table::writes`] says what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    geometry: Geometry,
    condition: Condition,
    copy: Copy,
    /// First sector of the primary's entries.
    primary_entries: u64,
    /// Sector of the backup's header, after writing.
    backup: u64,
    /// First sector of the backup's entries, after writing.
    backup_entries: u64,
}

impl Table {
    /// Reads both copies. `read` fills whole sectors from the one it is given.
    ///
    /// The backup is looked for where the primary's header says, else in the last sector.
    pub fn read<E>(
        geometry: Geometry,
        read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<Table, ReadError<E>> {
        read::read(geometry, read)
    }

    /// The size of the disk this was read from.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// What was found on disk.
    pub fn condition(&self) -> Condition {
        self.condition
    }

    /// The used entries in table order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.copy.entries()
    }

    /// The two sets and their neighbours.
    pub fn layout(&self) -> Result<Layout, LayoutError> {
        Layout::of(self.entries())
    }

    /// The table with other attribute bits for the entry at `index`; all other bytes stay as they are. An index that
    /// the table does not have changes nothing.
    #[must_use]
    pub fn with_attributes(mut self, index: usize, bits: u64) -> Table {
        self.copy.set_attributes(index, bits);
        self
    }

    /// What makes the disk equal to this table.
    ///
    /// The copy that was not read goes first (the backup, when both are good), then a flush: a cut before it leaves
    /// the copy that was read, a cut after it leaves the new one, whatever becomes of the other.
    pub fn writes(&self) -> Vec<Op> {
        let primary = (1, self.backup, self.primary_entries);
        let backup = (self.backup, 1, self.backup_entries);
        let order = match self.condition {
            Condition::PrimaryDamaged(_) => [primary, backup],
            _ => [backup, primary],
        };
        let last_usable = matches!(self.condition, Condition::DiskGrown).then(|| self.backup_entries - 1);
        let copy = |(own, alternate, entries)| {
            let header = self.copy.header_at(own, alternate, entries, last_usable);
            [
                Op::Write { lba: entries, bytes: self.copy.entry_sectors().to_vec() },
                Op::Write { lba: own, bytes: header },
                Op::Flush,
            ]
        };
        order.into_iter().flat_map(copy).collect()
    }
}
