//! Root tree, kernel and programs → the images: root and its hash tree, BOOT, and the EFI system partition's file system.

mod fat;
mod root;
mod secure_boot;

use std::fs;
use std::path::{Path, PathBuf};

use boot_manifest::Manifest;
use release::Digest;

use crate::cmdline::Cmdline;
use crate::compose::Composed;
use crate::initramfs::{Modules, initramfs};
use crate::programs::Programs;
use crate::signing::{self, SigningKey};
use crate::{Arch, Error, Recipe};

pub use fat::{Extent, Fat};
pub use secure_boot::SecureBoot;

/// What the images are made from beside the root.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The architecture.
    pub arch: Arch,
    /// The version of the release.
    pub version: &'a release::Version,
    /// Seconds since 1970 that stand for now.
    pub epoch: u64,
    /// Our own programs.
    pub programs: &'a Programs,
    /// The kernel.
    pub kernel: &'a Path,
    /// Its modules.
    pub modules: &'a Modules,
    /// The whole command line.
    pub cmdline: &'a Cmdline,
    /// Who signs the boot manifest.
    pub keys: &'a [SigningKey],
    /// Who signs selector and kernel.
    pub secure_boot: Option<&'a SecureBoot>,
}

/// The images, in one folder. Only [`pack()`] makes them.
#[derive(Debug)]
pub struct Packed {
    /// BOOT: kernel, initrd and signed manifest.
    pub boot: PathBuf,
    /// The root.
    pub root: PathBuf,
    /// Its hash tree.
    pub hash: PathBuf,
    /// The EFI system partition: the selector.
    pub esp: PathBuf,
    /// dm-verity's root hash.
    pub root_hash: Digest,
}

/// Makes the images in `folder`.
pub fn pack(plan: &Plan, composed: &Composed, folder: &Path) -> Result<Packed, Error> {
    let at = |name: &str| folder.join(name);
    let root = root::pack(plan, composed, &at("root.img"), &at("hash.img"))?;

    let init = &plan.programs.init;
    let modules = plan.modules.in_load_order(&plan.recipe.modules(plan.arch))?;
    let initrd = initramfs(init, &modules, plan.epoch)?;
    let mut kernel = crate::compose::read(plan.kernel)?;
    let mut selector = plan.programs.boot.clone();
    if let Some(secure_boot) = plan.secure_boot {
        kernel = secure_boot.sign(&kernel, &at("kernel"), plan.epoch)?;
        selector = secure_boot.sign(&selector, &at("selector"), plan.epoch)?;
    }
    let file =
        |bytes: &[u8]| boot_manifest::File { sha256: *Digest::of(bytes).bytes(), length: bytes.len() as u64 };
    let manifest = Manifest {
        version: plan.version.to_string(),
        variant: plan.recipe.variant.clone(),
        arch: plan.arch.name().to_owned(),
        kernel: file(&kernel),
        initrd: file(&initrd),
        root_hash: *root.digest.bytes(),
        salt: root.salt.to_vec(),
        data_blocks: root.data_blocks,
        hash_offset: root::HASH_OFFSET,
        cmdline: plan.cmdline.line().to_owned(),
    };
    let manifest = signing::sign(&manifest, plan.keys).map_err(|source| Error::BootManifest { source })?;

    let label = ids::volume_number(plan.recipe, plan.arch, "boot");
    let mut boot = Fat::new("BOOT", label);
    boot.file("kernel", kernel).file("initrd", initrd).file("boot.manifest", manifest);
    boot.write(&at("boot.img"), Extent::Fitted(plan.recipe.size.boot, "boot"), plan.epoch)?;
    let label = ids::volume_number(plan.recipe, plan.arch, "esp");
    let mut esp = Fat::new("ESP", label);
    esp.file(&format!("EFI/BOOT/{}", plan.arch.removable_loader()), selector);
    esp.write(&at("esp.img"), Extent::Whole(plan.recipe.size.esp, "esp"), plan.epoch)?;
    for name in ["kernel", "selector"] {
        // Left by sbsign; not there without Secure Boot.
        let _ = fs::remove_file(at(name));
    }
    Ok(Packed {
        boot: at("boot.img"),
        root: at("root.img"),
        hash: at("hash.img"),
        esp: at("esp.img"),
        root_hash: root.digest,
    })
}

pub(crate) mod ids;
