//! The slot that all of them write: a partition of one loop device, so that the kernel counts what is written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use partition_core::{Part, Slot};
use partition_disk::{Access, Disk};

use crate::process;

/// A disk image behind a loop device that bypasses the page cache, its partitions announced to the kernel; taken apart when dropped.
#[derive(Debug)]
pub(super) struct Device {
    node: String,
    partitions: Vec<usize>,
    running: usize,
    other: usize,
}

/// What the slot holds when a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Noise.
    Foreign,
    /// The release before.
    Older,
    /// Whatever the run before left there.
    Kept,
}

impl Device {
    /// Over a disk file that is laid out already.
    pub(super) fn over(file: &Path) -> Result<Device> {
        let layout = Disk::open(file, Access::Read)?.layout()?;
        let path = file.to_str().context("the target folder's path is not UTF-8")?;
        let words = ["--find", "--show", "--direct-io=on", path];
        let node = process::output(&mut process::program("losetup", &words))
            .context("failed to make a loop device: this bench needs root and a kernel with loop devices")?;
        let mut device =
            Device { node: node.trim().to_owned(), partitions: Vec::new(), running: 0, other: 0 };
        for (slot, part) in Slot::ALL.into_iter().flat_map(|slot| Part::ALL.map(|part| (slot, part))) {
            let entry =
                layout.part(slot, part).with_context(|| format!("slot {slot} lacks {}", part.name()))?;
            let number = entry.index + 1;
            let words = [number.to_string(), entry.first_lba.to_string(), entry.sectors().to_string()];
            // Not every kernel reads the table itself.
            process::run(process::program("addpart", &[&device.node]).args(words))?;
            device.partitions.push(number);
            match (slot, part) {
                (Slot::A, Part::Root) => device.running = number,
                (Slot::B, Part::Root) => device.other = number,
                _ => {}
            }
        }
        Ok(device)
    }

    /// The whole disk.
    pub(super) fn disk(&self) -> &str {
        &self.node
    }

    /// The root of the slot that runs.
    pub(super) fn running(&self) -> String {
        format!("{}p{}", self.node, self.running)
    }

    /// The root of the slot that is written.
    pub(super) fn other(&self) -> String {
        format!("{}p{}", self.node, self.other)
    }

    /// Puts a file's bytes into that slot.
    pub(super) fn fill(&self, from: &Path) -> Result<()> {
        let (from, to) = (format!("if={}", from.display()), format!("of={}", self.other()));
        let how = ["bs=4M", "iflag=fullblock", "oflag=direct", "conv=fsync", "status=none"];
        process::run(process::program("dd", &[&from, &to]).args(how))
    }

    /// Fails unless the slot holds the file, byte for byte.
    pub(super) fn holds(&self, file: &Path) -> Result<()> {
        let length = std::fs::metadata(file)?.len().to_string();
        let path = file.to_str().context("the target folder's path is not UTF-8")?;
        let words = ["--silent", "--bytes", &length, &self.other(), path];
        process::run(&mut process::program("cmp", &words))
            .context("the slot holds other bytes than it should")
    }

    /// Bytes written to the disk since the kernel knows it.
    pub(super) fn written(&self) -> Result<u64> {
        process::run(&mut process::program("blockdev", &["--flushbufs", &self.node]))?;
        let name = Path::new(&self.node).file_name().context("a device without a name")?;
        let path = PathBuf::from("/sys/block").join(name).join("stat");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
        Ok(sectors_written(&text).with_context(|| format!("{} says {text:?}", path.display()))? * 512)
    }
}

/// The seventh number of a device's `stat`.
fn sectors_written(stat: &str) -> Option<u64> {
    stat.split_whitespace().nth(6)?.parse().ok()
}

impl Drop for Device {
    fn drop(&mut self) {
        let undone = self.partitions.iter().try_for_each(|number| {
            process::run(&mut process::program("delpart", &[&self.node, &number.to_string()]))
        });
        let detached = process::run(&mut process::program("losetup", &["--detach", &self.node]));
        if let Err(error) = undone.and(detached) {
            eprintln!("warning: {} is left over: {error:#}", self.node);
        }
    }
}

/// Takes apart what a run that was killed has left over this file.
pub(super) fn detach(file: &Path) -> Result<()> {
    let path = file.to_str().context("the target folder's path is not UTF-8")?;
    let words = ["--noheadings", "--output", "NAME", "--associated", path];
    let left = process::output(&mut process::program("losetup", &words))?;
    for node in left.lines().map(str::trim) {
        // It ends with an error when there are none, as when the run was killed before it had announced them.
        let _ = process::program("partx", &["--delete", node]).status();
        process::run(&mut process::program("losetup", &["--detach", node]))?;
    }
    Ok(())
}

/// Fails where no such device can be made.
pub(super) fn needs_root() -> Result<()> {
    ensure!(
        process::is_root(),
        "this bench attaches loop devices and empties the page cache: run it as root"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_are_read_where_the_kernel_writes_them() {
        assert_eq!(sectors_written("  12 0 96 1 524288 0 4194304 900 0 1 2"), Some(4_194_304));
        assert_eq!(sectors_written("12 0 96"), None);
    }
}
