//! The disk.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use partition_core::Tries;
use partition_disk::{Access, Disk};

use super::{Plan, state};
use crate::{Error, Layout, install};

/// Lays the disk out and fills it: the selector's partition, slot A, PRIVATE and DATA. Slot B stays empty.
pub(super) fn write(plan: &Plan, esp: &Path, release: &Path, disk: &Path) -> Result<(), Error> {
    let size = plan.recipe.size;
    let layout = Layout {
        sector_size: 512,
        sizes: size,
        tries: Tries::default(),
        name: format!("{} {}", plan.recipe.variant, plan.arch),
    };
    layout.create(disk)?;
    install(&Disk::open(disk, Access::Write)?, release)?;
    put(&layout, "ESP", esp, disk)?;
    for (label, size) in [("PRIVATE", size.private), ("DATA", size.data)] {
        let at = disk.with_extension("state");
        state::format(plan, label, size, &at)?;
        put(&layout, label, &at, disk)?;
        fs::remove_file(&at).map_err(|source| Error::Write { path: at, source })?;
    }
    Ok(())
}

/// Copies a file into the partition of this name. Zeros stay holes.
fn put(layout: &Layout, name: &str, from: &Path, disk: &Path) -> Result<(), Error> {
    let read = |source| Error::Read { path: from.to_owned(), source };
    let write = |source| Error::Write { path: disk.to_owned(), source };
    let (mut at, length) =
        layout.place(name).ok_or_else(|| Error::LayOut { problem: format!("it has no partition {name}") })?;
    let mut file = File::open(from).map_err(read)?;
    let found = file.metadata().map_err(read)?.len();
    if found > length {
        return Err(Error::LayOut { problem: format!("{name} has {length} bytes, its file system {found}") });
    }
    let to = OpenOptions::new().write(true).open(disk).map_err(write)?;
    let mut piece = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut piece).map_err(read)?;
        let Some(piece) = piece.get(..count).filter(|piece| !piece.is_empty()) else {
            return to.sync_all().map_err(write);
        };
        if piece.iter().any(|byte| *byte != 0) {
            to.write_all_at(piece, at).map_err(write)?;
        }
        at += count as u64;
    }
}
