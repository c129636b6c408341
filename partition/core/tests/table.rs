//! Tables as gptman writes and reads them, and tables that nobody should write.
#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::io::Cursor;

use gptman::{GPT, GPTPartitionEntry};
use partition_core::{
    Condition, CopyError, Geometry, Guid, Layout, LayoutError, Op, Part, ReadError, Slot, Table, kind,
};
use proptest::prelude::*;

const SECTORS: u64 = 400;

fn read(disk: &[u8], sector_size: u32) -> Result<Table, ReadError<&'static str>> {
    let geometry = Geometry { sector_size, sectors: (disk.len() / sector_size as usize) as u64 };
    Table::read(geometry, |lba, sectors| {
        let at =
            usize::try_from(lba).map_err(|_| "place")?.checked_mul(sector_size as usize).ok_or("place")?;
        sectors.copy_from_slice(disk.get(at..at + sectors.len()).ok_or("outside")?);
        Ok(())
    })
}

fn write(disk: &mut [u8], table: &Table) {
    for op in table.writes() {
        if let Op::Write { lba, bytes } = op {
            let at = usize::try_from(lba).unwrap() * table.geometry().sector_size as usize;
            disk[at..at + bytes.len()].copy_from_slice(&bytes);
        }
    }
}

/// A disk by gptman with partitions of these types, two sectors each.
fn disk(sector_size: u32, kinds: &[Guid]) -> Vec<u8> {
    let mut disk = Cursor::new(vec![0; usize::try_from(SECTORS).unwrap() * sector_size as usize]);
    let mut gpt = GPT::new_from(&mut disk, u64::from(sector_size), [7; 16]).unwrap();
    for (n, kind) in (0..).zip(kinds) {
        let at = gpt.header.first_usable_lba + u64::from(n) * 2;
        gpt[n + 1] = GPTPartitionEntry {
            partition_type_guid: kind.to_bytes(),
            unique_partition_guid: [u8::try_from(n).unwrap() + 1; 16],
            starting_lba: at,
            ending_lba: at + 1,
            attribute_bits: u64::from(n) << 40,
            partition_name: format!("Ünit-{n}").as_str().into(),
        };
    }
    gpt.write_into(&mut disk).unwrap();
    disk.into_inner()
}

const SET: [Guid; 3] = [kind::BOOT, kind::ROOT, kind::HASH];

fn two_slots(sector_size: u32) -> Vec<u8> {
    disk(sector_size, &[SET[0], SET[1], SET[2], kind::DATA, SET[0], SET[1], SET[2], kind::PRIVATE])
}

#[test]
fn gptman_reads_what_we_write() {
    for sector_size in [512, 4096] {
        let mut bytes = two_slots(sector_size);
        let theirs = GPT::read_from(&mut Cursor::new(&bytes), u64::from(sector_size)).unwrap();
        let table = read(&bytes, sector_size).unwrap().with_attributes(4, 0x0123_4567_89ab_cdef);
        write(&mut bytes, &table);
        for copy in ["primary", "backup"] {
            let ours = GPT::read_from(&mut Cursor::new(&bytes), u64::from(sector_size)).unwrap();
            for ((n, ours), (_, theirs)) in ours.iter().zip(theirs.iter()) {
                let bits = if n == 5 { 0x0123_4567_89ab_cdef } else { theirs.attribute_bits };
                assert_eq!(ours.attribute_bits, bits, "{copy}, {n}");
                assert_eq!(ours.unique_partition_guid, theirs.unique_partition_guid);
                assert_eq!(ours.partition_name.as_str(), theirs.partition_name.as_str());
            }
            // Without the primary gptman falls back to the backup.
            bytes[sector_size as usize] ^= 1;
        }
    }
}

#[test]
fn nothing_but_the_attributes_changes() {
    let before = two_slots(512);
    let mut after = before.clone();
    let bits = u64::MAX;
    write(&mut after, &read(&before, 512).unwrap().with_attributes(0, bits));
    let changed: Vec<usize> = (0..before.len()).filter(|&at| before[at] != after[at]).collect();
    let (primary, backup) = (2 * 512, before.len() - 33 * 512);
    let allowed = |at: usize| {
        // the attribute bits of the entry in both copies, and three checksums' worth of header bytes in each
        let fields = [(primary + 48, 8), (backup + 48, 8), (512 + 16, 4), (512 + 88, 4)];
        let last = before.len() - 512;
        fields
            .iter()
            .chain(&[(last + 16, 4), (last + 88, 4)])
            .any(|&(from, n)| (from..from + n).contains(&at))
    };
    assert!(changed.iter().all(|&at| allowed(at)), "{changed:?}");
    // Writing a table as it was read changes nothing at all.
    let mut same = before.clone();
    write(&mut same, &read(&before, 512).unwrap());
    assert!(same == before);
}

