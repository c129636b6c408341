//! Finding both copies and saying which one counts.

use alloc::vec;

use super::copy::{Copy, Shape};
use super::{Condition, CopyError, Geometry, ReadError, Table};

pub(super) fn read<E>(
    geometry: Geometry,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
) -> Result<Table, ReadError<E>> {
    let size = geometry.sector_size;
    if !(512..=65_536).contains(&size) || !size.is_power_of_two() || geometry.sectors < 8 {
        return Err(ReadError::Geometry);
    }
    let last = geometry.sectors - 1;
    let mut failure = None;
    let primary = read_copy(geometry, 1, &mut read, &mut failure);
    // A place that cannot be right (beyond the disk, or in the primary itself) counts as none.
    let said = primary.as_ref().map_or(last, |copy| copy.shape().alternate);
    let place = if said > 1 && said < last { said } else { last };
    let backup = read_copy(geometry, place, &mut read, &mut failure);

    let (condition, copy, other) = match (primary, backup) {
        // `said` may be no place at all; the backup is then in the last sector and the primary is to say so.
        (Ok(primary), Ok(backup)) if said != place || !primary.agrees_with(&backup, place) => {
            (Condition::Differ, primary, Some(backup))
        }
        (Ok(primary), Ok(backup)) => (Condition::Good, primary, Some(backup)),
        (Ok(primary), Err(error)) => (Condition::BackupDamaged(error), primary, None),
        (Err(error), Ok(backup)) => (Condition::PrimaryDamaged(error), backup, None),
        (Err(primary), Err(backup)) => {
            return Err(match failure {
                Some((lba, source)) => ReadError::Read { lba, source },
                None => ReadError::NoTable { primary, backup },
            });
        }
    };
    place_copies(geometry, condition, copy, (place, other)).ok_or(ReadError::Overlap)
}

fn read_copy<E>(
    geometry: Geometry,
    lba: u64,
    read: &mut impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    failure: &mut Option<(u64, E)>,
) -> Result<Copy, CopyError> {
    let mut sectors = |lba: u64, length: usize| {
        let mut bytes = vec![0; length];
        match read(lba, &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) => {
                // The first error is the one worth telling, and only when no copy counts.
                failure.get_or_insert((lba, error));
                Err(CopyError::Unreadable)
            }
        }
    };
    let header = sectors(lba, geometry.sector_size as usize)?;
    let shape = Shape::of(&header, lba, geometry)?;
    let length = usize::try_from(shape.entry_sectors).map_err(|_| CopyError::Count)?;
    let entries = sectors(shape.entries_lba, length * geometry.sector_size as usize)?;
    Copy::of(shape, header, entries)
}

/// Says where both copies will be written; `None` if that would destroy a partition or one of the copies.
fn place_copies(
    geometry: Geometry,
    condition: Condition,
    copy: Copy,
    (place, backup): (u64, Option<Copy>),
) -> Option<Table> {
    let sectors = copy.shape().entry_sectors;
    let last = geometry.sectors - 1;
    let from_backup = matches!(condition, Condition::PrimaryDamaged(_));
    // Sector 2 is reserved for the entries; a primary that has them elsewhere is believed while it is valid.
    let primary_entries = if from_backup { 2 } else { copy.shape().entries_lba };
    let kept = if from_backup { Some(copy.shape()) } else { backup.map(|backup| backup.shape()) };
    let kept = kept.filter(|shape| shape.entry_sectors == sectors).map(|shape| shape.entries_lba);
    let fits = |entries: u64, header: u64| {
        let areas = [
            (1, 1),
            (primary_entries, primary_entries + sectors - 1),
            (entries, entries + sectors - 1),
            (header, header),
        ];
        let apart =
            areas.iter().enumerate().all(|(n, a)| areas.iter().skip(n + 1).all(|b| a.1 < b.0 || b.1 < a.0));
        apart && copy.entries().all(|entry| areas.iter().all(|area| !entry.meets(area.0, area.1)))
    };

    let at_end = last.checked_sub(sectors)?;
    let grown = place < last && fits(at_end, last);
    let (backup, backup_entries) =
        if grown { (last, at_end) } else { (place, kept.or(place.checked_sub(sectors))?) };
    if primary_entries < 2 || backup_entries < 2 || !fits(backup_entries, backup) {
        return None;
    }
    let condition = if grown && !from_backup { Condition::DiskGrown } else { condition };
    Some(Table { geometry, condition, copy, primary_entries, backup, backup_entries })
}
