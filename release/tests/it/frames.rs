//! Frames: what our hosts accept, and all that they refuse.

use crate::images::image;
use proptest::prelude::*;
use release::Digest;
use release::payload::{Decoder, Encoder, FrameError, Piece, decode_frame, encode_frame, max_frame_length};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

#[test]
fn a_frame_gives_its_piece_back_at_every_level() {
    for length in [4096, 65_536, 300 * 4096, 1 << 20] {
        let piece = image(length);
        for level in [-5, 1, 3, 12, 19] {
            let frame = encode_frame(&piece, level).unwrap();
            let mut out = vec![0xAA; length];
            decode_frame(&frame, &mut out).unwrap();
            assert!(out == piece, "{length} bytes at level {level}");
            assert_eq!(frame, encode_frame(&piece, level).unwrap(), "same bytes, same frame");
        }
    }
}

#[test]
fn noise_stays_within_the_longest_frame() {
    for length in [65_536_u32, 1 << 20, 4 << 20] {
        let mut noise = 0x9E37_79B9_7F4A_7C15_u64;
        let piece: Vec<u8> = (0..length)
            .map(|_| {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                noise.to_le_bytes()[3]
            })
            .collect();
        for level in [1, 3, 19] {
            let frame = encode_frame(&piece, level).unwrap();
            assert!(frame.len() > piece.len() && frame.len() <= max_frame_length(length) as usize);
        }
    }
}

/// Header fields by hand: magic, descriptor, [window], content size, one last raw block.
fn by_hand(descriptor: u8, window: &[u8], size: &[u8], piece: &[u8]) -> Vec<u8> {
    let block = (piece.len() << 3 | 1).to_le_bytes();
    [&[0x28, 0xB5, 0x2F, 0xFD, descriptor], window, size, &block[..3], piece].concat()
}

const SINGLE: u8 = 0x20;
const SIZE_4: u8 = 0x80;

#[test]
fn frames_of_another_kind_are_refused_by_name() {
    let piece = image(4096);
    let size = 4096_u32.to_le_bytes();
    let refuse = |frame: &[u8]| decode_frame(frame, &mut [0; 4096]).unwrap_err().to_string();
    let good = by_hand(SINGLE | SIZE_4, &[], &size, &piece);
    let mut out = vec![0; 4096];
    decode_frame(&good, &mut out).unwrap();
    assert_eq!(out, piece);
    // A window no larger than the piece may be said in the header too.
    decode_frame(&by_hand(SIZE_4, &[2 << 3], &size, &piece), &mut out).unwrap();

    let other = |size: u32| by_hand(SINGLE | SIZE_4, &[], &size.to_le_bytes(), &piece);
    let skippable = [&[0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4][..], &good].concat();
    let cases: [(&[u8], &str); 13] = [
        (&[], "frame ends in its header"),
        (&good[..8], "frame ends in its header"),
        (b"PK\x03\x04 and more", "not a zstd frame"),
        (&skippable, "not a zstd frame"),
        (&by_hand(SINGLE | SIZE_4 | 4, &[], &size, &piece), "frame has a checksum: expected none"),
        (&by_hand(SINGLE | SIZE_4 | 1, &[7], &size, &piece), "frame has a dictionary: expected none"),
        (&by_hand(SINGLE | SIZE_4 | 8, &[], &size, &piece), "frame has the reserved bit: expected none"),
        (&by_hand(0, &[2 << 3], &[], &piece), "frame has no content size"),
        (&other(4095), "frame has content size 4095: expected 4096"),
        (&other(u32::MAX), "frame has content size 4294967295: expected 4096"),
        (
            &by_hand(SIZE_4, &[3 << 3], &size, &piece),
            "frame has a window of 8192 bytes: expected at most 4096",
        ),
        (
            &by_hand(SIZE_4, &[0xFF], &size, &piece),
            "frame has a window of 4123168604160 bytes: expected at most 4096",
        ),
        (&good[..good.len() - 1], "failed to decode frame"),
    ];
    for (frame, expected) in cases {
        assert_eq!(refuse(frame), expected);
    }
}

#[test]
fn one_frame_and_nothing_after_it() {
    let piece = image(8192);
    let frame = encode_frame(&piece, 3).unwrap();
    let mut out = vec![0; 8192];
    let mut refuse = |frame: &[u8]| decode_frame(frame, &mut out).unwrap_err();
    assert!(matches!(refuse(&[&frame[..], &[0]].concat()), FrameError::Trailing { .. }));
    // Two frames of half the piece each would fill it as well.
    let half = encode_frame(&piece[..4096], 3).unwrap();
    assert!(matches!(refuse(&[&half[..], &half].concat()), FrameError::ContentSize { .. }));
    assert!(matches!(refuse(&[&frame[..], &frame].concat()), FrameError::Trailing { .. }));
}

