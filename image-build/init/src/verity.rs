//! The dm-verity table: all of it from the command line, nothing from the disk.

use std::path::Path;

use crate::Words;

/// One target of a device-mapper table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Length in sectors of 512 bytes.
    pub sectors: u64,
    /// As the kernel's document on dm-verity has it.
    pub parameters: String,
}

/// The table of the root. A block that does not match the root hash restarts the machine: a program must not see an I/O
/// error where its own code should be and limp on.
pub(crate) fn target(words: &Words, root: &Path, hash: &Path) -> Target {
    let Words { data_blocks, hash_offset, root_hash, salt, .. } = words;
    let (root, hash) = (root.display(), hash.display());
    let first_hash_block = hash_offset / BLOCK;
    let salt = if salt.is_empty() { "-" } else { salt };
    Target {
        sectors: data_blocks * (BLOCK / 512),
        parameters: format!(
            "1 {root} {hash} {BLOCK} {BLOCK} {data_blocks} {first_hash_block} sha256 {root_hash} {salt} \
             1 restart_on_corruption"
        ),
    }
}

/// Data and hash blocks, in bytes.
const BLOCK: u64 = 4096;

#[cfg(test)]
mod tests {
    use boot_manifest::ImageWords;
    use partition_core::{Slot, kind};

    use super::*;

    #[test]
    fn the_table_is_the_kernels() {
        let words = Words {
            slot: Slot::A,
            root: kind::ROOT,
            hash: kind::HASH,
            root_hash: "ab".repeat(32),
            salt: "5a17".to_owned(),
            data_blocks: 8192,
            hash_offset: 4096,
            trial: false,
            last_try: false,
            image: ImageWords::parse("").unwrap(),
        };
        let Target { sectors, parameters } = target(&words, "/dev/vda3".as_ref(), "/dev/vda4".as_ref());
        assert_eq!(sectors, 65_536);
        let root_hash = "ab".repeat(32);
        assert_eq!(
            parameters,
            format!("1 /dev/vda3 /dev/vda4 4096 4096 8192 1 sha256 {root_hash} 5a17 1 restart_on_corruption")
        );
        let words = Words { salt: String::new(), ..words };
        let unsalted = target(&words, "/dev/vda3".as_ref(), "/dev/vda4".as_ref());
        assert!(unsalted.parameters.contains(&format!("{root_hash} - 1 ")));
    }
}
