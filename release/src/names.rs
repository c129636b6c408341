//! How targets are called: flat names of `[A-Za-z0-9._+-]`, so that any file host and any path can hold them.

use semver::Version;

use crate::{Image, ReleaseId};

/// Why a name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// An empty name, or one that starts with a dot.
    #[error("name {name:?} is not usable: expected a letter, digit, '_', '+' or '-' first")]
    Start {
        /// The name.
        name: String,
    },
    /// A character that some path, URL or shell would read otherwise.
    #[error("name {name:?} has the character {character:?}: expected only A-Z a-z 0-9 . _ + -")]
    Character {
        /// The name.
        name: String,
        /// The first character that is not allowed.
        character: char,
    },
    /// Too long for a file name once a digest is put before it.
    #[error("name {name:?} has {length} characters: expected at most {MAX_LENGTH}")]
    Length {
        /// The first 80 characters of the name.
        name: String,
        /// Its length.
        length: usize,
    },
}

/// Longest target name. File names end at 255 bytes, and consistent snapshots put `<64 hex digits>.` before it.
pub const MAX_LENGTH: usize = 190;

/// Is this a flat target name?
pub fn check(name: &str) -> Result<(), NameError> {
    let short = || name.chars().take(80).collect();
    if name.len() > MAX_LENGTH {
        return Err(NameError::Length { name: short(), length: name.len() });
    }
    if let Some(character) = name.chars().find(|&c| !(c.is_ascii_alphanumeric() || "._+-".contains(c))) {
        return Err(NameError::Character { name: short(), character });
    }
    if name.is_empty() || name.starts_with('.') {
        return Err(NameError::Start { name: short() });
    }
    Ok(())
}

/// Names the targets of one release: `<variant>-<arch>-<version>-<image>…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    stem: String,
}

impl Names {
    /// For the release of this variant, architecture and version.
    pub fn new(variant: &str, arch: &str, version: &Version) -> Result<Names, NameError> {
        check(variant)?;
        check(arch)?;
        let names = Names { stem: format!("{variant}-{arch}-{version}") };
        // The longest name that can come of it, so that none of the others can fail.
        check(&format!("{}-root.from-{:016}.delta", names.stem, 0))?;
        Ok(names)
    }

    /// The frames: `…-root.img.zst`.
    pub fn frames(&self, image: Image) -> String {
        format!("{}-{image}.img.zst", self.stem)
    }

    /// The index: `…-root.idx`.
    pub fn index(&self, image: Image) -> String {
        format!("{}-{image}.idx", self.stem)
    }

    /// The delta from a base release: `…-root.from-<16 hex>.delta`.
    pub fn delta(&self, image: Image, base: &ReleaseId) -> String {
        format!("{}-{image}.from-{}.delta", self.stem, base.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;

    #[test]
    fn names_are_as_documented() {
        let version = Version::new(1, 2, 3);
        let names = Names::new("container", "x86_64", &version).unwrap();
        assert_eq!(names.frames(Image::Root), "container-x86_64-1.2.3-root.img.zst");
        assert_eq!(names.index(Image::Boot), "container-x86_64-1.2.3-boot.idx");
        let base = ReleaseId::new(Digest::of(b"abc"));
        assert_eq!(
            names.delta(Image::Hash, &base),
            "container-x86_64-1.2.3-hash.from-ba7816bf8f01cfea.delta"
        );
    }

    #[test]
    fn nothing_but_flat_names() {
        for name in ["a", "manifest.json", "1.2.3-rc.1+build", "_", "-", "a..b", &"x".repeat(MAX_LENGTH)] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for name in
            ["", ".", "..", ".hidden", "a/b", "../a", "a\\b", "a b", "a\n", "a\0", "ä", "a%2f", "a:b", "a?b"]
        {
            assert!(check(name).is_err(), "{name:?}");
        }
        assert!(check(&"x".repeat(MAX_LENGTH + 1)).is_err());
        assert!(Names::new("a/b", "x86_64", &Version::new(1, 0, 0)).is_err());
        assert!(Names::new(&"v".repeat(150), "x86_64", &Version::new(1, 0, 0)).is_err());
    }
}
