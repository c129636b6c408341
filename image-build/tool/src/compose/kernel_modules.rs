//! Kernel modules of the running system.

use std::path::Path;

use super::tree::{Tree, read};
use crate::initramfs::Modules;
use crate::{Error, Tool};

/// Copies the modules wanted, and what they depend on, as they are packaged; then depmod's data for them, and the list of those
/// that systemd loads on each boot.
pub(super) fn install(
    tree: &Tree,
    modules: &Modules,
    wanted: &[String],
    load: &[String],
    epoch: u64,
) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let version = modules.version();
    let folder = format!("usr/lib/modules/{version}");
    for module in modules.in_load_order(wanted)? {
        let below = module.path.strip_prefix(modules.folder()).unwrap_or(Path::new(""));
        let path = format!("{folder}/{}", below.display());
        tree.file(&path, 0o644, &read(&module.path)?)?;
    }
    for name in ["modules.builtin", "modules.builtin.modinfo", "modules.order"] {
        tree.file(&format!("{folder}/{name}"), 0o644, &read(&modules.folder().join(name))?)?;
    }
    // depmod looks in lib/modules below the base folder, or where merged /usr has it with -m, which Debian 12 does not know;
    // given the folder above "lib" it finds both.
    let base = tree.place("usr");
    Tool::DEPMOD.run(epoch, &["-b".as_ref(), base.as_os_str(), version.as_ref()])?;
    if !load.is_empty() {
        let list = load.join("\n") + "\n";
        tree.file("usr/lib/modules-load.d/updog-image.conf", 0o644, list.as_bytes())?;
    }
    Ok(())
}
