//! The file of public keys that the selector is built with: `test|release <64 hex digits>` a line.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

/// A key as the file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedKey {
    /// Its private half is public.
    pub test: bool,
    /// The raw ed25519 public key.
    pub public: [u8; 32],
}

/// Which keys a build takes.
#[derive(Clone, Debug)]
pub enum Accept {
    /// All.
    Any,
    /// None whose private half is public: no line that says `test`, and none of these under another name.
    ReleaseOnly {
        /// The test keys of this repository.
        known: Vec<NamedKey>,
    },
}

/// Reads the file: `#` starts a comment. Fewer than two keys are refused: when the only one is lost, no host could ever be updated again.
pub fn parse_keys(text: &str, accept: &Accept) -> Result<Vec<NamedKey>, String> {
    let mut keys: Vec<NamedKey> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let key = key(line).ok_or_else(|| {
            format!("line {number}: expected test or release, a space and 64 hex digits, found {line:?}")
        })?;
        if key.public == [0; 32] {
            return Err(format!("line {number}: 64 zeros are no key"));
        }
        if keys.iter().any(|other| other.public == key.public) {
            return Err(format!("line {number}: the key is named twice"));
        }
        if let Accept::ReleaseOnly { known } = accept
            && (key.test || known.iter().any(|other| other.public == key.public))
        {
            return Err(format!(
                "line {number}: a test key in a release build; anybody can sign with it (name your own keys in UPDOG_BOOT_KEYS)"
            ));
        }
        keys.push(key);
    }
    if keys.len() < 2 {
        return Err(format!(
            "expected two keys at least, the second for the day the first is lost, found {}",
            keys.len()
        ));
    }
    Ok(keys)
}

/// The keys as Rust source.
pub fn keys_as_source(keys: &[NamedKey]) -> String {
    let mut text = String::from("&[\n");
    for NamedKey { test, public } in keys {
        // Writing to a string does not fail.
        let _ = writeln!(text, "    Key {{ test: {test}, public: {public:?} }},");
    }
    text + "]\n"
}

fn key(line: &str) -> Option<NamedKey> {
    let (kind, hex) = line.split_once(' ')?;
    let test = match kind {
        "test" => true,
        "release" => false,
        _ => return None,
    };
    let mut public = [0; 32];
    let (pairs, rest) = hex.trim().as_bytes().as_chunks::<2>();
    if pairs.len() != 32 || !rest.is_empty() {
        return None;
    }
    for (byte, &[high, low]) in public.iter_mut().zip(pairs) {
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(NamedKey { test, public })
}
