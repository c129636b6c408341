//! What the parts are measured on: pieces, an index, a manifest; always the same.

use chrono::{DateTime, TimeDelta};
use release::manifest::{Manifest, Ours, Update};
use release::payload::{Index, IndexError, Piece};
use release::{Digest, Images, ReleaseId, Version};
use serde_json::Map;

/// The variant that all releases are for.
pub const VARIANT: &str = "bench";
/// The architecture that all releases are for.
pub const ARCH: &str = "x86_64";
/// Bytes of a piece.
const PIECE: u32 = 1 << 20;

/// A piece that packs to about a third, as a root image's do.
pub fn piece() -> Vec<u8> {
    let words: Vec<Vec<u8>> = (0..2048_u64).map(|number| noise(number, 4 + (number % 20))).collect();
    let mut piece = Vec::new();
    let mut place = 1_usize;
    while piece.len() < PIECE as usize {
        place = place.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
        piece.extend(&words[(place >> 8) % words.len()]);
    }
    piece.truncate(PIECE as usize);
    piece
}

/// The index of an image of so many pieces.
pub fn index(pieces: u32) -> Result<Index, IndexError> {
    let row = |number: u32| Piece {
        frame_length: 300_000 + number,
        frame: Digest::of(&number.to_le_bytes()),
        raw: Digest::of(&number.to_be_bytes()),
    };
    let length = u64::from(pieces) * u64::from(PIECE);
    Index::new(PIECE, length, Digest::of(b"raw"), (0..pieces).map(row).collect())
}

/// So many releases with waves, an hour apart, the first of which opened with the epoch.
pub fn manifest(releases: u64) -> Manifest {
    let updates = (0..releases).map(|number| update(number, releases)).collect();
    Manifest { updates, ..Manifest::default() }
}

/// The version of the release of this number.
pub fn version(number: u64) -> Version {
    Version::new(1, number / 100, number % 100)
}

fn update(number: u64, releases: u64) -> Update {
    let version = version(number);
    let name = |kind: &str| Images::from_fn(|image| format!("{VARIANT}-{ARCH}-{version}-{image}.{kind}"));
    let opens = DateTime::UNIX_EPOCH + TimeDelta::hours(i64::try_from(number).unwrap_or(0));
    let waves = [(0, 0), (20, 1), (102, 24), (410, 48), (2048, 96)];
    Update {
        variant: VARIANT.to_owned(),
        arch: ARCH.to_owned(),
        max_version: self::version(releases),
        waves: waves.map(|(seed, hours)| (seed, opens + TimeDelta::hours(hours))).into(),
        images: name("img.zst"),
        updog: Some(Ours {
            release: ReleaseId::of(&Images::from_fn(|image| {
                Digest::of(format!("{image} {version}").as_bytes())
            })),
            index: name("idx"),
            deltas: Vec::new(),
            from: None,
            paused: None,
            yanked: None,
            notes: String::new(),
            extra_index: Map::default(),
            extra: Map::default(),
        }),
        version,
        extra_images: Map::default(),
        extra: Map::default(),
    }
}

fn noise(seed: u64, length: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_material_is_what_it_says() {
        let packed = release::payload::encode_frame(&piece(), 3).unwrap().len();
        assert!((piece().len() / 5..piece().len() / 2).contains(&packed), "{packed} bytes");
        assert_eq!(index(1024).unwrap().raw_length(), 1 << 30);
        let manifest = manifest(300);
        assert!(manifest.check().is_empty(), "{:?}", manifest.check());
    }
}
