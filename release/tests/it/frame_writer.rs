//! From image to frames and back: the same bytes with any number of threads, errors that are errors.

use std::io::{self, Cursor, Read, Write};
use std::num::NonZeroUsize;

use crate::images::{Endless, image};
use proptest::prelude::*;
use release::Digest;
use release::payload::{
    FrameError, FrameWriter, Index, IndexError, PackError, Progress, encode_frame, unpack,
};

#[test]
fn threads_change_nothing() {
    let raw = image(17 * 65_536 + 3 * 4096);
    let (first, index) = pack(&raw, 1);
    for threads in [2, 3, 5, 40] {
        assert!(pack(&raw, threads) == (first.clone(), index.clone()), "{threads} threads");
    }
    // The frames are those of the pieces, one after the other.
    let frames: Vec<u8> = raw.chunks(65_536).flat_map(|piece| encode_frame(piece, 1).unwrap()).collect();
    assert!(first == frames);
    assert_eq!(index.raw(), Digest::of(&raw));
    for (number, row) in index.pieces().iter().enumerate() {
        let (piece, frame) = (index.piece_range(number).unwrap(), index.frame_range(number).unwrap());
        let bytes = |all: &[u8], range: std::ops::Range<u64>| {
            Digest::of(&all[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()])
        };
        assert_eq!((row.raw, row.frame), (bytes(&raw, piece), bytes(&first, frame)));
    }
}

#[test]
fn progress_rises_to_the_end() {
    let raw = image(9 * 65_536 + 4096);
    let mut seen: Vec<Progress> = Vec::new();
    let mut frames = Vec::new();
    let index = writer(2).write(&mut raw.as_slice(), &mut frames, |progress| seen.push(progress)).unwrap();
    assert_eq!(seen.len(), 10);
    assert!(seen.is_sorted_by(|a, b| a.raw < b.raw && a.frames < b.frames));
    let last = seen.last().unwrap();
    assert_eq!((last.raw, last.frames), (index.raw_length(), index.frames_length()));
    let mut seen = Vec::new();
    unpack(&index, &mut frames.as_slice(), &mut io::sink(), |progress| seen.push(progress)).unwrap();
    assert!(seen.is_sorted_by(|a, b| a.raw < b.raw && a.frames < b.frames));
    assert_eq!(seen.last().unwrap().total, Some(raw.len() as u64));
}

/// Never more read ahead than two pieces for each thread, whatever the image's length.
#[test]
fn reading_does_not_run_ahead_of_writing() {
    let threads = 3;
    let read = std::cell::Cell::new(0_u64);
    let mut source = Counting { inner: Endless::new().take(200 * 65_536), read: &read };
    let mut written = 0_u64;
    writer(threads)
        .write(&mut source, &mut io::sink(), |progress| {
            written = progress.raw;
            let ahead = read.get() - written;
            assert!(ahead <= 2 * threads as u64 * 65_536, "{ahead} bytes ahead");
        })
        .unwrap();
    assert_eq!(written, 200 * 65_536);
}

#[test]
fn images_that_have_no_index_are_refused() {
    let refuse = |raw: &[u8], piece_size| {
        let writer = FrameWriter { piece_size, ..writer(2) };
        match writer.write(&mut &raw[..], &mut io::sink(), |_| {}) {
            Err(PackError::Index(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refuse(&[], 65_536), IndexError::RawLength { found: 0 });
    assert_eq!(refuse(&image(65_536 + 512), 65_536), IndexError::RawLength { found: 65_536 + 512 });
    assert_eq!(refuse(&image(5 * 65_536 + 1), 65_536), IndexError::RawLength { found: 5 * 65_536 + 1 });
    assert_eq!(refuse(&image(4096), 4096), IndexError::PieceSize { found: 4096 });
}

#[test]
fn a_source_or_destination_that_fails_ends_it() {
    let raw = image(20 * 65_536);
    let mut source = raw.chain(Failing);
    let read = writer(2).write(&mut source, &mut io::sink(), |_| {});
    assert!(matches!(read, Err(PackError::Read(_))), "{read:?}");
    let write = writer(3).write(&mut raw.as_slice(), &mut Failing, |_| {});
    assert!(matches!(write, Err(PackError::Write(_))), "{write:?}");
    let (frames, index) = pack(&raw, 2);
    let write = unpack(&index, &mut frames.as_slice(), &mut Failing, |_| {});
    assert!(matches!(write, Err(PackError::Write(_))), "{write:?}");
}

#[test]
fn unpack_refuses_what_the_index_does_not_say() {
    let raw = image(6 * 65_536);
    let (frames, index) = pack(&raw, 2);
    let refuse = |index: &Index, frames: &[u8]| {
        let mut out = Vec::new();
        let error = unpack(index, &mut Cursor::new(frames), &mut out, |_| {}).unwrap_err();
        assert!(raw.starts_with(&out), "wrong bytes were written");
        error
    };
    let cut = &frames[..frames.len() - 1];
    assert!(matches!(refuse(&index, cut), PackError::Read(_)));
    let longer = [&frames[..], &[0]].concat();
    assert!(matches!(refuse(&index, &longer), PackError::Trailing { .. }));
    let mut flipped = frames.clone();
    let at = usize::try_from(index.frame_range(3).unwrap().start).unwrap() + 20;
    flipped[at] ^= 1;
    let error = refuse(&index, &flipped);
    assert!(
        matches!(error, PackError::Frame { piece: 3, source: FrameError::FrameDigest { .. } }),
        "{error}"
    );
    let wrong = Index::new(65_536, index.raw_length(), Digest::of(b"x"), index.pieces().to_vec()).unwrap();
    assert!(matches!(refuse(&wrong, &frames), PackError::RawDigest { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_image_comes_back(blocks in 1..120_usize, threads in 1..6_usize, log in 16..18_u32) {
        let raw = image(blocks * 4096);
        let writer = FrameWriter { piece_size: 1 << log, ..writer(threads) };
        let mut frames = Vec::new();
        let index = writer.write(&mut raw.as_slice(), &mut frames, |_| {}).unwrap();
        prop_assert_eq!(index.frames_length(), frames.len() as u64);
        let mut out = Vec::new();
        unpack(&index, &mut frames.as_slice(), &mut out, |_| {}).unwrap();
        prop_assert!(out == raw);
    }
}

fn writer(threads: usize) -> FrameWriter {
    FrameWriter {
        piece_size: 65_536,
        level: 1,
        threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
    }
}

fn pack(raw: &[u8], threads: usize) -> (Vec<u8>, Index) {
    let mut frames = Vec::new();
    match writer(threads).write(&mut &raw[..], &mut frames, |_| {}) {
        Ok(index) => (frames, index),
        Err(error) => panic!("{error}"),
    }
}

struct Counting<'a, R> {
    inner: R,
    read: &'a std::cell::Cell<u64>,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(out)?;
        self.read.set(self.read.get() + length as u64);
        Ok(length)
    }
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("bad sector"))
    }
}

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("disk full"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
