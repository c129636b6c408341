//! The disk's table, and its partitions by the release.

use std::path::Path;

use partition_core::{Condition, Entry, Flags, Layout, Part, Slot, Slots, Table, Tries, kind};
use partition_disk::{Access, Disk};
use release::folder::ReleaseJson;

use super::extract::{Extract, SECTOR};
use super::{Problems, boot};
use crate::image::BuildJson;
use crate::{Arch, Error};

/// The partitions of the disk.
pub(super) struct Partitions {
    pub esp: Entry,
    pub layout: Layout,
}

/// Reads the table; `None` when nothing more can be said about the disk.
pub(super) fn layout(path: &Path, problems: &mut Problems) -> Option<(Partitions, Table)> {
    let read = Disk::open(path, Access::Read).and_then(|disk| Ok((disk.table()?, disk.layout()?)));
    let (table, layout) = match read {
        Ok(read) => read,
        Err(error) => {
            problems.add("disk.img table", chain(&error));
            return None;
        }
    };
    match table.condition() {
        Condition::Good => {}
        condition => problems.add("disk.img table", format!("expected two good copies, found {condition:?}")),
    }
    let factory = Slots::new(Some(Flags::of(1, Tries::default().confirmed(), true)), Some(Flags::default()));
    if layout.slots() != factory {
        problems.add("disk.img table", "expected slot A 1/7/1 and slot B 0/0/0, as they leave the factory");
    }
    let esp = table.entries().find(|entry| entry.type_guid == kind::EFI_SYSTEM);
    if esp.is_none() {
        problems.add("disk.img table", "expected an EFI system partition, found none");
    }
    for (name, entry) in [("PRIVATE", &layout.private), ("DATA", &layout.data)] {
        if entry.is_none() {
            problems.add("disk.img table", format!("expected a partition {name}, found none"));
        }
    }
    Some((Partitions { esp: esp?, layout }, table))
}

/// The EFI system partition; the selector in it.
pub(super) fn esp(
    partitions: &Partitions,
    extract: &Extract,
    build: Option<&BuildJson>,
    problems: &mut Problems,
) -> Result<Option<Vec<u8>>, Error> {
    let (fat, digest) = extract.partition(&partitions.esp, None, "esp")?;
    if let Some(build) = build {
        problems.equal("ESP", "digest", &build.esp, &digest);
    }
    // Without build.json, either; what it says must be so.
    let arches =
        build.and_then(|build| build.arch.parse().ok()).map_or(Arch::ALL.to_vec(), |arch| vec![arch]);
    for arch in arches {
        if let Some(selector) = extract.fat_file(&fat, &format!("EFI/BOOT/{}", arch.removable_loader()))? {
            return Ok(Some(selector));
        }
    }
    problems
        .add("ESP", "expected EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI, as the architecture has it, found none");
    Ok(None)
}

/// Slot A holds the release's images.
pub(super) fn images(
    partitions: &Partitions,
    extract: &Extract,
    release: &ReleaseJson,
    problems: &mut Problems,
) -> Result<(), Error> {
    for part in Part::ALL {
        let image = boot::image(release, part);
        let name = part.name().to_uppercase();
        let Some(entry) = partitions.layout.part(Slot::A, part) else { continue };
        if entry.sectors() * SECTOR < image.length {
            problems.add(format!("{name}-A"), "it is smaller than its image");
        }
        let (_, digest) = extract.partition(entry, Some(image.length), "image")?;
        problems.equal(&format!("{name}-A"), "digest by release.json", &image.sha256, &digest);
    }
    Ok(())
}

fn chain(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {}", chain(source)));
    format!("{error}{}", source.unwrap_or_default())
}