#[test]
fn the_copy_that_was_not_read_goes_first() {
    let good = two_slots(512);
    let last = SECTORS - 1;
    let headers = |bytes: &[u8]| -> Vec<u64> {
        let ops = read(bytes, 512).unwrap().writes();
        let flushed: Vec<bool> = ops.iter().map(|op| *op == Op::Flush).collect();
        assert_eq!(flushed, [false, false, true, false, false, true]);
        let written = ops.iter().filter_map(|op| match op {
            Op::Write { lba, bytes } if bytes.len() == 512 => Some(*lba),
            _ => None,
        });
        written.collect()
    };
    assert_eq!(headers(&good), [last, 1]);
    let mut damaged = good.clone();
    damaged[512 + 20] ^= 1;
    assert_eq!(headers(&damaged), [1, last]);
    let mut damaged = good;
    damaged[512 * usize::try_from(last).unwrap() + 20] ^= 1;
    assert_eq!(headers(&damaged), [last, 1]);
}

#[test]
fn each_damage_has_its_name() {
    use Condition::{BackupDamaged, Differ, DiskGrown, Good, PrimaryDamaged};
    let good = two_slots(512);
    let last = 512 * usize::try_from(SECTORS - 1).unwrap();
    let condition = |spoil: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        spoil(&mut bytes);
        read(&bytes, 512).map(|table| table.condition())
    };
    assert_eq!(condition(&|_| ()), Ok(Good));
    assert_eq!(condition(&|b| b[512] ^= 1), Ok(PrimaryDamaged(CopyError::Signature)));
    assert_eq!(condition(&|b| b[512 + 12] = 91), Ok(PrimaryDamaged(CopyError::HeaderSize)));
    assert_eq!(condition(&|b| b[512 + 40] ^= 1), Ok(PrimaryDamaged(CopyError::HeaderCrc)));
    assert_eq!(condition(&|b| b[1024 + 130] ^= 1), Ok(PrimaryDamaged(CopyError::EntriesCrc)));
    assert_eq!(condition(&|b| b[last + 56] ^= 1), Ok(BackupDamaged(CopyError::HeaderCrc)));
    assert_eq!(condition(&|b| b.copy_within(512..1024, last)), Ok(BackupDamaged(CopyError::Place)));
    assert_eq!(condition(&|b| b.resize(b.len() + 512 * 9, 0)), Ok(DiskGrown));
    let differ = |b: &mut Vec<u8>| {
        let mut other = b.clone();
        write(&mut other, &read(b, 512).unwrap().with_attributes(0, 1 << 48));
        b[last - 32 * 512..].copy_from_slice(&other[last - 32 * 512..]);
    };
    assert_eq!(condition(&differ), Ok(Differ));
    let both = |b: &mut Vec<u8>| {
        b[512] ^= 1;
        b[last] ^= 1;
    };
    let none = ReadError::NoTable { primary: CopyError::Signature, backup: CopyError::Signature };
    assert_eq!(condition(&both), Err(none));
}

#[test]
fn the_primary_counts_where_both_differ_and_repair_makes_them_equal() {
    let mut bytes = two_slots(512);
    let ahead = read(&bytes, 512).unwrap().with_attributes(0, 9 << 48);
    let Op::Write { lba, bytes: entries } = &ahead.writes()[0] else { panic!("the entries go first") };
    let Op::Write { lba: header_lba, bytes: header } = &ahead.writes()[1] else { panic!("then the header") };
    for (lba, written) in [(lba, entries), (header_lba, header)] {
        let at = usize::try_from(*lba).unwrap() * 512;
        bytes[at..at + written.len()].copy_from_slice(written);
    }
    let table = read(&bytes, 512).unwrap();
    assert_eq!(table.condition(), Condition::Differ);
    assert_eq!(table.entries().next().unwrap().attributes, 0);
    write(&mut bytes, &table);
    assert!(bytes == two_slots(512));
}

#[test]
fn a_primary_that_names_no_place_for_the_backup_is_put_right() {
    for alternate in [0, 1, SECTORS, u64::MAX] {
        let mut bytes = two_slots(512);
        let header = &mut bytes[512..512 + 92];
        header[32..40].copy_from_slice(&alternate.to_le_bytes());
        header[16..20].fill(0);
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(header);
        header[16..20].copy_from_slice(&crc.to_le_bytes());
        let table = read(&bytes, 512).unwrap();
        assert_eq!(table.condition(), Condition::Differ, "{alternate}");
        write(&mut bytes, &table);
        assert!(bytes == two_slots(512), "{alternate}");
    }
}

#[test]
fn the_backup_follows_the_end_of_a_grown_disk() {
    for (sector_size, more) in [(512, 1), (512, 32), (512, 33), (512, 1000), (4096, 1), (4096, 5)] {
        let mut bytes = two_slots(sector_size);
        bytes.resize(bytes.len() + more * sector_size as usize, 0);
        let table = read(&bytes, sector_size).unwrap();
        assert_eq!(table.condition(), Condition::DiskGrown);
        write(&mut bytes, &table);
        assert_eq!(read(&bytes, sector_size).unwrap().condition(), Condition::Good);
        // The primary is not needed to find it any more, and the new space is usable.
        bytes[sector_size as usize] ^= 1;
        let theirs = GPT::read_from(&mut Cursor::new(&bytes), u64::from(sector_size)).unwrap();
        let entries = (128 * 128u64).div_ceil(u64::from(sector_size));
        assert_eq!(theirs.header.last_usable_lba, SECTORS + more as u64 - 2 - entries);
    }
}

