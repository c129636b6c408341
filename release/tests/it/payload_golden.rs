//! Published bytes: an image of two pieces and a block, its frames and its index. They change with zstd; whoever
//! updates it sees it here.

use std::io::Cursor;
use std::num::NonZeroUsize;

use release::payload::{FrameWriter, Index, unpack};

use crate::golden::golden;
use crate::images::image;

#[test]
fn frames_and_index_are_as_published() {
    let raw = image(2 * 65_536 + 4096);
    let writer = FrameWriter { piece_size: 65_536, level: 19, threads: NonZeroUsize::MIN };
    let mut frames = Vec::new();
    let index = writer.write(&mut raw.as_slice(), &mut frames, |_| {}).unwrap();
    golden!("payload/image.img.zst", frames);
    golden!("payload/image.idx", index.encode());
}

/// What was published stays readable, whatever the encoder does by now.
#[test]
fn published_frames_and_index_are_read() {
    let index = Index::parse(include_bytes!("../../../fixtures/golden/payload/image.idx")).unwrap();
    let mut frames = Cursor::new(include_bytes!("../../../fixtures/golden/payload/image.img.zst"));
    let mut raw = Vec::new();
    unpack(&index, &mut frames, &mut raw, |_| {}).unwrap();
    assert!(raw == image(2 * 65_536 + 4096));
}