#[test]
fn a_header_that_promises_more_than_comes_is_refused() {
    let piece = image(8192);
    // The block holds 4096 bytes, the header says 8192.
    let frame = by_hand(SINGLE | SIZE_4, &[], &8192_u32.to_le_bytes(), &piece[..4096]);
    assert!(decode_frame(&frame, &mut vec![0; 8192]).is_err());
    // And the other way round: nothing is written beyond what was given.
    let frame = by_hand(SINGLE | SIZE_4, &[], &4096_u32.to_le_bytes(), &piece);
    let mut out = vec![0xAA; 8192];
    assert!(decode_frame(&frame, &mut out[..4096]).is_err());
    assert!(out[4096..].iter().all(|&byte| byte == 0xAA));
}

#[test]
fn what_zstd_can_do_but_we_do_not_is_refused() {
    let piece = image(65_536);
    let compress = |parameters: &[CParameter], dictionary: &[u8]| {
        let mut compressor = Compressor::with_dictionary(3, dictionary).unwrap();
        for &parameter in parameters {
            compressor.set_parameter(parameter).unwrap();
        }
        compressor.compress(&piece).unwrap()
    };
    let mut out = vec![0; piece.len()];
    let mut decode = |frame: Vec<u8>| decode_frame(&frame, &mut out);
    assert!(matches!(decode(compress(&[CParameter::ChecksumFlag(true)], &[])), Err(FrameError::Feature(_))));
    let unsized_frame = compress(&[CParameter::ContentSizeFlag(false)], &[]);
    assert!(matches!(decode(unsized_frame), Err(FrameError::NoContentSize)));
    // A prefix leaves no trace in the header; the bytes do not come out, one way or the other.
    let with_prefix = compress(&[], &piece);
    let same = decode(with_prefix).is_ok_and(|()| out == piece);
    assert!(!same, "decoded without its dictionary");
}

#[test]
fn digests_are_checked_on_both_sides_of_the_decoder() {
    let piece = image(4096);
    let frame = Encoder::new(3).unwrap().encode(&piece).unwrap();
    let row = |frame_bytes: &[u8], raw: &[u8]| Piece {
        frame_length: u32::try_from(frame_bytes.len()).unwrap(),
        frame: Digest::of(frame_bytes),
        raw: Digest::of(raw),
    };
    let mut decoder = Decoder::new().unwrap();
    let mut out = vec![0; 4096];
    decoder.decode_piece(&row(&frame, &piece), &frame, &mut out).unwrap();
    assert_eq!(out, piece);
    let wrong_frame = decoder.decode_piece(&row(b"another", &piece), &frame, &mut out);
    assert!(matches!(wrong_frame, Err(FrameError::FrameDigest { .. })));
    let wrong_piece = decoder.decode_piece(&row(&frame, b"another"), &frame, &mut out);
    assert!(matches!(wrong_piece, Err(FrameError::PieceDigest { .. })));
    // Unknown bytes do not reach the decoder: the digest is named, not zstd's complaint.
    let garbage = decoder.decode_piece(&row(&frame, &piece), b"garbage", &mut out);
    assert!(matches!(garbage, Err(FrameError::FrameDigest { .. })));
    // A decoder that has refused a frame decodes the next one.
    assert!(decoder.decode(&frame[..frame.len() - 2], &mut out).is_err());
    decoder.decode_piece(&row(&frame, &piece), &frame, &mut out).unwrap();
}

proptest! {
    #[test]
    fn any_piece_comes_back(piece in prop::collection::vec(0_u8..4, 1..20_000), level in 1..6_i32) {
        let frame = encode_frame(&piece, level).unwrap();
        let mut out = vec![0; piece.len()];
        decode_frame(&frame, &mut out).unwrap();
        prop_assert_eq!(out, piece);
    }

    /// Damaged frames: an error or some bytes, no panic, nothing beyond the given memory.
    #[test]
    fn damaged_frames_have_an_answer(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let piece = image(40_960);
        let mut frame = encode_frame(&piece, 3).unwrap();
        for (at, byte) in changes {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        let frame = if whole { &frame[..] } else { &frame[..cut.index(frame.len())] };
        let mut out = vec![0xAA; piece.len() + 64];
        let _ = decode_frame(frame, &mut out[..piece.len()]);
        prop_assert!(out[piece.len()..].iter().all(|&byte| byte == 0xAA));
    }

    #[test]
    fn any_bytes_have_an_answer(mut bytes in prop::collection::vec(any::<u8>(), 0..300), length in 0..9000_usize) {
        if bytes.len() > 4 {
            bytes[..4].copy_from_slice(&[0x28, 0xB5, 0x2F, 0xFD]);
        }
        let _ = decode_frame(&bytes, &mut vec![0; length]);
    }
}
