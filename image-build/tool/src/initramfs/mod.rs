//! What the kernel unpacks into memory and starts first: `/init`, the modules it loads, and the list of them.

mod cpio;
mod error;
mod modinfo;
mod modules;
mod read;

pub use cpio::Cpio;
pub use error::Error;
pub use modules::{Module, Modules};
pub(crate) use read::files;

/// The archive, compressed. `init` is the program, `modules` are in load order.
pub fn initramfs(init: &[u8], modules: &[Module], epoch: u64) -> Result<Vec<u8>, Error> {
    let mut archive = Cpio::new(epoch);
    // Mount points, so that init needs to make none before /dev is there.
    for folder in ["dev", "proc", "sys", "run", "root", "modules"] {
        archive.folder(folder);
    }
    // The kernel opens this as init's first three files; without it a panic in init would be silent.
    archive.device("dev/console", 0o600, 5, 1);
    archive.file("init", 0o755, init);
    let names: Vec<String> = modules.iter().map(|module| format!("{}.ko", module.name)).collect();
    let list: Vec<&str> = names.iter().flat_map(|name| [&**name, "\n"]).collect();
    archive.file("modules/list", 0o644, list.concat().as_bytes());
    for (name, module) in names.iter().zip(modules) {
        archive.file(&format!("modules/{name}"), 0o644, &module.bytes);
    }
    zstd::bulk::compress(&archive.finish(), LEVEL).map_err(|source| Error::Compress { source })
}

/// Beyond it zstd takes four times as long for 2 %.
const LEVEL: i32 = 15;
