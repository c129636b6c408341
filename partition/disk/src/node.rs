//! The kernel's nodes for the partitions of a disk, found in sysfs.

use std::fs;
use std::path::{Path, PathBuf};

use partition_core::Entry;

use crate::error::Extent;
use crate::{Error, Result};

/// Where a block device is known: its folder in sysfs, and the folder of its node.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    /// `/sys/dev/block/M:m`, followed to the device's own folder.
    pub(crate) sys: PathBuf,
    /// `/dev`.
    pub(crate) dev: PathBuf,
}

impl Device {
    /// The node of the partition that `entry` describes, if the kernel agrees where it lies.
    pub(crate) fn partition(&self, disk: &Path, entry: &Entry, sector_size: u32) -> Result<PathBuf> {
        let number = entry.index.saturating_add(1);
        let missing = || Error::FindNode { path: disk.to_owned(), number };
        let children = fs::read_dir(&self.sys).map_err(|_| missing())?;
        let found = children
            .filter_map(std::result::Result::ok)
            .map(|child| child.path())
            .find(|child| read_number(&child.join("partition")) == u64::try_from(number).ok());
        let folder = found.ok_or_else(missing)?;
        let node = self.dev.join(node_name(&folder).ok_or_else(missing)?);

        let units = u64::from(sector_size) / 512;
        let expected = Extent {
            start: entry.first_lba.saturating_mul(units),
            length: entry.sectors().saturating_mul(units),
        };
        let (Some(start), Some(length)) =
            (read_number(&folder.join("start")), read_number(&folder.join("size")))
        else {
            return Err(missing());
        };
        let found = Extent { start, length };
        // The table may have been repartitioned under a kernel that still uses the old one.
        if found != expected {
            return Err(Error::StaleNode { node, expected, found });
        }
        Ok(node)
    }
}

/// The node's name by the kernel (`DEVNAME=` of the uevent), else the folder's own name with `!` for `/`.
pub(crate) fn node_name(folder: &Path) -> Option<String> {
    let uevent = fs::read_to_string(folder.join("uevent")).unwrap_or_default();
    let said = uevent.lines().find_map(|line| line.strip_prefix("DEVNAME=")).map(str::to_owned);
    let name = said.or_else(|| Some(folder.file_name()?.to_str()?.replace('!', "/")))?;
    // A name is joined to /dev, so it must not lead out of it.
    let plain = !name.starts_with('/') && name.split('/').all(|part| !part.is_empty() && part != "..");
    plain.then_some(name)
}

/// A file that holds one decimal number.
pub(crate) fn read_number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}
