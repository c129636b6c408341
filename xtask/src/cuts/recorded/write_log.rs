//! The log of every write that reached a disk: the format of Linux's dm-log-writes, as QEMU's `blklogwrites` writes it.
//! Layout: docs/formats/write-log.md.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// A parsed log. Entries stand in the order in which the disk completed them.
#[derive(Debug)]
pub(super) struct WriteLog {
    bytes: Vec<u8>,
    sector_size: usize,
    entries: Vec<Entry>,
}

/// What the disk completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) action: Action,
    /// What was completed before this is durable, before this itself happens.
    pub(super) flush: bool,
    /// This itself is durable when it is complete; what came before need not be.
    pub(super) fua: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A flush alone.
    Nothing,
    /// Sectors were written; the data of the first starts at this byte of the log.
    Write { sectors: Extent, data: usize },
    /// Sectors were given up: nobody says what they hold.
    Discard { sectors: Extent },
    /// A note by whoever recorded the log.
    Mark,
}

/// A run of sectors of the disk, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) first: u64,
    pub(super) count: usize,
}

impl WriteLog {
    /// Reads a log of a disk of so many bytes.
    pub(super) fn load(path: &Path, disk: u64) -> Result<WriteLog> {
        let name = path.display();
        let length = std::fs::metadata(path).with_context(|| format!("failed to open {name}"))?.len();
        ensure!(length <= LOG_MAX, "failed to read {name}: expected at most {LOG_MAX} bytes, found {length}");
        let bytes = std::fs::read(path).with_context(|| format!("failed to read {name}"))?;
        WriteLog::parse(bytes, disk).with_context(|| format!("failed to parse {name}"))
    }

    /// Checks every field; no entry reaches beyond the log or beyond the disk of so many bytes.
    pub(super) fn parse(bytes: Vec<u8>, disk: u64) -> Result<WriteLog> {
        let magic = u64_at(&bytes, 0)?;
        ensure!(magic == MAGIC, "expected magic {MAGIC:#x}, found {magic:#x}");
        let version = u64_at(&bytes, 8)?;
        ensure!(version == VERSION, "expected version {VERSION}, found {version}");
        let sector_size = u32_at(&bytes, 24)?;
        ensure!(
            SECTOR_SIZES.contains(&sector_size),
            "expected a sector size of 512 or 4096, found {sector_size}"
        );
        let count = u64_at(&bytes, 16)?;
        let mut log = WriteLog { bytes, sector_size: usize::try_from(sector_size)?, entries: Vec::new() };
        let room = log.bytes.len() / log.sector_size;
        ensure!(count < room as u64, "expected room for {count} entries, found {room} sectors");
        let mut at = log.sector_size;
        for n in 0..count {
            let (entry, next) = log.entry(at, disk).with_context(|| format!("entry {n} at byte {at}"))?;
            log.entries.push(entry);
            at = next;
        }
        Ok(log)
    }

    pub(super) fn sector_size(&self) -> usize {
        self.sector_size
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The log as a build would have left it that never flushes.
    pub(super) fn forget_flushes(&mut self) {
        for entry in &mut self.entries {
            (entry.flush, entry.fua) = (false, false);
        }
    }

    /// The sectors that a write put on the disk, with their numbers there.
    pub(super) fn sectors(&self, extent: Extent, data: usize) -> impl Iterator<Item = (u64, &[u8])> {
        let bytes = self.bytes.get(data..).unwrap_or_default();
        (extent.first..).zip(bytes.chunks_exact(self.sector_size).take(extent.count))
    }

    /// The entry whose header is at this byte, and where the next one is.
    fn entry(&self, at: usize, disk: u64) -> Result<(Entry, usize)> {
        let data = at + self.sector_size;
        let header = self.bytes.get(at..data).context("expected a header, found the end of the log")?;
        let (first, count) = (u64_at(header, 0)?, u64_at(header, 8)?);
        let (flags, inline) = (u64_at(header, 16)?, u64_at(header, 24)?);
        ensure!(flags & !KNOWN == 0, "expected known flags, found {flags:#x}");
        let (flush, fua) = (flags & FLUSH != 0, flags & FUA != 0);

        if flags & MARK != 0 {
            ensure!(flags == MARK, "expected a mark alone, found flags {flags:#x}");
            ensure!(first == 0 && count == 0, "expected a mark without sectors, found {count} at {first}");
            let room = self.sector_size - HEADER;
            ensure!(inline <= room as u64, "expected a mark of at most {room} bytes, found {inline}");
            let padding = header.get(HEADER + usize::try_from(inline)?..);
            ensure!(is_zero(padding), "expected zeros behind the mark");
            return Ok((Entry { action: Action::Mark, flush, fua }, data));
        }

        ensure!(inline == 0, "expected no data in the header, found {inline} bytes");
        ensure!(is_zero(header.get(HEADER..)), "expected zeros behind the header");
        if count == 0 {
            ensure!(flush && flags & DISCARD == 0, "expected sectors or a flush, found neither");
            return Ok((Entry { action: Action::Nothing, flush, fua }, data));
        }
        let end = first.checked_add(count).and_then(|end| end.checked_mul(self.sector_size as u64));
        if end.is_none_or(|end| end > disk) {
            bail!("expected sectors within a disk of {disk} bytes, found {count} at {first}");
        }
        let sectors = Extent { first, count: usize::try_from(count)? };
        if flags & DISCARD != 0 {
            ensure!(!flush && !fua, "expected a discard alone, found flags {flags:#x}");
            return Ok((Entry { action: Action::Discard { sectors }, flush, fua }, data));
        }
        let next = sectors.count.checked_mul(self.sector_size).and_then(|length| data.checked_add(length));
        let next = next.filter(|&next| next <= self.bytes.len());
        let next = next.with_context(|| format!("expected {count} sectors of data, found the log's end"))?;
        Ok((Entry { action: Action::Write { sectors, data }, flush, fua }, next))
    }
}

fn is_zero(bytes: Option<&[u8]>) -> bool {
    bytes.is_some_and(|bytes| bytes.iter().all(|&byte| byte == 0))
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    let field = bytes.get(at..at + 8).context("expected a field, found the end of the log")?;
    Ok(u64::from_le_bytes(field.try_into()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let field = bytes.get(at..at + 4).context("expected a field, found the end of the log")?;
    Ok(u32::from_le_bytes(field.try_into()?))
}

pub(super) const MAGIC: u64 = 0x006a_7366_7773_6872;
pub(super) const VERSION: u64 = 1;
pub(super) const FLUSH: u64 = 1;
pub(super) const FUA: u64 = 1 << 1;
pub(super) const DISCARD: u64 = 1 << 2;
pub(super) const MARK: u64 = 1 << 3;
/// Linux also tells metadata apart; that changes nothing here.
const METADATA: u64 = 1 << 4;
const KNOWN: u64 = FLUSH | FUA | DISCARD | MARK | METADATA;
/// Bytes of an entry's fields; the rest of its sector is zeros, or the text of a mark.
pub(super) const HEADER: usize = 32;
/// What disks have.
const SECTOR_SIZES: [u32; 2] = [512, 4096];
/// The log is held in memory. An update of a 60 MB root writes about 80 MB.
const LOG_MAX: u64 = 2 << 30;
