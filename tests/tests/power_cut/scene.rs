//! The disks on which a step is cut.

use std::sync::LazyLock;

use fixtures::CrashDisk;
use fixtures::crash::{Release, selector_finds_whole_images, table_of};
use fixtures::disk::DiskSpec;
use partition_core::{Flags, Op, Slot, Slots, bootable};

/// What is wrong with the table before the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    None,
    PrimaryHeader,
    PrimaryEntries,
    BackupHeader,
    BackupEntries,
    /// The backup is valid and says something else.
    Differ,
    /// The disk has grown by so many sectors.
    Grown(usize),
}

impl Damage {
    pub(crate) const ALL: [Damage; 9] = [
        Damage::None,
        Damage::PrimaryHeader,
        Damage::PrimaryEntries,
        Damage::BackupHeader,
        Damage::BackupEntries,
        Damage::Differ,
        // the new copy overlaps the old one, touches it, and lies far away
        Damage::Grown(1),
        Damage::Grown(33),
        Damage::Grown(100),
    ];
}

/// A disk with images in its slots, the slot that runs, and the releases that may be found.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) sector_size: u32,
    pub(crate) slots: Slots,
    pub(crate) running: Slot,
    pub(crate) damage: Damage,
}

impl Scene {
    /// Every pairing of these flags, either slot running, both sector sizes. A slot that runs is one that may be started.
    pub(crate) fn all(damages: &[Damage]) -> Vec<Scene> {
        let mut scenes = Vec::new();
        for a in FLAGS {
            for b in FLAGS {
                let flags = |(priority, tries, successful): (u8, u8, u8)| {
                    // Bits that are not ours: required partition, no automount.
                    Flags::from_bits(1 << 63 | 1).with(priority, tries, successful == 1)
                };
                let slots = Slots::new(Some(flags(a)), Some(flags(b)));
                for running in bootable(&slots).iter() {
                    for &damage in damages {
                        for sector_size in [512, 4096] {
                            scenes.push(Scene { sector_size, slots, running, damage });
                        }
                    }
                }
            }
        }
        scenes
    }

    /// The flags of the running and of the other slot.
    pub(crate) fn flags(&self) -> (Flags, Flags) {
        (self.slots.get(self.running).unwrap(), self.slots.get(self.running.other()).unwrap())
    }

    /// The disk: a slot that may be started holds release 1 (A) or 2 (B), another one holds half of release 3.
    pub(crate) fn disk(&self) -> CrashDisk {
        let spec =
            DiskSpec { sector_size: self.sector_size, slots: self.slots, foreign: 40, ..DiskSpec::default() };
        let mut bytes = spec.build();
        let layout = table_of(&bytes, self.sector_size).unwrap().layout().unwrap();
        for (slot, release) in Slot::ALL.into_iter().zip([release(1), release(2)]) {
            let startable = bootable(&self.slots).contains(slot);
            let image = if startable {
                release
            } else {
                let mut half = self::release(3);
                half.root.truncate(half.root.len() / 2);
                half
            };
            image.place(&mut bytes, self.sector_size, &layout, slot);
        }
        CrashDisk::new(self.damaged(bytes), self.sector_size)
    }

    /// What must hold after a cut: every slot that the selector would start is whole.
    pub(crate) fn check(&self, bytes: &[u8]) -> Result<(), String> {
        static RELEASES: LazyLock<[Release; 3]> = LazyLock::new(|| [release(1), release(2), release(3)]);
        selector_finds_whole_images(bytes, self.sector_size, &*RELEASES)
    }

    fn damaged(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let sector = self.sector_size as usize;
        let end = bytes.len();
        let entries = (128 * 128usize).div_ceil(sector) * sector;
        let mut spoil = |at: usize| bytes[at] ^= 0x55;
        match self.damage {
            Damage::None => {}
            Damage::PrimaryHeader => spoil(sector + 60),
            Damage::PrimaryEntries => spoil(2 * sector + 50),
            Damage::BackupHeader => spoil(end - sector + 60),
            Damage::BackupEntries => spoil(end - sector - entries + 50),
            Damage::Differ => {
                // As a run that was cut between the copies: the backup is one change ahead. Any slot may be started by
                // it, so it must not count.
                let table = table_of(&bytes, self.sector_size).unwrap();
                let layout = table.layout().unwrap();
                let index = layout.set(self.running.other()).unwrap().boot.index;
                let ahead = table.with_attributes(index, Flags::of(2, 5, true).bits()).writes();
                for op in ahead.iter().take_while(|op| **op != Op::Flush) {
                    let Op::Write { lba, bytes: written } = op else { continue };
                    let at = usize::try_from(*lba).unwrap() * sector;
                    bytes[at..at + written.len()].copy_from_slice(written);
                }
            }
            Damage::Grown(sectors) => bytes.resize(end + sectors * sector, 0),
        }
        bytes
    }
}

/// The images of release `name`; they fill the partitions of the default disk but for the last page of root.
pub(crate) fn release(name: u8) -> Release {
    Release::filled(name, 8 << 10, 12 << 10, 8 << 10)
}

const FLAGS: [(u8, u8, u8); 10] = [
    (0, 0, 0),
    (1, 7, 1),
    (1, 0, 1),
    (1, 3, 0),
    (1, 0, 0),
    (2, 7, 1),
    (2, 3, 0),
    (2, 3, 1),
    (2, 1, 0),
    (2, 0, 0),
];
