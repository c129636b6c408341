//! Lengths and digests that a signed document lists for another file.

use std::collections::BTreeMap;

use ring::digest::{Algorithm, SHA256, SHA512, digest};

use crate::error::Error;

/// The digests of one file that are understood here; at least one is present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    sha256: Option<[u8; 32]>,
    sha512: Option<[u8; 64]>,
}

impl Hashes {
    /// Reads `{"sha256": hex, …}`. Unknown algorithms are passed over; none known is an error.
    pub(crate) fn parse(what: &str, listed: &BTreeMap<String, String>) -> Result<Self, Error> {
        let sha256 = hex_array(what, "sha256", listed)?;
        let sha512 = hex_array(what, "sha512", listed)?;
        if sha256.is_none() && sha512.is_none() {
            return Err(Error::NoDigest { what: what.to_owned() });
        }
        Ok(Self { sha256, sha512 })
    }

    /// The SHA-256, when listed.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        self.sha256
    }

    /// The SHA-512, when listed.
    pub fn sha512(&self) -> Option<[u8; 64]> {
        self.sha512
    }

    /// Checks every listed digest against the bytes.
    pub fn check(&self, what: &str, bytes: &[u8]) -> Result<(), Error> {
        compare(what, "sha256", self.sha256.as_ref().map(<[u8; 32]>::as_slice), &SHA256, bytes)?;
        compare(what, "sha512", self.sha512.as_ref().map(<[u8; 64]>::as_slice), &SHA512, bytes)
    }

    /// The digest that stands before the file name in a consistent snapshot: the shortest, as publishers use it.
    pub(crate) fn prefix(&self) -> String {
        match (self.sha256, self.sha512) {
            (Some(short), _) => hex::encode(short),
            (None, Some(long)) => hex::encode(long),
            (None, None) => String::new(),
        }
    }
}

fn hex_array<const N: usize>(
    what: &str,
    algorithm: &'static str,
    listed: &BTreeMap<String, String>,
) -> Result<Option<[u8; N]>, Error> {
    let Some(text) = listed.get(algorithm) else { return Ok(None) };
    let mut out = [0; N];
    hex::decode_to_slice(text, &mut out).map_err(|_| Error::BadDigest {
        what: what.to_owned(),
        algorithm,
        length: N,
    })?;
    Ok(Some(out))
}

fn compare(
    what: &str,
    algorithm: &'static str,
    listed: Option<&[u8]>,
    with: &'static Algorithm,
    bytes: &[u8],
) -> Result<(), Error> {
    let Some(expected) = listed else { return Ok(()) };
    let found = digest(with, bytes);
    if found.as_ref() == expected {
        return Ok(());
    }
    let (expected, found) = (hex::encode(expected), hex::encode(found));
    Err(Error::WrongDigest { what: what.to_owned(), algorithm, expected, found })
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}
