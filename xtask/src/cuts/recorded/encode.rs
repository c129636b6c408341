//! Writes logs, so that tests can say what a recorded run would have shown.

use fixtures::crash::DiskOp;

use super::write_log::{DISCARD, FLUSH, FUA, HEADER, MAGIC, MARK, VERSION};

/// One entry to be.
#[derive(Clone, Debug)]
pub(super) enum Logged {
    Flush,
    Write { first: u64, bytes: Vec<u8>, flush: bool, fua: bool },
    Discard { first: u64, count: u64 },
    Mark(Vec<u8>),
}

/// The log's bytes. Data must be whole sectors.
pub(super) fn encode(sector_size: u32, entries: &[Logged]) -> Vec<u8> {
    let sector = sector_size as usize;
    let mut bytes = Vec::new();
    bytes.extend([MAGIC, VERSION, entries.len() as u64].map(u64::to_le_bytes).concat());
    bytes.extend(sector_size.to_le_bytes());
    bytes.resize(sector, 0);
    for entry in entries {
        let start = bytes.len();
        let header = |first: u64, count: usize, flags: u64, inline: usize| {
            [first, count as u64, flags, inline as u64].map(u64::to_le_bytes).concat()
        };
        match entry {
            Logged::Flush => bytes.extend(header(0, 0, FLUSH, 0)),
            Logged::Discard { first, count } => {
                bytes.extend([*first, *count, DISCARD, 0].map(u64::to_le_bytes).concat());
            }
            Logged::Mark(text) => {
                assert!(text.len() <= sector - HEADER);
                bytes.extend(header(0, 0, MARK, text.len()));
                bytes.extend(text);
            }
            Logged::Write { first, bytes: data, flush, fua } => {
                assert!(data.len().is_multiple_of(sector));
                let flags = u64::from(*flush) * FLUSH + u64::from(*fua) * FUA;
                bytes.extend(header(*first, data.len() / sector, flags, 0));
            }
        }
        bytes.resize(start + sector, 0);
        if let Logged::Write { bytes: data, .. } = entry {
            bytes.extend(data);
        }
    }
    bytes
}

/// What a disk in memory was asked for, as its log would show it.
pub(super) fn logged(ops: &[DiskOp], sector_size: u32) -> Vec<Logged> {
    let entry = |op: &DiskOp| match op {
        DiskOp::Flush => Logged::Flush,
        DiskOp::Write { off, bytes } => Logged::Write {
            first: off / u64::from(sector_size),
            bytes: bytes.clone(),
            flush: false,
            fua: false,
        },
    };
    ops.iter().map(entry).collect()
}
