//! Which partitions those are: the disk that holds the slot's root and hash also holds PRIVATE and DATA.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use partition_core::{Entry, Geometry, Guid, Table, kind};

use crate::{Error, Result, Words};

/// Nodes of the partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The whole disk.
    pub disk: PathBuf,
    /// The slot's root.
    pub root: PathBuf,
    /// Its verity tree.
    pub hash: PathBuf,
    /// PRIVATE, where the disk has one.
    pub private: Option<PathBuf>,
    /// DATA, where the disk has one.
    pub data: Option<PathBuf>,
}

/// Where to look; tests name folders of their own.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// sysfs's list of whole block devices.
    pub block: &'a Path,
    /// Their nodes.
    pub dev: &'a Path,
}

impl Probe<'static> {
    /// This machine.
    pub fn live() -> Probe<'static> {
        Probe { block: Path::new("/sys/block"), dev: Path::new("/dev") }
    }
}

/// Waits for the partitions: drivers look for disks while we run.
pub fn wait(probe: Probe<'_>, words: &Words, limit: Duration) -> Result<Vec<Found>> {
    let start = Instant::now();
    loop {
        let found = find(probe, words.root, words.hash);
        if !found.is_empty() {
            return Ok(found);
        }
        if start.elapsed() >= limit {
            let seconds = limit.as_secs();
            return Err(Error::NoDisk { root: words.root, hash: words.hash, seconds });
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// All disks that hold both partitions, by name. Two of them are copies of each other; verity proves the root of either,
/// but only one of them was meant, so the caller says so.
pub fn find(probe: Probe<'_>, root: Guid, hash: Guid) -> Vec<Found> {
    let mut names: Vec<String> = fs::read_dir(probe.block)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names.iter().filter_map(|name| on(probe, name, root, hash)).collect()
}

fn on(probe: Probe<'_>, name: &str, root: Guid, hash: Guid) -> Option<Found> {
    let sys = probe.block.join(name);
    let disk = probe.dev.join(name);
    let geometry = Geometry {
        sector_size: u32::try_from(number(&sys.join("queue/logical_block_size"))?).ok()?,
        sectors: number(&sys.join("size"))?.checked_mul(512)?
            / number(&sys.join("queue/logical_block_size"))?,
    };
    let file = File::open(&disk).ok()?;
    let table = Table::read(geometry, |lba, into| {
        let at = lba.checked_mul(u64::from(geometry.sector_size)).ok_or(std::io::ErrorKind::InvalidInput)?;
        file.read_exact_at(into, at)
    })
    .ok()?;
    let node = |wanted: &dyn Fn(&Entry) -> bool| {
        let entry = table.entries().find(|entry| wanted(entry))?;
        partition(&sys, entry.index + 1).map(|name| probe.dev.join(name)).filter(|node| node.exists())
    };
    Some(Found {
        root: node(&|entry| entry.guid == root && entry.type_guid == kind::ROOT)?,
        hash: node(&|entry| entry.guid == hash && entry.type_guid == kind::HASH)?,
        private: node(&|entry| entry.type_guid == kind::PRIVATE),
        data: node(&|entry| entry.type_guid == kind::DATA),
        disk,
    })
}

/// The kernel's name of the partition with this number.
fn partition(sys: &Path, wanted: usize) -> Option<String> {
    let wanted = u64::try_from(wanted).ok()?;
    fs::read_dir(sys).ok()?.find_map(|entry| {
        let entry = entry.ok()?;
        (number(&entry.path().join("partition")) == Some(wanted))
            .then(|| entry.file_name().into_string().ok())
            .flatten()
    })
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok().filter(|number| *number > 0)
}
