//! What the machine can do with the same bytes and no updater.

use anyhow::Result;

use super::device::Before;
use super::entrant::{After, Entrant, Family};
use super::ground::Ground;
use super::row::Sample;

pub(super) const WRITE: &str = "floor: zstd -d | dd";
pub(super) const READ_BACK: &str = "floor: read-back, sha256";
pub(super) const HASH: &str = "floor: sha256 of image and payload";

pub(super) const FAMILY: Family = Family {
    name: "floor",
    make: |_| Ok(()),
    entrants: &[
        Entrant {
            name: WRITE,
            note: "O_DIRECT, fsync; nothing verified",
            before: Before::Foreign,
            after: After::New,
            run: write,
        },
        Entrant {
            name: READ_BACK,
            note: "O_DIRECT",
            before: Before::Kept,
            after: After::Untouched,
            run: read_back,
        },
        Entrant { name: HASH, note: "openssl", before: Before::Kept, after: After::Untouched, run: hash },
    ],
};

fn write(ground: &Ground) -> Result<Sample> {
    let (payload, to) = (ground.pair.whole(), ground.device.other());
    let how = "bs=4M iflag=fullblock oflag=direct conv=fsync status=none";
    let sample = ground.measure(&format!("sh -c 'zstd -dcq {} | dd of={to} {how}'", payload.display()))?;
    Ok(Sample { fetched_bytes: std::fs::metadata(payload)?.len(), ..sample })
}

fn read_back(ground: &Ground) -> Result<Sample> {
    let from = ground.device.other();
    ground.measure(&format!("sh -c 'dd if={from} bs=4M iflag=direct status=none | openssl dgst -sha256'"))
}

fn hash(ground: &Ground) -> Result<Sample> {
    let (image, payload) = (ground.image(), ground.pair.whole());
    ground.measure(&format!("openssl dgst -sha256 {} {}", image.display(), payload.display()))
}
