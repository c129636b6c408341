//! Which slot runs: the kernel command line and sysfs must agree.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use partition_core::{Guid, Part, Slot};

use crate::node::{node_name, read_number};
use crate::{Access, Disk};

/// Where to look; tests name a tree of their own.
#[derive(Clone, Debug)]
pub struct Probe<'a> {
    /// The kernel command line (`/proc/cmdline`).
    pub cmdline: &'a str,
    /// sysfs.
    pub sys: &'a Path,
    /// The device nodes.
    pub dev: &'a Path,
    /// Major and minor of the device that holds `/` (`st_dev`).
    pub root: (u32, u32),
}

/// The slot that runs, and the disk it runs from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The slot.
    pub slot: Slot,
    /// The whole disk's node.
    pub disk: PathBuf,
}

/// The running slot cannot be told, so nothing may be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// A file of the kernel could not be read.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The command line names a slot or a partition that makes no sense.
    #[error("failed to understand {key}={value} on the kernel command line")]
    Cmdline {
        /// The key.
        key: &'static str,
        /// What it says.
        value: String,
    },
    /// The command line names one of `updog.slot` and `updog.boot` only.
    #[error("failed to find {missing} on the kernel command line: it comes with its twin")]
    Half {
        /// The key that is missing.
        missing: &'static str,
    },
    /// No disk has the BOOT partition that the command line names.
    #[error("failed to find the disk with boot partition {boot}")]
    NoDisk {
        /// Its PARTUUID.
        boot: Guid,
    },
    /// Several disks have that partition, and nothing below `/` says which of them runs.
    #[error("failed to tell which disk runs: {disks} have the same boot partition")]
    Ambiguous {
        /// Their nodes.
        disks: String,
    },
    /// Neither source names a slot.
    #[error("failed to find a slot below / in sysfs or on the kernel command line")]
    Nothing,
    /// The sources disagree.
    #[error("failed to agree on the running slot: {first} says {expected}, {second} says {found}")]
    Disagree {
        /// The first source.
        first: &'static str,
        /// What it says.
        expected: String,
        /// The second source.
        second: &'static str,
        /// What it says.
        found: String,
    },
}

/// The running slot of this host.
pub fn live() -> Result<Running, DiscoverError> {
    let path = PathBuf::from("/proc/cmdline");
    let cmdline =
        fs::read_to_string(&path).map_err(|source| DiscoverError::Read { path: path.clone(), source })?;
    let root = fs::metadata("/").map_err(|source| DiscoverError::Read { path: "/".into(), source })?.dev();
    running(&Probe {
        cmdline: &cmdline,
        sys: Path::new("/sys"),
        dev: Path::new("/dev"),
        root: (rustix::fs::major(root), rustix::fs::minor(root)),
    })
}

/// The running slot, by `updog.slot` and `updog.boot` on the command line and by the partitions below `/`.
///
/// One source is enough where the other says nothing (a foreign boot loader, a root in memory); if both speak they must
/// agree.
pub fn running(probe: &Probe<'_>) -> Result<Running, DiscoverError> {
    let seen = by_sysfs(probe);
    let mut told = by_cmdline(probe, seen.as_ref().ok().and_then(Option::as_ref))?;
    match seen? {
        // A clone of the disk has the same GUIDs; the one below / is the one that runs.
        Some(seen) if told.is_empty() || told.contains(&seen) => Ok(seen),
        Some(seen) => Err(DiscoverError::Disagree {
            first: "the kernel command line",
            expected: told.iter().map(spell).collect::<Vec<_>>().join(" or "),
            second: "sysfs",
            found: spell(&seen),
        }),
        None if told.len() > 1 => Err(DiscoverError::Ambiguous {
            disks: told
                .iter()
                .map(|running| running.disk.display().to_string())
                .collect::<Vec<_>>()
                .join(", "),
        }),
        None => told.pop().ok_or(DiscoverError::Nothing),
    }
}

/// The node of the device mapper device that holds `/`, whose major and minor number is `root`; `None`: it lies on another
/// device, or on none.
pub fn mapped(sys: &Path, dev: &Path, root: (u32, u32)) -> Option<PathBuf> {
    let (major, minor) = root;
    let folder = fs::canonicalize(sys.join(format!("dev/block/{major}:{minor}"))).ok()?;
    folder.join("dm").is_dir().then(|| node_name(&folder).map(|name| dev.join(name))).flatten()
}

