//! What a build needs, looked for before it begins: a build of our own programs takes minutes.

use std::fs::{self, File};
use std::path::Path;

use super::{Request, Signing};
use crate::cmdline::Cmdline;
use crate::recipe::Content;
use crate::{Error, Recipe, Tool, programs};

/// Also reads the command line, which must boot.
pub(super) fn look(request: &Request, recipe: &Recipe) -> Result<Cmdline, Error> {
    if request.programs.is_none() {
        programs::workspace()?;
    }
    for (option, path) in named(request) {
        let looked =
            if option == "--overlay" { fs::read_dir(path).map(drop) } else { File::open(path).map(drop) };
        looked.map_err(|source| Error::Named { option, path: path.to_owned(), source })?;
    }
    let cmdline = Cmdline::read(recipe.cmdline(request.arch, &request.cmdline))?;
    for file in &recipe.files {
        let Content::Source(from) = &file.content else { continue };
        if let Err(source) = File::open(from) {
            return Err(Error::Source { path: file.path.clone(), from: from.clone(), source });
        }
    }
    let mut tools = ALWAYS.to_vec();
    let asked = [
        (request.update_lock, Tool::APT_GET),
        (request.update_lock, Tool::APT_CACHE),
        (request.update_lock, Tool::APT_CONFIG),
        (!recipe.root_modules(request.arch).is_empty(), Tool::DEPMOD),
        (request.secure_boot.is_some(), Tool::SBSIGN),
        (request.qcow2, Tool::QEMU_IMG),
    ];
    tools.extend(asked.into_iter().filter(|(asked, _)| *asked).map(|(_, tool)| tool));
    if request.programs.is_none() {
        tools.extend([Tool::CARGO, Tool::RUSTC]);
        tools.extend(programs::compiler(request.arch));
    }
    Tool::look(&tools)?;
    Ok(cmdline)
}

/// What the options name, beside recipe and lock.
fn named(request: &Request) -> impl Iterator<Item = (&'static str, &Path)> {
    let (Signing::Test(keys) | Signing::Release(keys)) = &request.signing;
    let secure_boot = request.secure_boot.iter();
    let secure_boot = secure_boot
        .flat_map(|it| [("--secure-boot-key", &*it.key), ("--secure-boot-cert", &*it.certificate)]);
    let overlays = request.overlays.iter().map(|path| ("--overlay", &**path));
    let keys = keys.iter().map(|path| ("--signing-key", &**path));
    let programs = request.programs.iter().map(|path| ("--programs", &**path));
    overlays.chain(keys).chain(programs).chain(secure_boot)
}

const ALWAYS: [Tool; 8] = [
    Tool::MKFS_EROFS,
    Tool::VERITYSETUP,
    Tool::MKE2FS,
    Tool::MFORMAT,
    Tool::MMD,
    Tool::MCOPY,
    Tool::XZ,
    Tool::DPKG_DEB,
];
