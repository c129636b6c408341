//! Firmware made of memory: a disk whose writes and flushes can fail, BOOT partitions as maps, a log of what happened.

mod edit;
mod firmware;
mod slots;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use partition_core::{Entry, Layout, Slot, Slots, Table};
use updog_boot::{FileName, Key, StartError};

pub(crate) use edit::{Copy, edit_entry};
pub(crate) use slots::{Files, Signer, boot_files, manifest};

/// The machine and everything that happens on it.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// The disk as a read finds it.
    pub(crate) disk: Vec<u8>,
    /// The disk as it was at the last flush.
    pub(crate) durable: Vec<u8>,
    /// Bytes in a sector.
    pub(crate) sector_size: u32,
    /// The BOOT partitions by first sector; one that is missing has no file system.
    pub(crate) volumes: BTreeMap<u64, Files>,
    /// What goes wrong with the disk.
    pub(crate) fault: Fault,
    /// What the firmware says to a kernel that starts with these bytes; all others run.
    pub(crate) refuses: BTreeMap<u8, (Stage, StartError)>,
    /// Everything that happened.
    pub(crate) events: Vec<Event>,
    /// The first sector of each BOOT partition that a file was asked of, with the flags that were durable just then.
    pub(crate) asked: Vec<(u64, Option<Slots>)>,
    /// How many bytes of which file were handed over.
    pub(crate) handed: Vec<(FileName, usize)>,
    /// Everything that was said.
    pub(crate) lines: Vec<String>,
    /// What the firmware says of Secure Boot.
    pub(crate) secure_boot: bool,
    initrd: Option<Vec<u8>>,
    clock: Duration,
    ops: usize,
}

/// A fault of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None.
    None,
    /// Write or flush number `at` (from 0) fails after `share` of 256 parts of it were written, and so do all after it
    /// when `lasts`.
    Op { at: usize, share: usize, lasts: bool },
    /// The power goes at write or flush number `at`.
    Power { at: usize, share: usize },
    /// Writes and flushes are answered as done, and nothing is kept.
    Forgets,
    /// Nothing can be read after write or flush number `at` has failed, though writes work again.
    Dies { at: usize },
}

/// Where a kernel is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// When it is loaded.
    Load,
    /// When it is started.
    Start,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Sectors were written.
    Write,
    /// Everything written became durable.
    Flush,
    /// A file of the BOOT partition that starts there was asked for.
    File(u64, FileName),
    /// The firmware took a kernel.
    Load(Vec<u8>),
    /// An initrd was put on offer.
    Offer,
    /// It was taken back.
    Withdraw,
    /// The firmware was told to start a kernel.
    Start(Start),
    /// Nothing happened for this long.
    Stall(Duration),
    /// The machine was restarted from cold.
    Reset,
}

/// A kernel with everything it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) kernel: Vec<u8>,
    pub(crate) initrd: Option<Vec<u8>>,
    pub(crate) cmdline: String,
}

/// How a firmware run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A kernel runs.
    Runs(Start),
    /// The machine was restarted.
    Restarted,
    /// The power went.
    PowerCut,
}

impl End {
    /// The slot that its command line names.
    pub(crate) fn slot(&self) -> Option<Slot> {
        let End::Runs(start) = self else { return None };
        let value = start.cmdline.split(' ').find_map(|word| word.strip_prefix("updog.slot="))?;
        value.parse().ok()
    }
}

impl Machine {
    /// A machine with this disk and empty BOOT partitions without file systems.
    pub(crate) fn new(disk: Vec<u8>, sector_size: u32) -> Machine {
        Machine {
            durable: disk.clone(),
            disk,
            sector_size,
            volumes: BTreeMap::new(),
            fault: Fault::None,
            refuses: BTreeMap::new(),
            events: Vec::new(),
            asked: Vec::new(),
            handed: Vec::new(),
            lines: Vec::new(),
            secure_boot: false,
            initrd: None,
            clock: Duration::ZERO,
            ops: 0,
        }
    }

    /// Both slots hold what `signer` has signed.
    pub(crate) fn signed(slots: Slots, signer: &Signer) -> Machine {
        let spec = fixtures::disk::DiskSpec { slots, ..Default::default() };
        let mut machine = Machine::new(spec.build(), spec.sector_size);
        for slot in Slot::ALL {
            if let Some(boot) = machine.boot(slot) {
                machine.volumes.insert(boot.first_lba, boot_files(slot, signer));
            }
        }
        machine
    }

    /// The same machine with a disk that fails.
    pub(crate) fn with(&self, fault: Fault) -> Machine {
        Machine { fault, ..self.clone() }
    }

    /// The files of a slot.
    pub(crate) fn files(&mut self, slot: Slot) -> &mut Files {
        let boot = self.boot(slot).expect("the disk has the slot");
        self.volumes.entry(boot.first_lba).or_default()
    }

    /// The slot has no file system any more.
    pub(crate) fn without_file_system(mut self, slot: Slot) -> Machine {
        let boot = self.boot(slot).expect("the disk has the slot");
        self.volumes.remove(&boot.first_lba);
        self
    }

    /// The BOOT entry of a slot, as the disk says now.
    pub(crate) fn boot(&self, slot: Slot) -> Option<Entry> {
        layout(&self.disk, self.sector_size)?.set(slot).map(|set| set.boot.clone())
    }

    /// Runs the selector as a power-on would: no faults are counted from before.
    pub(crate) fn boot_up(&mut self, keys: &[Key]) -> End {
        (self.initrd, self.ops) = (None, 0);
        let run = catch_unwind(AssertUnwindSafe(|| updog_boot::run(self, keys)));
        match run {
            Ok(()) => End::Restarted,
            Err(thrown) => match thrown.downcast::<End>() {
                Ok(end) => *end,
                Err(panic) => resume_unwind(panic),
            },
        }
    }

    /// The starts that were asked for, in order.
    pub(crate) fn starts(&self) -> impl Iterator<Item = &Start> {
        self.events.iter().filter_map(|event| match event {
            Event::Start(start) => Some(start),
            _ => None,
        })
    }

    /// How many writes and flushes worked.
    pub(crate) fn writes(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Write | Event::Flush)).count()
    }

    /// Whether a line says this.
    pub(crate) fn said(&self, part: &str) -> bool {
        self.lines.iter().any(|line| line.contains(part))
    }
}

/// The table in these bytes.
pub(crate) fn table(disk: &[u8], sector_size: u32) -> Option<Table> {
    let sectors = disk.len() as u64 / u64::from(sector_size);
    Table::read(partition_core::Geometry { sector_size, sectors }, |lba, bytes| {
        let from =
            usize::try_from(lba).ok().and_then(|lba| lba.checked_mul(sector_size as usize)).ok_or(())?;
        let found = disk.get(from..from + bytes.len()).ok_or(())?;
        bytes.copy_from_slice(found);
        Ok::<(), ()>(())
    })
    .ok()
}

/// The sets on this disk.
pub(crate) fn layout(disk: &[u8], sector_size: u32) -> Option<Layout> {
    table(disk, sector_size)?.layout().ok()
}

/// The flags on this disk.
pub(crate) fn flags(disk: &[u8]) -> Option<Slots> {
    layout(disk, 512).map(|layout| layout.slots())
}
