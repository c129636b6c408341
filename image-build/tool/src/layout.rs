//! What stands where on a disk.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use gptman::{GPT, GPTPartitionEntry};
use partition_core::{Flags, Guid, Part, Slot, Tries, kind};
use release::Digest;

use crate::{ByteCount, Error};

/// A disk with an EFI system partition, two slots, PRIVATE and DATA. Root and hash follow boot in partition number, as
/// Bottlerocket's loader wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// 512 or 4,096 bytes.
    pub sector_size: u32,
    /// Sizes of the partitions.
    pub sizes: Sizes,
    /// Decides the tries of slot A as it leaves the factory.
    pub tries: Tries,
    /// All GUIDs follow from this name and the sizes, so the same inputs give the same bytes.
    pub name: String,
}

/// Sizes of the partitions, in the order in which they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The EFI system partition.
    pub esp: ByteCount,
    /// Each BOOT.
    pub boot: ByteCount,
    /// Each ROOT.
    pub root: ByteCount,
    /// Each HASH.
    pub hash: ByteCount,
    /// PRIVATE.
    pub private: ByteCount,
    /// DATA.
    pub data: ByteCount,
}

impl Sizes {
    /// All of them by the keys of a recipe.
    pub fn named(&self) -> [(&'static str, ByteCount); 6] {
        let Sizes { esp, boot, root, hash, private, data } = *self;
        [("esp", esp), ("boot", boot), ("root", root), ("hash", hash), ("private", private), ("data", data)]
    }
}

struct Partition {
    kind: Guid,
    name: String,
    size: u64,
    attributes: u64,
}

impl Layout {
    /// Makes the disk file: slot A as it leaves the factory (1/M/1), slot B empty (0/0/0), partitions of zeros at
    /// multiples of 1 MiB. An existing file is not overwritten.
    pub fn create(&self, path: &Path) -> Result<(), Error> {
        let partitions = self.partitions();
        let total = self.check(&partitions)?;
        let write = |source| Error::Write { path: path.to_owned(), source };
        let opened = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let mut file = opened.map_err(write)?;
        let made = file.set_len(total).map_err(write).and_then(|()| {
            self.make_table(&mut file, &partitions)
                .map_err(|source| Error::MakeTable { path: path.to_owned(), source })?;
            file.sync_all().map_err(write)
        });
        if made.is_err() {
            // What is left of a disk that was not made helps nobody; the first error is the one to tell.
            let _ = fs::remove_file(path);
        }
        made
    }

    /// Where the partition of this name starts and how long it is, in bytes.
    pub fn place(&self, name: &str) -> Option<(u64, u64)> {
        let mut at = MIB;
        self.partitions().into_iter().find_map(|partition| {
            let start = at;
            at += partition.size.next_multiple_of(MIB);
            (partition.name == name).then_some((start, partition.size))
        })
    }

    fn partitions(&self) -> Vec<Partition> {
        let factory = Flags::of(1, self.tries.confirmed(), true);
        let flags = [(Slot::A, factory), (Slot::B, Flags::default())];
        let sets = flags.into_iter().flat_map(|(slot, flags)| {
            Part::ALL.map(|part| {
                let (size, attributes) = match part {
                    Part::Boot => (self.sizes.boot, flags.bits()),
                    Part::Root => (self.sizes.root, 0),
                    Part::Hash => (self.sizes.hash, 0),
                };
                let name = format!("{}-{slot}", part.name().to_uppercase());
                Partition { kind: part.kind(), name, size: size.0, attributes }
            })
        });
        let plain = |(kind, name, size): (Guid, &str, ByteCount)| Partition {
            kind,
            name: name.to_owned(),
            size: size.0,
            attributes: 0,
        };
        let esp = (kind::EFI_SYSTEM, "ESP", self.sizes.esp);
        let state = [(kind::PRIVATE, "PRIVATE", self.sizes.private), (kind::DATA, "DATA", self.sizes.data)];
        [esp].into_iter().map(plain).chain(sets).chain(state.into_iter().map(plain)).collect()
    }

    /// The size of the disk: every partition in whole MiB, and one more at each end for the tables.
    fn check(&self, partitions: &[Partition]) -> Result<u64, Error> {
        let problem = |problem: String| Err(Error::LayOut { problem });
        if ![512, 4096].contains(&self.sector_size) {
            return problem(format!("expected a sector size of 512 or 4096, found {}", self.sector_size));
        }
        let mut total = 2 * MIB;
        for Partition { name, size, .. } in partitions {
            if *size == 0 || !size.is_multiple_of(4096) {
                return problem(format!(
                    "expected a size of {name} in multiples of 4096 bytes, found {size}"
                ));
            }
            let whole = size.checked_next_multiple_of(MIB).and_then(|size| total.checked_add(size));
            match whole {
                Some(sum) if i64::try_from(sum).is_ok() => total = sum,
                _ => return problem(format!("{name} makes it larger than any file")),
            }
        }
        Ok(total)
    }

    fn make_table(&self, file: &mut File, partitions: &[Partition]) -> Result<(), gptman::Error> {
        let sector = u64::from(self.sector_size);
        let mut gpt = GPT::new_from(file, sector, self.guid("disk").to_bytes())?;
        gpt.align = MIB / sector;
        let mut at = MIB / sector;
        for (number, partition) in (1..).zip(partitions) {
            gpt[number] = GPTPartitionEntry {
                partition_type_guid: partition.kind.to_bytes(),
                unique_partition_guid: self.guid(&partition.name).to_bytes(),
                starting_lba: at,
                ending_lba: at + partition.size / sector - 1,
                attribute_bits: partition.attributes,
                partition_name: partition.name.as_str().into(),
            };
            at += partition.size.next_multiple_of(MIB) / sector;
        }
        GPT::write_protective_mbr_into(file, sector)?;
        gpt.write_into(file)?;
        Ok(())
    }

    /// A GUID of version 8 (RFC 9562: made by whatever rule one likes).
    fn guid(&self, of: &str) -> Guid {
        let Layout { sector_size, sizes, tries: _, name } = self;
        let Sizes { esp, boot, root, hash, private, data } = sizes;
        let text = format!("{name}\n{of}\n{sector_size} {esp} {boot} {root} {hash} {private} {data}\n");
        let digest = Digest::of(text.as_bytes());
        let mut bytes = [0; 16];
        for (byte, from) in bytes.iter_mut().zip(digest.bytes()) {
            *byte = *from;
        }
        bytes[7] = bytes[7] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Guid::from_bytes(bytes)
    }
}

const MIB: u64 = 1 << 20;
