//! What is done to a disk while its machine is off.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use partition_core::{Entry, Slot, Slots};
use partition_disk::{Access, Disk, Edit};
use serde::Deserialize;

use super::scenario::parse_flags;
use crate::process;

/// One thing done.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Damage {
    /// A byte is changed.
    Flip(Place),
    /// Bytes become zeros.
    Zero(Extent),
    /// A byte in the middle of a file on a FAT is changed.
    File(Inside),
    /// This copy of the partition table becomes zeros.
    Table(Copy),
    /// The disk is as long as this, as `qemu-img resize` reads it.
    Grow(String),
    /// Slots get these flags.
    Flags(BTreeMap<String, String>),
}

/// A byte of a partition, by its name in the table; counted from the end when negative.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    partition: String,
    at: i64,
    /// Count from the end of the image in it, not of the partition: the release's file of this name.
    image: Option<String>,
}

/// Bytes of a partition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extent {
    partition: String,
    at: u64,
    bytes: usize,
}

/// A file on a partition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inside {
    partition: String,
    name: String,
}

/// Of the partition table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Copy {
    Primary,
    Backup,
}

impl Damage {
    /// `release` is the folder of the release in the slot.
    pub(super) fn apply(&self, disk: &Path, release: &Path) -> Result<()> {
        match self {
            Self::Flip(place) => {
                let entry = partition(disk, &place.partition)?;
                let image = match &place.image {
                    Some(name) => std::fs::metadata(release.join(name))?.len(),
                    None => entry.sectors() * SECTOR,
                };
                let from = if place.at < 0 { image } else { 0 };
                let at = from.checked_add_signed(place.at).context("the place lies outside")?;
                ensure!(at < entry.sectors() * SECTOR, "the place lies behind {}", place.partition);
                flip(disk, entry.first_lba * SECTOR + at)
            }
            Self::Zero(Extent { partition: name, at, bytes }) => {
                let entry = partition(disk, name)?;
                ensure!(at + *bytes as u64 <= entry.sectors() * SECTOR, "the place lies behind {name}");
                write(disk, entry.first_lba * SECTOR + at, &vec![0; *bytes])
            }
            Self::File(Inside { partition: name, name: file }) => {
                flip_in_file(disk, partition(disk, name)?.first_lba * SECTOR, file)
            }
            Self::Table(Copy::Primary) => write(disk, SECTOR, &[0; 33 * 512]),
            Self::Table(Copy::Backup) => {
                let length = std::fs::metadata(disk)?.len();
                write(disk, length.saturating_sub(33 * SECTOR), &[0; 33 * 512])
            }
            Self::Grow(size) => {
                let disk = disk.to_str().context("the path is not UTF-8")?;
                let words = ["resize", "-q", "-f", "raw", disk, size];
                process::run(&mut process::program("qemu-img", &words))
            }
            Self::Flags(wanted) => set_flags(disk, wanted),
        }
    }
}

fn partition(disk: &Path, name: &str) -> Result<Entry> {
    let table = Disk::open(disk, Access::Read)?.table()?;
    let found = table.entries().find(|entry| entry.name() == name);
    found.with_context(|| format!("the disk has no partition {name:?}"))
}

fn set_flags(disk: &Path, wanted: &BTreeMap<String, String>) -> Result<()> {
    let mut flags = Vec::new();
    for (slot, text) in wanted {
        flags.push((slot.parse::<Slot>()?, parse_flags(text)?));
    }
    let changed = Disk::open(disk, Access::Write)?.change(|layout| {
        let with = |slots: Slots, &(slot, flags): &(Slot, _)| slots.with(slot, flags);
        Ok::<_, anyhow::Error>(Edit::slots(flags.iter().fold(layout.slots(), with)))
    });
    match changed {
        Ok(_) => Ok(()),
        Err(error) => bail!("failed to set flags: {error}"),
    }
}

fn flip(disk: &Path, at: u64) -> Result<()> {
    let mut byte = [0];
    File::open(disk)?.read_exact_at(&mut byte, at)?;
    write(disk, at, &byte.map(|byte| !byte))
}

/// The file is taken out, changed and put back; it keeps its length, so it fits.
fn flip_in_file(disk: &Path, offset: u64, name: &str) -> Result<()> {
    let image = format!("{}@@{offset}", disk.display());
    let inside = format!("::{name}");
    let out = disk.with_extension("file");
    let own = out.to_str().context("the path is not UTF-8")?;
    process::run(&mut process::program("mcopy", &["-n", "-o", "-i", &image, &inside, own]))?;
    let mut bytes = std::fs::read(&out)?;
    let middle = bytes.len() / 2;
    let byte = bytes.get_mut(middle).with_context(|| format!("{name} is empty"))?;
    *byte = if name == "boot.manifest" { other_digit(*byte) } else { !*byte };
    std::fs::write(&out, &bytes)?;
    process::run(&mut process::program("mcopy", &["-D", "o", "-i", &image, own, &inside]))?;
    Ok(std::fs::remove_file(&out)?)
}

/// Still ASCII, so that the file is read and its signature is what fails.
const fn other_digit(byte: u8) -> u8 {
    if byte == b'0' { b'1' } else { b'0' }
}

fn write(disk: &Path, at: u64, bytes: &[u8]) -> Result<()> {
    let file = File::options().write(true).open(disk);
    let file = file.with_context(|| format!("failed to open {} for writing", disk.display()))?;
    file.write_all_at(bytes, at).with_context(|| format!("failed to damage {}", disk.display()))
}

/// Of the disks that are built.
const SECTOR: u64 = 512;
