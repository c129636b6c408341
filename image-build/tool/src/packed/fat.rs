//! FAT file systems, made by mtools without mounting anything.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use super::root::fits;
use crate::{ByteCount, Error, Tool};

/// How large a FAT may be, with the recipe's size key that says so.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// All of the partition.
    Whole(ByteCount, &'static str),
    /// As large as its files need, at most the partition.
    Fitted(ByteCount, &'static str),
}

/// A FAT and what goes into it.
#[derive(Debug)]
pub struct Fat {
    label: &'static str,
    number: u32,
    files: Vec<(String, Vec<u8>)>,
}

impl Fat {
    /// An empty one; `number` is the volume's.
    pub fn new(label: &'static str, number: u32) -> Fat {
        Fat { label, number, files: Vec::new() }
    }

    /// Adds a file.
    pub fn file(&mut self, path: &str, content: Vec<u8>) -> &mut Fat {
        self.files.push((path.to_owned(), content));
        self
    }

    /// Writes the image.
    pub fn write(&self, path: &Path, extent: Extent, epoch: u64) -> Result<(), Error> {
        let needed = self.needed();
        let (Extent::Whole(partition, key) | Extent::Fitted(partition, key)) = extent;
        fits(needed, partition, key)?;
        let size = match extent {
            Extent::Whole(partition, _) => partition.0,
            Extent::Fitted(..) => needed,
        };
        let write = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Write { path, source }
        };
        let image = File::create(path).map_err(write(path))?;
        image.set_len(size).map_err(write(path))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let sectors = (size / SECTOR).to_string();
        let number = format!("{:08x}", self.number);
        // Clusters of 4 KiB make it FAT12 below 16 MiB and FAT16 below 256 MiB; firmware reads both.
        let words = [
            "-i", name, "-T", &sectors, "-h", "16", "-s", "32", "-c", "8", "-N", &number, "-v", self.label,
            "::",
        ];
        Tool::MFORMAT.run_in(folder, epoch, &words)?;
        for made in self.folders() {
            Tool::MMD.run_in(folder, epoch, &["-i", name, &format!("::{made}")])?;
        }
        let from = folder.join("fat-file");
        for (inside, content) in &self.files {
            fs::write(&from, content).map_err(write(&from))?;
            Tool::MCOPY.run_in(folder, epoch, &["-i", name, "fat-file", &format!("::{inside}")])?;
        }
        fs::remove_file(&from).map_err(write(&from))
    }

    /// Whole clusters of each file, both tables, the first folder, and some room; whole MiB.
    fn needed(&self) -> u64 {
        let files = self.files.iter().map(|(_, content)| (content.len() as u64).next_multiple_of(CLUSTER));
        (files.sum::<u64>() + ROOM).next_multiple_of(1 << 20)
    }

    /// The folders above the files, outer ones first.
    fn folders(&self) -> BTreeSet<&str> {
        let above = self
            .files
            .iter()
            .flat_map(|(path, _)| path.match_indices('/').map(|(at, _)| path.split_at(at).0));
        above.collect()
    }
}

const SECTOR: u64 = 512;
const CLUSTER: u64 = 4096;
const ROOM: u64 = 256 << 10;
