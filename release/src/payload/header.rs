//! The header of a zstd frame (RFC 8878 §3.1.1.1), read before zstd sees a byte.

use super::FrameError;

/// What a frame's header promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Length of what comes out.
    pub(crate) content: u64,
    /// How far back the frame may refer.
    pub(crate) window: u64,
}

impl Header {
    /// Reads the header and refuses what our frames do not have: checksum, dictionary, no content size.
    pub(crate) fn parse(frame: &[u8]) -> Result<Header, FrameError> {
        let (magic, rest) = frame.split_first_chunk().ok_or(FrameError::Short)?;
        if *magic != MAGIC {
            return Err(FrameError::Magic);
        }
        let (&descriptor, rest) = rest.split_first().ok_or(FrameError::Short)?;
        if descriptor & RESERVED != 0 {
            return Err(FrameError::Feature("the reserved bit"));
        }
        if descriptor & CHECKSUM != 0 {
            return Err(FrameError::Feature("a checksum"));
        }
        if descriptor & DICTIONARY != 0 {
            return Err(FrameError::Feature("a dictionary"));
        }
        let single_segment = descriptor & SINGLE_SEGMENT != 0;
        let (window, rest) = if single_segment {
            (None, rest)
        } else {
            let (&byte, rest) = rest.split_first().ok_or(FrameError::Short)?;
            (Some(window_size(byte)), rest)
        };
        let content = match (descriptor >> 6, single_segment) {
            (0, false) => return Err(FrameError::NoContentSize),
            (0, true) => u64::from(u8::from_le_bytes(first(rest)?)),
            (1, _) => u64::from(u16::from_le_bytes(first(rest)?)) + 256,
            (2, _) => u64::from(u32::from_le_bytes(first(rest)?)),
            _ => u64::from_le_bytes(first(rest)?),
        };
        Ok(Header { content, window: window.unwrap_or(content) })
    }
}

/// `Window_Descriptor`: 5 bits of exponent, 3 of mantissa; from 1 KiB to under 2^42.
fn window_size(byte: u8) -> u64 {
    let base = 1_u64 << (10 + u32::from(byte >> 3));
    base + base / 8 * u64::from(byte & 7)
}

fn first<const N: usize>(bytes: &[u8]) -> Result<[u8; N], FrameError> {
    bytes.first_chunk().copied().ok_or(FrameError::Short)
}

const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
const DICTIONARY: u8 = 0b0000_0011;
const CHECKSUM: u8 = 0b0000_0100;
const RESERVED: u8 = 0b0000_1000;
const SINGLE_SEGMENT: u8 = 0b0010_0000;
