//! The programs that a build runs, looked for before it begins: a build of our own programs takes minutes.

use super::Request;
use crate::{Error, Recipe, Tool, programs};

pub(super) fn look(request: &Request, recipe: &Recipe) -> Result<(), Error> {
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
