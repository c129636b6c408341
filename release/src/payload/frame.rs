//! One piece as one zstd frame, and back.

use std::{fmt, io};

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{self, CParameter};

use super::header::Header;
use super::{FrameError, Piece};
use crate::Digest;

/// Makes frames. Same bytes, same level, same zstd: same frame.
pub struct Encoder(Compressor<'static>);

impl Encoder {
    /// An encoder of this level, 1 (fast) to 22 (small).
    pub fn new(level: i32) -> Result<Encoder, FrameError> {
        let mut compressor = Compressor::new(level).map_err(FrameError::Encode)?;
        // zstd's defaults, but what is signed should not hang on them.
        for parameter in [
            CParameter::ContentSizeFlag(true),
            CParameter::ChecksumFlag(false),
            CParameter::DictIdFlag(false),
        ] {
            compressor.set_parameter(parameter).map_err(FrameError::Encode)?;
        }
        Ok(Encoder(compressor))
    }

    /// The frame of this piece: content size in its header, no checksum, no dictionary, window no larger than the
    /// piece.
    pub fn encode(&mut self, piece: &[u8]) -> Result<Vec<u8>, FrameError> {
        self.0.compress(piece).map_err(FrameError::Encode)
    }
}

/// Decodes frames, one context for all of them.
pub struct Decoder(Decompressor<'static>);

impl Decoder {
    /// A decoder; it takes about 160 KiB, whatever it decodes.
    pub fn new() -> Result<Decoder, FrameError> {
        Decompressor::new().map(Decoder).map_err(FrameError::Decode)
    }

    /// Decodes one frame into `out`, which it must fill exactly. Nothing is allocated for what the frame says, and
    /// nothing is written beyond `out`; after an error the contents of `out` mean nothing.
    pub fn decode(&mut self, frame: &[u8], out: &mut [u8]) -> Result<(), FrameError> {
        let expected = out.len() as u64;
        let header = Header::parse(frame)?;
        if header.content != expected {
            return Err(FrameError::ContentSize { expected, found: header.content });
        }
        // Windows come in steps; for a short last piece the next power of two is as small as an encoder may ask for.
        let max = expected.checked_next_power_of_two().unwrap_or(u64::MAX);
        if header.window > max {
            return Err(FrameError::Window { max, found: header.window });
        }
        let length = zstd_safe::find_frame_compressed_size(frame)
            .map_err(|code| FrameError::Decode(io::Error::other(zstd_safe::get_error_name(code))))?;
        if length != frame.len() {
            return Err(FrameError::Trailing { expected: length as u64, found: frame.len() as u64 });
        }
        let written = self.0.decompress_to_buffer(frame, out).map_err(FrameError::Decode)?;
        if written as u64 != expected {
            return Err(FrameError::ContentSize { expected, found: written as u64 });
        }
        Ok(())
    }

    /// Checks the frame against the index, decodes it, and checks the piece. No byte reaches the decoder before the
    /// frame's digest is right.
    pub fn decode_piece(&mut self, piece: &Piece, frame: &[u8], out: &mut [u8]) -> Result<(), FrameError> {
        let found = Digest::of(frame);
        if found != piece.frame {
            return Err(FrameError::FrameDigest { expected: piece.frame, found });
        }
        self.decode(frame, out)?;
        let found = Digest::of(out);
        if found != piece.raw {
            return Err(FrameError::PieceDigest { expected: piece.raw, found });
        }
        Ok(())
    }
}

/// One frame of one piece; for many, keep an [`Encoder`].
pub fn encode_frame(piece: &[u8], level: i32) -> Result<Vec<u8>, FrameError> {
    Encoder::new(level)?.encode(piece)
}

/// Decodes one frame into `out`, which it must fill exactly; for many, keep a [`Decoder`].
pub fn decode_frame(frame: &[u8], out: &mut [u8]) -> Result<(), FrameError> {
    Decoder::new()?.decode(frame, out)
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encoder")
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decoder")
    }
}
