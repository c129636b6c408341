//! `qemu`: not here yet.

use anyhow::{Result, bail};

pub(crate) fn run() -> Result<()> {
    bail!(
        "booting in an emulator is not here yet: it needs image-build/boot, init, tiny and manifest, which come with \
         the boot issue; \"cargo xtask firmware DISK\" does to the disk what the selector will do"
    )
}
