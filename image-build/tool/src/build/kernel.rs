//! The kernel in its package, and that it can boot an image.

use std::fs;
use std::path::PathBuf;

use super::packages::Unpacked;
use crate::initramfs::Modules;
use crate::machine::{self, Format};
use crate::{Arch, Error, Recipe};

pub(super) struct Kernel {
    pub file: PathBuf,
    pub modules: Modules,
}

impl Kernel {
    pub(super) fn find(unpacked: &Unpacked, package: &str, arch: Arch) -> Result<Kernel, Error> {
        let boot = unpacked.kernel.join("boot");
        let unread = |source| Error::Read { path: boot.clone(), source };
        let mut versions = Vec::new();
        for entry in fs::read_dir(&boot).map_err(unread)? {
            let name = entry.map_err(unread)?.file_name();
            versions.extend(name.to_str().and_then(|name| name.strip_prefix("vmlinuz-")).map(str::to_owned));
        }
        let [version] = &*versions else {
            return Err(Error::NoKernel { package: package.to_owned(), found: versions.len() });
        };
        let modules = Modules::of(&unpacked.kernel.join("usr/lib/modules").join(version))?;
        let file = boot.join(format!("vmlinuz-{version}"));
        machine::starts(&file, &crate::compose::read(&file)?, Format::Pe, arch)?;
        Ok(Kernel { file, modules })
    }

    /// Refuses a recipe whose initramfs could not mount what every image has; answers with what may be missing.
    pub(super) fn boots(&self, recipe: &Recipe, arch: Arch) -> Result<Vec<String>, Error> {
        let loaded = self.modules.in_load_order(&recipe.modules(arch))?;
        let there =
            |name: &str| self.modules.is_built_in(name) || loaded.iter().any(|module| module.name == name);
        if let Some((module, needed_for)) = NEEDED.into_iter().find(|(name, _)| !there(name)) {
            return Err(Error::NeededModule { module, needed_for });
        }
        if DISKS.iter().any(|name| there(name)) {
            return Ok(Vec::new());
        }
        let text = "kernel.modules names no disk driver that is known (virtio_blk, nvme, sd_mod, …), and the kernel has none \
             built in: init may not find its disk";
        Ok(vec![text.to_owned()])
    }
}

/// What init of the initramfs mounts with.
const NEEDED: [(&str, &str); 3] =
    [("dm_verity", "checks the root"), ("erofs", "mounts the root"), ("ext4", "mounts PRIVATE and DATA")];
/// Drivers of what a disk can be on.
const DISKS: [&str; 6] = ["virtio_blk", "nvme", "sd_mod", "mmc_block", "xen_blkfront", "ufshcd_core"];
