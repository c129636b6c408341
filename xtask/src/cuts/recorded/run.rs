//! A recorded run: the disk before it, the log of its writes, and the releases that the slots may hold.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use partition_core::{Geometry, Layout};
use partition_disk::{Access, Disk};

use super::disk::Before;
use super::images::{Differing, Expected, Source};
use super::write_log::WriteLog;

/// What never changes while the log is followed.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) before: Before,
    pub(super) log: WriteLog,
    pub(super) geometry: Geometry,
    /// Sectors of the log in one of the table.
    pub(super) scale: u64,
    pub(super) layout: Layout,
    pub(super) expected: Expected,
    /// The slots before the first entry.
    pub(super) differing: Differing,
    /// First and last sector of each partition; what lies outside is the table's.
    partitions: Vec<(u64, u64)>,
}

impl Run {
    /// Opens all of it; the slots of the disk before are compared with the releases once.
    pub(super) fn load(before: &Path, log: &Path, releases: &[PathBuf]) -> Result<Run> {
        let sources = releases.iter().map(|folder| Source::load(folder)).collect::<Result<Vec<_>>>()?;
        let table = Disk::open(before, Access::Read)?.table()?;
        let layout =
            table.layout().with_context(|| format!("failed to find slots on {}", before.display()))?;
        let before = Before::open(before)?;
        let log = WriteLog::load(log, before.bytes())?;
        let geometry = table.geometry();
        let (own, logged) = (geometry.sector_size as usize, log.sector_size());
        ensure!(own.is_multiple_of(logged), "the log has sectors of {logged} bytes, the disk of {own}");
        let scale = (own / logged) as u64;
        let expected = Expected::new(&layout, scale, logged, sources)?;
        let differing = expected.compare(&before)?;
        let run = |first: u64, last: u64| (first * scale, last * scale + scale - 1);
        let partitions = table.entries().map(|entry| run(entry.first_lba, entry.last_lba)).collect();
        Ok(Run { before, log, geometry, scale, layout, expected, differing, partitions })
    }

    /// Whether the sector lies outside of all partitions.
    pub(super) fn in_table(&self, sector: u64) -> bool {
        !self.partitions.iter().any(|&(first, last)| (first..=last).contains(&sector))
    }
}
