//! A piece as a frame that refers to runs of the base.

use std::io;

use zstd::zstd_safe::{self, CCtx, CParameter, DCtx, DParameter};

use super::runs::RUN_LENGTH;
use super::{DeltaError, MAX_REFERENCE, MAX_WINDOW_LOG, Runs};
use crate::payload::{FrameError, Header};

/// A patch record, read and consistent; its frame is not decoded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchRecord<'a> {
    runs: Runs,
    frame: &'a [u8],
}

impl<'a> PatchRecord<'a> {
    /// Reads a record whose digest is right. Its runs lie in a base of `base` bytes.
    pub fn parse(record: &'a [u8], base: u64) -> Result<PatchRecord<'a>, DeltaError> {
        let (count, rest) = record.split_first_chunk().ok_or(DeltaError::Runs)?;
        let count = u32::from_le_bytes(*count) as usize;
        let (rows, _) = rest.as_chunks::<RUN_LENGTH>();
        let rows = rows.get(..count).ok_or(DeltaError::Runs)?;
        let runs = Runs::read(rows, base)?;
        if runs.length() > u64::from(MAX_REFERENCE) {
            return Err(DeltaError::Filled { expected: MAX_REFERENCE.into(), found: runs.length() });
        }
        Ok(PatchRecord { runs, frame: rest.get(rows.as_flattened().len()..).unwrap_or_default() })
    }

    /// The bytes of a record.
    pub(super) fn encode(runs: &Runs, frame: &[u8]) -> Vec<u8> {
        // At most a thousand runs: the reference is bounded.
        let mut record = u32::try_from(runs.count()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        record.extend(runs.encode());
        record.extend_from_slice(frame);
        record
    }

    /// What the frame refers to, in this order.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }
}

/// Decodes patches.
#[derive(Clone, Copy, Debug, Default)]
pub struct PatchDecoder(());

impl PatchDecoder {
    /// A decoder. It takes about 160 KiB while it decodes, whatever it decodes.
    pub fn new() -> PatchDecoder {
        PatchDecoder(())
    }

    /// Decodes a patch into `out`, which it must fill exactly. `reference` holds the bytes of its runs, one after the other.
    /// Whether what comes out is right, only the piece's digest tells: a base that differs gives other bytes, or an error.
    pub fn decode(self, patch: &PatchRecord<'_>, reference: &[u8], out: &mut [u8]) -> Result<(), DeltaError> {
        let length = patch.runs.length();
        if reference.len() as u64 != length {
            return Err(DeltaError::Filled { expected: length, found: reference.len() as u64 });
        }
        let expected = out.len() as u64;
        let header = Header::parse(patch.frame)?;
        if header.content != expected {
            return Err(FrameError::ContentSize { expected, found: header.content }.into());
        }
        if header.window > 1 << MAX_WINDOW_LOG {
            return Err(FrameError::Window { max: 1 << MAX_WINDOW_LOG, found: header.window }.into());
        }
        let length = zstd_safe::find_frame_compressed_size(patch.frame).map_err(undecoded)?;
        if length != patch.frame.len() {
            let (expected, found) = (length as u64, patch.frame.len() as u64);
            return Err(FrameError::Trailing { expected, found }.into());
        }
        // A context cannot outlive what it refers to, so there is one for each patch.
        let mut context = DCtx::create();
        context.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG)).map_err(undecoded)?;
        context.ref_prefix(reference).map_err(undecoded)?;
        let written = context.decompress(out, patch.frame).map_err(undecoded)?;
        if written as u64 != expected {
            return Err(FrameError::ContentSize { expected, found: written as u64 }.into());
        }
        Ok(())
    }
}

/// Makes the frames of patches. Same bytes, same level, same zstd: same frame.
#[derive(Clone, Copy, Debug)]
pub struct PatchEncoder {
    /// zstd level, 1 (fast) to 22 (small).
    pub level: i32,
}

impl PatchEncoder {
    /// The record of a piece, given the runs that it may refer to and their bytes.
    pub fn encode(self, piece: &[u8], runs: &Runs, reference: &[u8]) -> Result<Vec<u8>, FrameError> {
        let mut context = CCtx::create();
        for parameter in [
            CParameter::CompressionLevel(self.level),
            // What lies farthest back must still be in sight of the piece's end.
            CParameter::WindowLog(window_log(piece.len().saturating_add(reference.len()))),
            CParameter::ContentSizeFlag(true),
            CParameter::ChecksumFlag(false),
            CParameter::DictIdFlag(false),
        ] {
            context.set_parameter(parameter).map_err(unencoded)?;
        }
        if let Some(log) = hash_log(self.level) {
            context.set_parameter(CParameter::HashLog(log)).map_err(unencoded)?;
        }
        context.ref_prefix(reference).map_err(unencoded)?;
        let mut frame = vec![0; zstd_safe::compress_bound(piece.len())];
        let length = context.compress2(&mut frame[..], piece).map_err(unencoded)?;
        Ok(PatchRecord::encode(runs, frame.get(..length).unwrap_or_default()))
    }
}

/// The smallest window that holds so many bytes, within what zstd and readers take.
fn window_log(length: usize) -> u32 {
    length.next_power_of_two().trailing_zeros().clamp(MIN_WINDOW_LOG, MAX_WINDOW_LOG)
}

/// A hash table that has room for the longest reference, where that of the level has not; `None`: it has.
///
/// zstd takes no more of a prefix than eight bytes for each place in its table: at level 3 the last MiB, of which every third byte was
/// entered. What was entered first is then overwritten. For a shorter reference zstd takes less by itself.
fn hash_log(level: i32) -> Option<u32> {
    match level {
        // Every third byte is entered: 4 MiB of table.
        ..=4 => Some(20),
        // Every byte is: 16 MiB.
        5..=11 => Some(22),
        _ => None,
    }
}

fn undecoded(code: zstd_safe::ErrorCode) -> FrameError {
    FrameError::Decode(io::Error::other(zstd_safe::get_error_name(code)))
}

fn unencoded(code: zstd_safe::ErrorCode) -> FrameError {
    FrameError::Encode(io::Error::other(zstd_safe::get_error_name(code)))
}

/// zstd's own lower bound (`ZSTD_WINDOWLOG_MIN`).
const MIN_WINDOW_LOG: u32 = 10;
