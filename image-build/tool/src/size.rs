//! Sizes as people type them.

use std::fmt;
use std::str::FromStr;

/// A number of bytes. Typed as `4096`, `64K`, `16M` or `2G`; the letters are powers of 1,024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteCount(pub u64);

/// Text that is not a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to parse a size: expected a number of bytes below 2^64, with an optional K, M or G")]
pub struct ParseSizeError;

impl FromStr for ByteCount {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<ByteCount, ParseSizeError> {
        let with_unit = UNITS.iter().find_map(|&(letter, factor)| Some((text.strip_suffix(letter)?, factor)));
        let (number, factor) = with_unit.unwrap_or((text, 1));
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseSizeError);
        }
        let number: u64 = number.parse().map_err(|_| ParseSizeError)?;
        number.checked_mul(factor).map(ByteCount).ok_or(ParseSizeError)
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole =
            UNITS.iter().rev().find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor));
        match whole {
            Some((letter, factor)) => write!(f, "{}{letter}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

const UNITS: [(char, u64); 3] = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes) in [("0", 0), ("4096", 4096), ("64K", 64 << 10), ("16M", 16 << 20), ("2G", 2 << 30)]
        {
            assert_eq!(text.parse(), Ok(ByteCount(bytes)), "{text}");
        }
        assert_eq!(ByteCount(16 << 20).to_string(), "16M");
        assert_eq!(ByteCount(4097).to_string(), "4097");
        for text in
            ["", "M", "-1", "1.5M", "1MM", "1T", " 1", "99999999999999999999", "18446744073709551615K"]
        {
            assert_eq!(text.parse::<ByteCount>(), Err(ParseSizeError), "{text}");
        }
    }
}
