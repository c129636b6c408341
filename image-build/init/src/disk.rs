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
pub(crate) struct Found {
    /// The whole disk.
    pub disk: PathBuf,
    /// The slot's root.
    pub root: PathBuf,
    /// Its verity tree.
    pub hash: PathBuf,
    /// PRIVATE.
    pub private: Place,
    /// DATA.
    pub data: Place,
}

impl Found {
    /// Whether all that the table names has its node: the kernel makes them one after the other.
    fn is_complete(&self) -> bool {
        self.private != Place::NoNode && self.data != Place::NoNode
    }
}

/// Where a partition is that a host can do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Here.
    Node(PathBuf),
    /// The table names it, but the kernel shows no node, or not yet.
    NoNode,
    /// The disk has none.
    NoEntry,
}

/// Where to look; tests name folders of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe<'a> {
    /// sysfs's list of whole block devices.
    pub block: &'a Path,
    /// Their nodes.
    pub dev: &'a Path,
}

impl Probe<'static> {
    /// This machine.
    pub(crate) fn live() -> Probe<'static> {
        Probe { block: Path::new("/sys/block"), dev: Path::new("/dev") }
    }
}

/// Waits for the partitions: drivers look for disks while we run. A disk that shows root and hash but not yet a PRIVATE
/// or DATA of its table is not taken before the limit, since a host must not boot without its memory because it was fast.
/// `meanwhile` runs at each look.
pub(crate) fn wait(
    probe: Probe<'_>,
    words: &Words,
    limit: Duration,
    mut meanwhile: impl FnMut(),
) -> Result<Vec<Found>> {
    let start = Instant::now();
    loop {
        meanwhile();
        let late = start.elapsed() >= limit;
        let (complete, partly): (Vec<Found>, Vec<Found>) =
            find(probe, words.root, words.hash).into_iter().partition(Found::is_complete);
        if !complete.is_empty() {
            return Ok(complete);
        }
        if late && !partly.is_empty() {
            return Ok(partly);
        }
        if late {
            let seconds = limit.as_secs();
            return Err(Error::NoDisk { root: words.root, hash: words.hash, seconds });
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// All disks that show both partitions, by name. Two of them are copies of each other; verity proves the root of either,
/// but only one of them was meant, so the caller says so.
pub(crate) fn find(probe: Probe<'_>, root: Guid, hash: Guid) -> Vec<Found> {
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
    let place = |wanted: &dyn Fn(&Entry) -> bool| {
        let Some(entry) = table.entries().find(|entry| wanted(entry)) else { return Place::NoEntry };
        let node = partition(&sys, entry.index + 1).map(|name| probe.dev.join(name));
        node.filter(|node| node.exists()).map_or(Place::NoNode, Place::Node)
    };
    let node = |wanted: &dyn Fn(&Entry) -> bool| match place(wanted) {
        Place::Node(node) => Some(node),
        Place::NoNode | Place::NoEntry => None,
    };
    Some(Found {
        root: node(&|entry| entry.guid == root && entry.type_guid == kind::ROOT)?,
        hash: node(&|entry| entry.guid == hash && entry.type_guid == kind::HASH)?,
        private: place(&|entry| entry.type_guid == kind::PRIVATE),
        data: place(&|entry| entry.type_guid == kind::DATA),
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

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use fixtures::disk::{DiskSpec, partuuid};
    use partition_core::{Flags, Slots};
    use tempfile::TempDir;

    use super::*;

    /// What sysfs and /dev show of disks, in a folder.
    struct Machine(TempDir);

    impl Machine {
        fn new() -> Machine {
            let machine = Machine(tempfile::tempdir().unwrap());
            fs::create_dir(machine.block()).unwrap();
            fs::create_dir(machine.dev()).unwrap();
            machine
        }

        fn with(self, disk: &str, spec: &DiskSpec) -> Machine {
            let (bytes, sys) = (spec.build(), self.block().join(disk));
            fs::create_dir_all(sys.join("queue")).unwrap();
            fs::write(sys.join("queue/logical_block_size"), format!("{}\n", spec.sector_size)).unwrap();
            fs::write(sys.join("size"), format!("{}\n", bytes.len() / 512)).unwrap();
            fs::write(self.dev().join(disk), bytes).unwrap();
            self
        }

        /// The kernel has seen this partition.
        fn show(&self, disk: &str, number: u32) {
            let name = format!("{disk}p{number}");
            let sys = self.block().join(disk).join(&name);
            fs::create_dir(&sys).unwrap();
            fs::write(sys.join("partition"), format!("{number}\n")).unwrap();
            fs::write(self.dev().join(name), "").unwrap();
        }

        fn block(&self) -> PathBuf {
            self.0.path().join("block")
        }

        fn dev(&self) -> PathBuf {
            self.0.path().join("dev")
        }

        fn node(&self, name: &str) -> PathBuf {
            self.dev().join(name)
        }

        fn wait(&self, limit: Duration, meanwhile: impl FnMut()) -> Result<Vec<Found>> {
            let (block, dev) = (self.block(), self.dev());
            wait(Probe { block: &block, dev: &dev }, &words(), limit, meanwhile)
        }
    }

    /// Slot A of the test disks: BOOT 1, ROOT 2, HASH 3; of those with one slot, PRIVATE 4 and DATA 5.
    fn words() -> Words {
        let (root, hash, digest) = (partuuid(2), partuuid(3), "ab".repeat(32));
        Words::parse(&format!(
            "updog.slot=A updog.root={root} updog.hash={hash} updog.root_hash={digest} updog.salt= \
             updog.data_blocks=4 updog.hash_offset=4096"
        ))
        .unwrap()
    }

    fn one_slot(sector_size: u32) -> DiskSpec {
        let slots = Slots::new(Some(Flags::of(1, 7, true)), None);
        DiskSpec { sector_size, slots, ..DiskSpec::default() }
    }

    #[test]
    fn a_disk_is_found_by_its_table() {
        for sector_size in [512, 4096] {
            let machine = Machine::new().with("nvme0n1", &one_slot(sector_size));
            for number in 1..=5 {
                machine.show("nvme0n1", number);
            }
            let node = |number: u32| machine.node(&format!("nvme0n1p{number}"));
            let found = machine.wait(Duration::ZERO, || {}).unwrap();
            let expected = Found {
                disk: machine.node("nvme0n1"),
                root: node(2),
                hash: node(3),
                private: Place::Node(node(4)),
                data: Place::Node(node(5)),
            };
            assert_eq!(found, [expected], "{sector_size}");
        }
    }

    /// The bug: root and hash were there, PRIVATE a moment later, and the host booted on a tmpfs.
    #[test]
    fn partitions_that_come_late_are_waited_for() {
        let machine = Machine::new().with("vda", &one_slot(512));
        let mut late = [2, 3, 1, 5, 4].into_iter();
        let mut looks = 0;
        let found = machine
            .wait(Duration::from_mins(1), || {
                looks += 1;
                if let Some(number) = late.next() {
                    machine.show("vda", number);
                }
            })
            .unwrap();
        assert_eq!(looks, 5);
        assert_eq!(found[0].private, Place::Node(machine.node("vdap4")));
        assert_eq!(found[0].data, Place::Node(machine.node("vdap5")));
    }

    #[test]
    fn what_never_comes_is_done_without_at_the_limit() {
        let machine = Machine::new().with("vda", &one_slot(512));
        for number in [2, 3, 5] {
            machine.show("vda", number);
        }
        let found = machine.wait(Duration::from_millis(50), || {}).unwrap();
        assert_eq!(found[0].private, Place::NoNode);
        assert_eq!(found[0].data, Place::Node(machine.node("vdap5")));
    }

    #[test]
    fn a_root_or_hash_that_never_comes_is_an_error() {
        for shown in [2, 3] {
            let machine = Machine::new().with("vda", &one_slot(512));
            for number in [shown, 4, 5] {
                machine.show("vda", number);
            }
            let error = machine.wait(Duration::from_millis(50), || {}).unwrap_err();
            assert!(matches!(error, Error::NoDisk { .. }), "{error}");
        }
    }

    #[test]
    fn a_complete_copy_goes_before_one_that_is_not() {
        let machine = Machine::new().with("vda", &one_slot(512)).with("vdb", &one_slot(512));
        for number in [2, 3] {
            machine.show("vda", number);
        }
        for number in 2..=5 {
            machine.show("vdb", number);
        }
        let names = |found: &[Found]| found.iter().map(|found| found.disk.clone()).collect::<Vec<_>>();
        assert_eq!(names(&machine.wait(Duration::ZERO, || {}).unwrap()), [machine.node("vdb")]);
        for number in [4, 5] {
            machine.show("vda", number);
        }
        let both = machine.wait(Duration::ZERO, || {}).unwrap();
        assert_eq!(names(&both), [machine.node("vda"), machine.node("vdb")]);
    }

    #[test]
    fn disks_without_a_table_are_passed_over() {
        let machine = Machine::new().with("vdb", &one_slot(512));
        for number in 1..=5 {
            machine.show("vdb", number);
        }
        fs::create_dir_all(machine.block().join("sr0/queue")).unwrap();
        fs::create_dir_all(machine.block().join("vda/queue")).unwrap();
        fs::write(machine.block().join("vda/queue/logical_block_size"), "512\n").unwrap();
        fs::write(machine.block().join("vda/size"), "2048\n").unwrap();
        fs::write(machine.node("vda"), vec![0x5a; 1 << 20]).unwrap();
        assert_eq!(machine.wait(Duration::ZERO, || {}).unwrap().len(), 1);
    }
}
