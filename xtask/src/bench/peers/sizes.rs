//! What others need on the wire, computed or packed and weighed.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result};
use release::Digest;

use super::ground::Ground;
use super::pair::{NEW, OLD};
use super::row::Row;
use crate::bench::weigh;

pub(super) const WHOLE: &str = "size: zstd -9, whole";
pub(super) const FRAMES: &str = "size: updog full";
pub(super) const PATCH: &str = "size: zstd --patch-from --long=31";
pub(super) const RECORDS: &str = "size: updog delta";
const STATIC: &str = "size: OSTree static delta";

/// What zstd alone makes of the root image.
pub(super) fn zstd(ground: &Ground) -> [Row; 2] {
    [
        row(WHOLE, "the root image", length(&ground.pair.whole())),
        row(PATCH, "level 3, the old image whole in memory", patch(ground)),
    ]
}

/// What updog makes of it.
pub(super) fn own(ground: &Ground) -> [Row; 2] {
    let records = weigh::root_delta(&ground.shell, "own/repo");
    [
        row(FRAMES, "frames and index of the root image", frames(ground)),
        row(RECORDS, "the root image's delta, and the full frames that it leaves", records),
    ]
}

/// What `OSTree`'s other way would fetch at the least. Its `pull` takes loose objects beside it.
pub(super) fn ostree(ground: &Ground) -> Row {
    row(STATIC, "one file, made ahead for these two commits; a pull fetches more", static_delta(ground))
}

fn static_delta(ground: &Ground) -> Result<u64> {
    ground.once("static-delta", "1", |ground| {
        let line = "ostree --repo=ostree/srv static-delta generate os --from=os^ --inline \
                    --filename=static-delta/delta";
        ground.shell.quiet(line).map(drop)
    })?;
    length(&ground.path("static-delta/delta"))
}

fn row(name: &str, note: &str, bytes: Result<u64>) -> Row {
    Row::size(name, note, bytes.map_err(|error| format!("{error:#}")))
}

fn length(path: &Path) -> Result<u64> {
    Ok(std::fs::metadata(path).with_context(|| format!("failed to look at {}", path.display()))?.len())
}

fn frames(ground: &Ground) -> Result<u64> {
    let words = [format!("-{NEW}-root.img.zst"), format!("-{NEW}-root.idx")];
    weigh::files(&ground.path("own/full/targets"), &words.each_ref().map(String::as_str))
}

fn patch(ground: &Ground) -> Result<u64> {
    ground.once("patch", "1", |ground| {
        let (old, new) = (ground.pair.image(OLD), ground.pair.image(NEW));
        let line =
            format!("zstd -q -3 --long=31 --patch-from={} {} -o patch/zst", old.display(), new.display());
        ground.shell.quiet(&line).map(drop)
    })?;
    length(&ground.path("patch/zst"))
}

/// What RAUC's adaptive update fetches over HTTP: its index, and the frames of 64 KiB that cover what the old slot does not have.
pub(super) fn adaptive(ground: &Ground) -> Result<u64> {
    ground.once("covering", "1", |ground| {
        let bytes = covering(&ground.pair.image(OLD), &ground.pair.image(NEW), ground.level)?;
        ground.write("covering/bytes", &bytes.to_string())
    })?;
    std::fs::read_to_string(ground.path("covering/bytes"))?.parse().context("no number of bytes")
}

fn covering(old: &Path, new: &Path, level: i32) -> Result<u64> {
    let have: HashSet<Digest> =
        Blocks::of(old)?.map(|block| Ok(Digest::of(&block?.1))).collect::<Result<_>>()?;
    let zeros = Digest::of(&[0; BLOCK]);
    let (mut frames, mut fetched, mut blocks) = (HashSet::new(), HashSet::new(), 0);
    for block in Blocks::of(new)? {
        let (at, bytes) = block?;
        blocks += 1;
        let digest = Digest::of(&bytes);
        if digest != zeros && !have.contains(&digest) && fetched.insert(digest) {
            frames.insert(at / FRAME as u64);
        }
    }
    let file = File::open(new)?;
    let mut packed = zstd::bulk::Compressor::new(level)?;
    let mut bytes = blocks * DIGEST;
    for frame in frames {
        let mut raw = vec![0; FRAME];
        file.read_exact_at(&mut raw, frame * FRAME as u64)?;
        bytes += u64::try_from(packed.compress(&raw)?.len())?;
    }
    Ok(bytes)
}

/// The blocks of a file with their offsets.
struct Blocks {
    file: File,
    at: u64,
    length: u64,
}

impl Blocks {
    fn of(path: &Path) -> Result<Blocks> {
        Ok(Blocks { file: File::open(path)?, at: 0, length: length(path)? })
    }
}

impl Iterator for Blocks {
    type Item = Result<(u64, [u8; BLOCK])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at + BLOCK as u64 > self.length {
            return None;
        }
        let (at, mut block) = (self.at, [0; BLOCK]);
        self.at += BLOCK as u64;
        Some(self.file.read_exact_at(&mut block, at).map(|()| (at, block)).map_err(Into::into))
    }
}

const BLOCK: usize = 4096;
const FRAME: usize = 64 << 10;
/// RAUC's index holds a whole SHA-256 for each block.
const DIGEST: u64 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_covers_the_missing_blocks_is_an_index_and_their_frames() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        let block = |byte: u8| vec![byte; BLOCK];
        // Four frames: zeros, moved from the old one, two with the same new block.
        let frame = |bytes: [u8; 16]| bytes.map(block).concat();
        std::fs::write(&old, frame([7; 16])).unwrap();
        let mut bytes = frame([0; 16]);
        bytes.extend(frame([7; 16]));
        let mut fresh = [7; 16];
        fresh[3] = 9;
        bytes.extend(frame(fresh));
        bytes.extend(frame(fresh));
        std::fs::write(&new, &bytes).unwrap();
        let one = zstd::bulk::compress(&frame(fresh), 9).unwrap().len() as u64;
        assert_eq!(covering(&old, &new, 9).unwrap(), 64 * 32 + one);
    }
}
