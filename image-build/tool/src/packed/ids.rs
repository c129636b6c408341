//! Numbers that file systems draw at random elsewhere: here they follow from the recipe's variant and the architecture, so that the
//! same inputs give the same bytes, and from the version not at all, so that an unchanged block of two releases stays unchanged.

use partition_core::Guid;
use release::Digest;

use crate::{Arch, Recipe};

/// A UUID of version 8 (RFC 9562).
pub(crate) fn uuid(recipe: &Recipe, arch: Arch, of: &str) -> String {
    let digest = digest(recipe, arch, of);
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.bytes()) {
        *to = *from;
    }
    bytes[7] = bytes[7] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Guid::from_bytes(bytes).to_string()
}

/// dm-verity's salt.
pub(crate) fn salt(recipe: &Recipe, arch: Arch) -> [u8; 32] {
    *digest(recipe, arch, "salt").bytes()
}

/// A FAT's volume number.
pub(crate) fn volume_number(recipe: &Recipe, arch: Arch, of: &str) -> u32 {
    let digest = digest(recipe, arch, of);
    digest.bytes().iter().take(4).fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

fn digest(recipe: &Recipe, arch: Arch, of: &str) -> Digest {
    Digest::of(format!("{}\n{arch}\n{of}\n", recipe.variant).as_bytes())
}
