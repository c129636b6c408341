//! Changes to a table behind the selector's back, with checksums that hold. For disks of 512-byte sectors from gptman.

/// A copy of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copy {
    Primary,
    Backup,
}

impl Copy {
    /// Both.
    pub(crate) const ALL: [Copy; 2] = [Copy::Primary, Copy::Backup];

    /// Where its header and its entries begin, in bytes.
    pub(crate) fn places(self, disk: &[u8]) -> (usize, usize) {
        match self {
            Copy::Primary => (512, 1024),
            Copy::Backup => (disk.len() - 512, disk.len() - 512 - ENTRIES),
        }
    }
}

/// Changes the bytes of entry `index` and puts the checksums of that copy right.
pub(crate) fn edit_entry(disk: &mut [u8], copy: Copy, index: usize, edit: impl FnOnce(&mut [u8])) {
    let (_, entries) = copy.places(disk);
    edit(&mut disk[entries + index * 128..entries + (index + 1) * 128]);
    seal(disk, copy);
}

/// Puts both checksums of a copy right.
pub(crate) fn seal(disk: &mut [u8], copy: Copy) {
    let (header, entries) = copy.places(disk);
    let sum = crc32(&disk[entries..entries + ENTRIES]);
    disk[header + 88..header + 92].copy_from_slice(&sum.to_le_bytes());
    disk[header + 16..header + 20].fill(0);
    let sum = crc32(&disk[header..header + 92]);
    disk[header + 16..header + 20].copy_from_slice(&sum.to_le_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// 128 entries of 128 bytes.
const ENTRIES: usize = 128 * 128;
