//! What a build needs, looked for before it begins: a build of our own programs takes minutes.

use std::fs::File;

use super::Request;
use crate::recipe::Content;
use crate::{Error, Recipe, Tool, programs};

pub(super) fn look(request: &Request, recipe: &Recipe) -> Result<(), Error> {
    if request.programs.is_none() {
        programs::workspace()?;
    }
    let (length, limit) = (recipe.cmdline(request.arch, &request.cmdline).len(), boot_manifest::MAX_CMDLINE);
    if length > limit {
        return Err(Error::Cmdline { length, limit });
    }
    for file in &recipe.files {
        let Content::Source(from) = &file.content else { continue };
        if let Err(source) = File::open(from) {
            return Err(Error::Source { path: file.path.clone(), from: from.clone(), source });
        }
    }
    let mut tools = ALWAYS.to_vec();
    let asked = [
        (!recipe.root_modules(request.arch).is_empty(), Tool::DEPMOD),
        (request.secure_boot.is_some(), Tool::SBSIGN),
        (request.qcow2, Tool::QEMU_IMG),
    ];
    tools.extend(asked.into_iter().filter(|(asked, _)| *asked).map(|(_, tool)| tool));
    if request.programs.is_none() {
        tools.extend([Tool::CARGO, Tool::RUSTC]);
        tools.extend(programs::compiler(request.arch));
    }
    Ok(Tool::look(&tools)?)
}

const ALWAYS: [Tool; 7] =
    [Tool::MKFS_EROFS, Tool::VERITYSETUP, Tool::MKE2FS, Tool::MFORMAT, Tool::MMD, Tool::MCOPY, Tool::XZ];