/// What the selector said, checked against the tables of all disks that it may have named; empty: it said nothing.
///
/// The disk below `/` is asked first, and when it bears the selector out no other is read: one that is slow or dead has no part in
/// this.
fn by_cmdline(probe: &Probe<'_>, seen: Option<&Running>) -> Result<Vec<Running>, DiscoverError> {
    // The selector appends its words, so the last one counts.
    let word = |key: &str| {
        let mut words = probe.cmdline.split_ascii_whitespace().rev();
        words.find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    };
    let (slot, boot) = match (word(SLOT), word(BOOT)) {
        (None, None) => return Ok(Vec::new()),
        (Some(_), None) => return Err(DiscoverError::Half { missing: BOOT }),
        (None, Some(_)) => return Err(DiscoverError::Half { missing: SLOT }),
        (Some(slot), Some(boot)) => (slot, boot),
    };
    let bad = |key, value: &str| DiscoverError::Cmdline { key, value: value.to_owned() };
    let said: Slot = slot.parse().map_err(|_| bad(SLOT, slot))?;
    let boot: Guid = boot.parse().map_err(|_| bad(BOOT, boot))?;
    let mut found_on = Vec::new();
    let is_seen = |folder: &PathBuf| {
        let node = node_name(folder).map(|name| probe.dev.join(name));
        seen.is_some_and(|seen| node.as_ref() == Some(&seen.disk))
    };
    let (first, others): (Vec<PathBuf>, Vec<PathBuf>) = disks(probe).into_iter().partition(is_seen);
    for folder in first.into_iter().chain(others) {
        let Some((disk, layout)) = open(probe, &folder) else { continue };
        let found = Slot::ALL
            .into_iter()
            .find(|&slot| layout.part(slot, Part::Boot).is_some_and(|entry| entry.guid == boot));
        match found {
            Some(slot) if slot == said => {
                let running = Running { slot, disk };
                if seen == Some(&running) {
                    return Ok(vec![running]);
                }
                found_on.push(running);
            }
            Some(slot) => {
                return Err(DiscoverError::Disagree {
                    first: SLOT,
                    expected: format!("slot {said}"),
                    second: BOOT,
                    found: format!("slot {slot}"),
                });
            }
            None => {}
        }
    }
    if found_on.is_empty() {
        return Err(DiscoverError::NoDisk { boot });
    }
    Ok(found_on)
}

/// The slot whose root or hash partition lies below `/`, through any stack of device mapper devices.
fn by_sysfs(probe: &Probe<'_>) -> Result<Option<Running>, DiscoverError> {
    let (major, minor) = probe.root;
    let Ok(start) = fs::canonicalize(probe.sys.join(format!("dev/block/{major}:{minor}"))) else {
        return Ok(None);
    };
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open_ends = vec![start];
    while let Some(folder) = open_ends.pop() {
        if !seen.insert(folder.clone()) {
            continue;
        }
        let slaves = fs::read_dir(folder.join("slaves")).into_iter().flatten().flatten();
        open_ends.extend(slaves.filter_map(|slave| fs::canonicalize(slave.path()).ok()));
        let number = read_number(&folder.join("partition"));
        let Some((number, parent)) = number.zip(folder.parent()) else { continue };
        let Some((disk, layout)) = open(probe, parent) else { continue };
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        if let Some((slot, Part::Root | Part::Hash)) = index.and_then(|index| layout.find(index)) {
            found.insert((slot, disk));
        }
    }
    let mut found = found.into_iter().map(|(slot, disk)| Running { slot, disk });
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        (Some(first), Some(second)) => Err(DiscoverError::Disagree {
            first: "one device below /",
            expected: spell(&first),
            second: "another",
            found: spell(&second),
        }),
        (None, Some(_)) => Ok(None),
    }
}

/// Whole disks: block devices that are no partitions and lie on nothing else.
fn disks(probe: &Probe<'_>) -> Vec<PathBuf> {
    let all = fs::read_dir(probe.sys.join("dev/block")).into_iter().flatten().flatten();
    let folders: BTreeSet<PathBuf> = all.filter_map(|device| fs::canonicalize(device.path()).ok()).collect();
    let stacked =
        |folder: &Path| fs::read_dir(folder.join("slaves")).is_ok_and(|mut slaves| slaves.next().is_some());
    folders.into_iter().filter(|folder| !folder.join("partition").exists() && !stacked(folder)).collect()
}

/// The node and slots of a disk; `None` for one that has none.
fn open(probe: &Probe<'_>, folder: &Path) -> Option<(PathBuf, partition_core::Layout)> {
    let node = probe.dev.join(node_name(folder)?);
    let disk = Disk::open_under(&node, Access::Read, probe.sys, probe.dev).ok()?;
    Some((node, disk.layout().ok()?))
}

fn spell(running: &Running) -> String {
    format!("slot {} of {}", running.slot, running.disk.display())
}

const SLOT: &str = "updog.slot";
const BOOT: &str = "updog.boot";
