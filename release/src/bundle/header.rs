//! The header of a member: a function of its name and length, so that a reader can compare instead of interpret.

use super::BLOCK_BYTES;

/// The header. Names over 100 bytes are preceded by a POSIX pax record, which every tar of this century reads.
pub(super) fn head(name: &str, length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if name.len() > SHORT {
        let record = record(name);
        bytes.extend(block(PAX, length_of(record.as_bytes()), EXTENDED));
        bytes.extend(record.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(BLOCK_BYTES), 0);
    }
    bytes.extend(block(name, length, FILE));
    bytes
}

/// What a header says, before it is known to be in the accepted form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The name of the next header stands in the block between.
    Extended,
    /// A file of this name, or of the one that stood before, and this length.
    File { name: String, length: u64 },
}

/// Reads name and length. Anything that does not make sense makes a header that [`head`] would not write.
pub(super) fn said(block: &[u8]) -> Option<Said> {
    if block.get(TYPE) == Some(&EXTENDED) {
        return Some(Said::Extended);
    }
    let name = block.get(..SHORT)?.split(|byte| *byte == 0).next()?;
    let digits = std::str::from_utf8(block.get(SIZE..SIZE + 11)?).ok()?;
    let length = u64::from_str_radix(digits, 8).ok()?;
    Some(Said::File { name: String::from_utf8(name.to_owned()).ok()?, length })
}

/// The name in a pax record.
pub(super) fn recorded(block: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(block.split(|byte| *byte == b'\n').next()?).ok()?;
    text.split_once(" path=").map(|(_, name)| name)
}

/// `<length of the record> path=<name>\n`; of three digits for any name that needs a record.
fn record(name: &str) -> String {
    let length = name.len() + "000 path=\n".len();
    format!("{length} path={name}\n")
}

fn block(name: &str, length: u64, kind: u8) -> [u8; BLOCK_BYTES] {
    let mut block = [0; BLOCK_BYTES];
    let mut put = |at: usize, bytes: &[u8]| {
        for (to, from) in block.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    };
    put(0, name.as_bytes().get(..name.len().min(SHORT)).unwrap_or_default());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(SIZE, format!("{length:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    // The sum counts its own field as blanks.
    put(SUM, b"        ");
    put(TYPE, &[kind]);
    put(257, b"ustar\x0000");
    let sum: u64 = block.iter().copied().map(u64::from).sum();
    for (to, from) in block.iter_mut().skip(SUM).zip(format!("{sum:06o}\0 ").as_bytes()) {
        *to = *from;
    }
    block
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Longest name that a header holds by itself.
const SHORT: usize = 100;
const SIZE: usize = 124;
const SUM: usize = 148;
const TYPE: usize = 156;
const FILE: u8 = b'0';
const EXTENDED: u8 = b'x';
const PAX: &str = "././@PaxHeader";
