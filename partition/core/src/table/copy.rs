//! One copy of the table: a header sector and the entries, checked.

use alloc::vec::Vec;

use super::{CopyError, Entry, Geometry};

/// A valid copy, as whole sectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copy {
    header: Vec<u8>,
    entries: Vec<u8>,
    shape: Shape,
}

/// What the header says about places and sizes, within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    header_size: usize,
    entry_size: usize,
    entries_length: usize,
    pub(super) alternate: u64,
    pub(super) entries_lba: u64,
    pub(super) entry_sectors: u64,
}

impl Shape {
    /// Checks the header sector that was read from `lba`.
    pub(super) fn of(header: &[u8], lba: u64, geometry: Geometry) -> Result<Shape, CopyError> {
        if header.get(..8) != Some(b"EFI PART") {
            return Err(CopyError::Signature);
        }
        let header_size = u32_at(header, 12) as usize;
        if header_size < 92 || header_size > header.len() {
            return Err(CopyError::HeaderSize);
        }
        if header_crc(header, header_size) != u32_at(header, 16) {
            return Err(CopyError::HeaderCrc);
        }
        if u64_at(header, 24) != lba {
            return Err(CopyError::Place);
        }
        let (count, entry_size) = (u32_at(header, 80) as usize, u32_at(header, 84) as usize);
        if !(128..=4096).contains(&entry_size) || !entry_size.is_power_of_two() {
            return Err(CopyError::EntrySize);
        }
        if count == 0 || count > ENTRIES_MAX_BYTES / entry_size {
            return Err(CopyError::Count);
        }
        let entries_length = count * entry_size;
        let entry_sectors = entries_length.div_ceil(geometry.sector_size as usize) as u64;
        let entries_lba = u64_at(header, 72);
        let end = entries_lba.checked_add(entry_sectors).ok_or(CopyError::EntriesPlace)?;
        let outside = entries_lba < 2 || end > geometry.sectors;
        if outside || (entries_lba..end).contains(&lba) {
            return Err(CopyError::EntriesPlace);
        }
        let alternate = u64_at(header, 32);
        Ok(Shape { header_size, entry_size, entries_length, alternate, entries_lba, entry_sectors })
    }
}

impl Copy {
    /// Checks the entries that belong to a header.
    pub(super) fn of(shape: Shape, header: Vec<u8>, entries: Vec<u8>) -> Result<Copy, CopyError> {
        let array = entries.get(..shape.entries_length).ok_or(CopyError::EntriesCrc)?;
        if CRC.checksum(array) != u32_at(&header, 88) {
            return Err(CopyError::EntriesCrc);
        }
        Ok(Copy { header, entries, shape })
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// The used entries, with their index.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let array = self.entries.get(..self.shape.entries_length).unwrap_or_default();
        let entries = array.chunks_exact(self.shape.entry_size).enumerate();
        entries.filter_map(|(index, bytes)| Entry::parse(index, bytes))
    }

    pub(super) fn set_attributes(&mut self, index: usize, bits: u64) {
        let array = self.entries.get_mut(..self.shape.entries_length).unwrap_or_default();
        let entry = array.chunks_exact_mut(self.shape.entry_size).nth(index);
        if let Some(attributes) = entry.and_then(|entry| entry.get_mut(48..56)) {
            attributes.copy_from_slice(&bits.to_le_bytes());
        }
    }

    pub(super) fn entry_sectors(&self) -> &[u8] {
        &self.entries
    }

    /// The header sector of a copy with its header at `own`.
    pub(super) fn header_at(
        &self,
        own: u64,
        alternate: u64,
        entries: u64,
        last_usable: Option<u64>,
    ) -> Vec<u8> {
        let mut header = self.header.clone();
        let array = self.entries.get(..self.shape.entries_length).unwrap_or_default();
        put(&mut header, 24, &own.to_le_bytes());
        put(&mut header, 32, &alternate.to_le_bytes());
        put(&mut header, 72, &entries.to_le_bytes());
        put(&mut header, 88, &CRC.checksum(array).to_le_bytes());
        if let Some(last_usable) = last_usable {
            put(&mut header, 48, &last_usable.to_le_bytes());
        }
        let crc = header_crc(&header, self.shape.header_size);
        put(&mut header, 16, &crc.to_le_bytes());
        header
    }

    /// Whether both copies say the same, apart from where each of them lies.
    pub(super) fn agrees_with(&self, backup: &Copy, backup_lba: u64) -> bool {
        let own = self.header_at(backup_lba, 1, backup.shape.entries_lba, None);
        own == backup.header && self.entries == backup.entries
    }
}

/// CRC-32 of the header with its own field taken as zero (UEFI 2.10, 5.3.2).
fn header_crc(header: &[u8], size: usize) -> u32 {
    let part = |from: usize, to: usize| header.get(from..to).unwrap_or_default();
    let mut digest = CRC.digest();
    digest.update(part(0, 16));
    digest.update(&[0; 4]);
    digest.update(part(20, size));
    digest.finalize()
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(field) = bytes.get_mut(at..at + value.len()) {
        field.copy_from_slice(value);
    }
}

/// A little-endian field; 0 where the bytes end before it.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|field| field.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// More entries than any tool makes (sgdisk's default is 16 KiB of them), and no strain on firmware memory.
const ENTRIES_MAX_BYTES: usize = 1 << 20;

static CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