#[test]
fn a_table_that_lies_over_a_partition_is_refused() {
    // Valid checksums, but a partition reaches into the backup's entries.
    let mut disk_bytes = Cursor::new(two_slots(512));
    let mut gpt = GPT::read_from(&mut disk_bytes, 512).unwrap();
    let mut header = gpt.header.clone();
    let mut entries: Vec<GPTPartitionEntry> = (1..=128).map(|n| gpt[n].clone()).collect();
    entries[7].ending_lba = SECTORS - 3;
    header.update_partition_entry_array_crc32(&entries);
    header.update_crc32_checksum();
    header.write_into(&mut disk_bytes, 512, &entries).unwrap();
    gpt.header = header;
    assert_eq!(read(&disk_bytes.into_inner(), 512), Err(ReadError::Overlap));
}

#[test]
fn sectors_that_cannot_be_read_are_a_damaged_copy() {
    let good = two_slots(512);
    let geometry = Geometry { sector_size: 512, sectors: SECTORS };
    let table = |bad: &dyn Fn(u64) -> bool| {
        Table::read(geometry, |lba, sectors| {
            if bad(lba) {
                return Err("bad sector");
            }
            let at = usize::try_from(lba).unwrap() * 512;
            sectors.copy_from_slice(&good[at..at + sectors.len()]);
            Ok(())
        })
    };
    assert_eq!(table(&|lba| lba == 2).unwrap().condition(), Condition::PrimaryDamaged(CopyError::Unreadable));
    assert_eq!(table(&|_| true), Err(ReadError::Read { lba: 1, source: "bad sector" }));
}

#[test]
fn slots_are_the_nth_of_each_type() {
    let layout = |kinds: &[Guid]| read(&disk(512, kinds), 512).unwrap().layout();
    let [boot, root, hash] = SET;
    let two = layout(&[hash, root, boot, kind::EFI_SYSTEM, boot, hash, root]).unwrap();
    let index = |slot, part| two.part(slot, part).unwrap().index;
    assert_eq!(
        [index(Slot::A, Part::Boot), index(Slot::A, Part::Root), index(Slot::A, Part::Hash)],
        [2, 1, 0]
    );
    assert_eq!(
        [index(Slot::B, Part::Boot), index(Slot::B, Part::Root), index(Slot::B, Part::Hash)],
        [4, 6, 5]
    );
    assert_eq!(two.find(6), Some((Slot::B, Part::Root)));
    assert_eq!(two.find(3), None);

    let one = layout(&[boot, root, hash]).unwrap();
    assert!(one.b.is_none() && one.slots().get(Slot::B).is_none());
    let missing = |slot, part| Err::<Layout, _>(LayoutError::Missing { slot, part });
    assert_eq!(layout(&[boot, root, hash, boot, root]), missing(Slot::B, Part::Hash));
    assert_eq!(layout(&[boot, root]), missing(Slot::A, Part::Hash));
    assert_eq!(layout(&[]), missing(Slot::A, Part::Boot));
    let three = layout(&[boot, root, hash, boot, root, hash, root]);
    assert_eq!(three, Err(LayoutError::TooMany { kind: root, found: 3 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_spoilt_table_is_read_or_refused(
        spoilt in proptest::collection::vec((0usize..3 * 512, any::<u8>(), any::<bool>()), 1..8),
        fix_checksums: bool,
    ) {
        let mut bytes = two_slots(512);
        let end = bytes.len();
        for (at, byte, in_backup) in spoilt {
            let at = if in_backup { end - 3 * 512 + at } else { at };
            bytes[at] = byte;
        }
        if fix_checksums {
            // Hostile rather than broken: the header's own checksum is right.
            for at in [512, end - 512] {
                let size = u32::from_le_bytes(bytes[at + 12..at + 16].try_into().unwrap()).clamp(92, 512) as usize;
                bytes[at + 16..at + 20].fill(0);
                let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes[at..at + size]);
                bytes[at + 16..at + 20].copy_from_slice(&crc.to_le_bytes());
            }
        }
        if let Ok(table) = read(&bytes, 512) {
            let _ = table.layout();
            // What is written never leaves the disk, and makes it good.
            write(&mut bytes, &table);
            let again = read(&bytes, 512).unwrap();
            prop_assert_eq!(again.condition(), Condition::Good);
            prop_assert!(again.entries().eq(table.entries()));
        }
    }

    #[test]
    fn garbage_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..20_000), power in 0u32..20, sectors: u64) {
        let geometry = Geometry { sector_size: 1 << power, sectors };
        let found = Table::read(geometry, |lba, sectors| {
            let at = usize::try_from(lba.wrapping_mul(7)).unwrap_or(0) % bytes.len().max(1);
            for (n, byte) in sectors.iter_mut().enumerate() {
                *byte = bytes.get(at + n).copied().unwrap_or(0);
            }
            Ok::<(), ()>(())
        });
        prop_assert!(found.is_err());
    }
}
