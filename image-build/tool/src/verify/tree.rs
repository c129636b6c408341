//! Root and hash tree of slot A by the boot manifest.

use std::ffi::OsStr;

use boot_manifest::Manifest;
use partition_core::{Part, Slot};
use release::folder::ReleaseJson;

use super::disk::Partitions;
use super::extract::Extract;
use super::{Problems, boot};
use crate::{Error, Tool, tools};

/// Every block of the root by the tree, and the tree by the root hash, as the kernel checks them.
pub(super) fn check(
    partitions: &Partitions,
    extract: &Extract,
    manifest: &Manifest,
    release: Option<&ReleaseJson>,
    problems: &mut Problems,
) -> Result<(), Error> {
    let layout = &partitions.layout;
    let (Some(root), Some(hash)) = (layout.part(Slot::A, Part::Root), layout.part(Slot::A, Part::Hash))
    else {
        return Ok(());
    };
    let length = |part| release.map(|release| boot::image(release, part).length);
    let (root, _) = extract.partition(root, length(Part::Root), "root")?;
    let (hash, _) = extract.partition(hash, length(Part::Hash), "hash")?;
    // The kernel reads no superblock, so all comes from the manifest here too.
    let words = [
        "verify".to_owned(),
        "--no-superblock".to_owned(),
        "--format=1".to_owned(),
        "--hash=sha256".to_owned(),
        "--data-block-size=4096".to_owned(),
        "--hash-block-size=4096".to_owned(),
        format!("--data-blocks={}", manifest.data_blocks),
        format!("--hash-offset={}", manifest.hash_offset),
        format!("--salt={}", hex::encode(&manifest.salt)),
    ];
    let mut words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    let root_hash = hex::encode(manifest.root_hash);
    words.extend([root.as_os_str(), hash.as_os_str(), root_hash.as_ref()]);
    match Tool::VERITYSETUP.run(0, &words) {
        Ok(_) => Ok(()),
        Err(tools::Error::Failed { said, .. }) => {
            problems.add("ROOT-A and HASH-A", said);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
