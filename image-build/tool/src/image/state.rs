//! PRIVATE and DATA as they leave the factory: ext4, empty.

use std::path::Path;

use crate::packed::ids;
use crate::{ByteCount, Error, Tool};

use super::Plan;

/// Makes the file system in a file of its own.
pub(super) fn format(plan: &Plan, label: &str, size: ByteCount, at: &Path) -> Result<(), Error> {
    let uuid = ids::uuid(plan.recipe, plan.arch, label);
    // The file is new, so its zeros need not be written again, and the kernel has nothing to finish at the first mount.
    let options = format!(
        "hash_seed={uuid},lazy_itable_init=0,lazy_journal_init=0,assume_storage_prezeroed=1,nodiscard,root_owner=0:0"
    );
    let blocks = (size.0 / BLOCK).to_string();
    let at = at.display().to_string();
    let words = [
        "-q",
        "-F",
        "-t",
        "ext4",
        "-O",
        FEATURES,
        "-b",
        "4096",
        "-I",
        "256",
        "-m",
        "0",
        "-e",
        "remount-ro",
        "-L",
        label,
        "-U",
        &uuid,
        "-E",
        &options,
        &at,
        &blocks,
    ];
    Tool::MKE2FS.run(plan.epoch, &words)?;
    Ok(())
}

const BLOCK: u64 = 4096;
/// All by name: what is on by default changes with the version of mke2fs.
const FEATURES: &str = "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,\
    large_file,huge_file,dir_nlink,extra_isize,metadata_csum";
