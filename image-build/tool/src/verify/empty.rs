//! What nothing was written to holds nothing: whatever a disk carries beside its images would reach hosts unseen.

use partition_core::{Entry, Part, Slot, Table};
use release::folder::ReleaseJson;

use super::disk::Partitions;
use super::extract::{Extract, SECTOR};
use super::{Problems, boot};
use crate::{Error, Tool};

/// Zeros in slot B and behind the images of slot A.
pub(super) fn slots(
    partitions: &Partitions,
    extract: &Extract,
    release: Option<&ReleaseJson>,
    problems: &mut Problems,
) -> Result<(), Error> {
    for (slot, part) in [Slot::A, Slot::B].into_iter().flat_map(|slot| Part::ALL.map(|part| (slot, part))) {
        let Some(entry) = partitions.layout.part(slot, part) else { continue };
        let filled = match (slot, release) {
            (Slot::A, Some(release)) => boot::image(release, part).length,
            // How long its image is nobody says.
            (Slot::A, None) => continue,
            (Slot::B, _) => 0,
        };
        let place = format!("{}-{slot}", part.name().to_uppercase());
        let start = entry.first_lba * SECTOR;
        zeros(extract, &place, (start + filled, start + entry.sectors() * SECTOR), problems)?;
    }
    Ok(())
}

/// Zeros in the boot sector but for its one record, behind both headers of the table, and between all partitions; no
/// partition but those that a build makes.
pub(super) fn rest(
    partitions: &Partitions,
    table: &Table,
    extract: &Extract,
    problems: &mut Problems,
) -> Result<(), Error> {
    const PLACE: &str = "disk.img beside the partitions";
    let layout = &partitions.layout;
    let slots = [Slot::A, Slot::B].into_iter().flat_map(|slot| Part::ALL.map(|part| layout.part(slot, part)));
    let known: Vec<&Entry> = slots
        .chain([Some(&partitions.esp), layout.private.as_ref(), layout.data.as_ref()])
        .flatten()
        .collect();
    let mut ends: Vec<(u64, u64)> = Vec::new();
    for entry in table.entries() {
        if !known.contains(&&entry) {
            problems
                .add("disk.img table", format!("partition {} is none that a build makes", entry.index + 1));
        }
        ends.push((entry.first_lba * SECTOR, (entry.first_lba + entry.sectors()) * SECTOR));
    }
    ends.sort_unstable();
    let length = extract.length()?;
    let behind_last = length.saturating_sub(TABLE - SECTOR);
    ends.push((behind_last, length));
    let mut at = TABLE;
    let mut unused = vec![(0, RECORDS), (RECORDS + RECORD, SIGNATURE), (SECTOR + HEADER, 2 * SECTOR)];
    for (start, end) in ends {
        unused.push((at, start));
        at = at.max(end);
    }
    unused.push((length.saturating_sub(SECTOR - HEADER), length));
    unused.into_iter().try_for_each(|range| zeros(extract, PLACE, range, problems))
}

/// PRIVATE and DATA hold nothing but an empty lost+found.
pub(super) fn file_system(name: &str, file: &std::path::Path, problems: &mut Problems) -> Result<(), Error> {
    let mut found: Vec<String> = Vec::new();
    for folder in ["/", "/lost+found"] {
        let words =
            ["-R".as_ref(), format!("ls -p {folder}").as_ref(), file.as_os_str()].map(ToOwned::to_owned);
        let listed = Tool::DEBUGFS.run(0, &words)?;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        // /inode/mode/user/group/name/size/, with inode 0 where there is none.
        let entries = listed.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("/0/"));
        found.extend(entries.map(|line| line.split('/').nth(5).unwrap_or(line).to_owned()));
    }
    let expected = [".", "..", "lost+found", ".", ".."];
    if found != expected {
        let more = found.into_iter().filter(|name| !expected.contains(&&**name)).collect::<Vec<_>>();
        problems.add(name, format!("expected an empty lost+found alone, found {}", more.join(", ")));
    }
    Ok(())
}

fn zeros(
    extract: &Extract,
    place: &str,
    (start, end): (u64, u64),
    problems: &mut Problems,
) -> Result<(), Error> {
    if let Some(at) = extract.not_zero(start, end)? {
        problems.add(
            place,
            format!("expected zeros where nothing is written, found others at byte {at} of the disk"),
        );
    }
    Ok(())
}

/// Boot sector, header and 128 entries.
const TABLE: u64 = 34 * SECTOR;
/// Of a header's sector; the rest is reserved (UEFI 2.10, 5.3.2).
const HEADER: u64 = 92;
/// Of the boot sector: code and numbers, four records, signature (UEFI 2.10, 5.2.3).
const RECORDS: u64 = 446;
const RECORD: u64 = 16;
const SIGNATURE: u64 = 510;
