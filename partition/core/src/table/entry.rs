//! One entry of the table.

use alloc::string::String;
use alloc::vec::Vec;

use super::copy::u64_at;
use crate::Guid;

/// A used entry, as it stands on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Place in the table, from 0; the kernel's partition number is one more.
    pub index: usize,
    /// The kind of partition.
    pub type_guid: Guid,
    /// This partition's own GUID (PARTUUID).
    pub guid: Guid,
    /// First sector.
    pub first_lba: u64,
    /// Last sector, included.
    pub last_lba: u64,
    /// All 64 attribute bits.
    pub attributes: u64,
    /// Up to 36 UTF-16 units, read leniently.
    pub name: String,
}

impl Entry {
    /// The entry in these bytes, at least 128; `None` for an unused one.
    pub(super) fn parse(index: usize, bytes: &[u8]) -> Option<Entry> {
        let guid = |at: usize| bytes.get(at..at + 16)?.try_into().ok().map(Guid::from_bytes);
        let type_guid = guid(0).filter(|&kind| kind != Guid::ZERO)?;
        Some(Entry {
            index,
            type_guid,
            guid: guid(16)?,
            first_lba: u64_at(bytes, 32),
            last_lba: u64_at(bytes, 40),
            attributes: u64_at(bytes, 48),
            name: name(bytes.get(56..128)?),
        })
    }

    /// Sectors of the partition; 0 when its end lies before its start.
    pub fn sectors(&self) -> u64 {
        (self.last_lba.checked_sub(self.first_lba)).and_then(|n| n.checked_add(1)).unwrap_or(0)
    }

    /// Whether any sector from `first` to `last` (included) belongs to the partition.
    pub fn meets(&self, first: u64, last: u64) -> bool {
        self.first_lba <= last && first <= self.last_lba
    }
}

fn name(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair));
    String::from_utf16_lossy(&units.take_while(|&unit| unit != 0).collect::<Vec<u16>>())
}
