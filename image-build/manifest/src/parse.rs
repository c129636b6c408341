//! Bytes → manifest.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::text::{number, printable, unhex, unhex_array, word};
use crate::{
    Error, File, MAX_CMDLINE, MAX_LENGTH, MAX_SALT, MAX_SIGNATURES, Manifest, Parsed, RESERVED, Signature,
};

/// Reads a manifest. Nothing is allocated beyond a small multiple of the input, which is [`MAX_LENGTH`] at most.
pub fn parse(bytes: &[u8]) -> Result<Parsed<'_>, Error> {
    if bytes.len() > MAX_LENGTH {
        return Err(Error::TooLong { found: bytes.len() });
    }
    let mut lines = Lines { rest: bytes, line: 0 };
    if lines.value("format")? != "1" {
        return Err(Error::Format);
    }
    let manifest = Manifest {
        version: lines.word("version")?,
        variant: lines.word("variant")?,
        arch: lines.word("arch")?,
        kernel: lines.file("kernel")?,
        initrd: lines.file("initrd")?,
        root_hash: lines.read("root_hash", unhex_array)?,
        salt: lines.read("salt", |text| unhex(text).filter(|salt| salt.len() <= MAX_SALT))?,
        data_blocks: lines.read("data_blocks", |text| number(text).filter(|&blocks| blocks > 0))?,
        hash_offset: lines.read("hash_offset", |text| number(text).filter(|at| at.is_multiple_of(4096)))?,
        cmdline: lines.read("cmdline", |text| (text.len() <= MAX_CMDLINE).then(|| text.to_owned()))?,
    };
    if let Some(word) = reserved(&manifest.cmdline) {
        return Err(Error::Reserved { word });
    }
    let signed = bytes.get(..bytes.len().saturating_sub(lines.rest.len())).unwrap_or_default();
    let mut signatures: Vec<Signature> = Vec::new();
    while !lines.rest.is_empty() {
        let signature = lines.read("sig", signature)?;
        let doubled = signatures.iter().any(|other| other.key_id == signature.key_id);
        if doubled || signatures.len() == MAX_SIGNATURES {
            return Err(Error::Signatures);
        }
        signatures.push(signature);
    }
    if signatures.is_empty() {
        return Err(Error::Unsigned);
    }
    Ok(Parsed { manifest, signed, signatures })
}

/// The lines that are left.
struct Lines<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Lines<'a> {
    /// The value of the next line, whose key must be this one.
    fn value(&mut self, key: &'static str) -> Result<&'a str, Error> {
        self.line += 1;
        let line = self.line;
        let missing = Error::Key { line, expected: key };
        if self.rest.is_empty() {
            return Err(if key == "sig" { Error::Unsigned } else { missing });
        }
        let end = self.rest.iter().position(|&c| c == b'\n').ok_or(Error::Line { line })?;
        let (text, rest) = self.rest.split_at_checked(end).ok_or(Error::Line { line })?;
        self.rest = rest.get(1..).unwrap_or_default();
        if !printable(text) {
            return Err(Error::Line { line });
        }
        let text = core::str::from_utf8(text).map_err(|_| Error::Line { line })?;
        text.strip_prefix(key).and_then(|rest| rest.strip_prefix('=')).ok_or(missing)
    }

    fn read<T>(&mut self, key: &'static str, parse: impl FnOnce(&'a str) -> Option<T>) -> Result<T, Error> {
        parse(self.value(key)?).ok_or(Error::Value { key })
    }

    fn word(&mut self, key: &'static str) -> Result<String, Error> {
        self.read(key, |text| word(text).then(|| text.to_owned()))
    }

    fn file(&mut self, key: &'static str) -> Result<File, Error> {
        self.read(key, |text| {
            let (sha256, length) = text.split_once(' ')?;
            Some(File { sha256: unhex_array(sha256)?, length: number(length).filter(|&length| length > 0)? })
        })
    }
}

/// The first word of a command line that belongs to the selector, without `updog.` in front. Quotes are looked through: the kernel
/// takes them away.
pub fn reserved(cmdline: &str) -> Option<&'static str> {
    cmdline.split(' ').find_map(|word| {
        let mut letters = word.bytes().filter(|&c| c != b'"');
        let ours = "updog.".bytes().all(|c| letters.next() == Some(c));
        let name = || letters.clone().take_while(|&c| c != b'=');
        if ours { RESERVED.into_iter().find(|reserved| name().eq(reserved.bytes())) } else { None }
    })
}

fn signature(text: &str) -> Option<Signature> {
    let (key_id, bytes) = text.split_once(' ')?;
    Some(Signature { key_id: unhex_array(key_id)?, bytes: unhex_array(bytes)? })
}
