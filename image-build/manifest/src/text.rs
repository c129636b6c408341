//! Spelling of values: one way each, so that equal manifests have equal bytes.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Bytes from lower-case hex.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

/// Exactly `N` bytes from lower-case hex.
pub(crate) fn unhex_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    unhex(text)?.try_into().ok()
}

/// A decimal number without sign or leading zeros.
pub(crate) fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|c| c.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

/// A word of letters, digits and `._+-`.
pub(crate) fn word(text: &str) -> bool {
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"._+-".contains(&c);
    !text.is_empty() && text.len() <= MAX_WORD && text.bytes().all(fits)
}

/// Printable ASCII, space included.
pub(crate) fn printable(text: &[u8]) -> bool {
    text.iter().all(|c| (b' '..=b'~').contains(c))
}

/// Longer names are a mistake.
const MAX_WORD: usize = 128;
