//! The machine's name for itself, made once and kept on PRIVATE.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// The id kept in this folder, or a new one. What is kept but is none counts as absent.
pub fn keep(private: &Path) -> io::Result<String> {
    let path = private.join(FILE);
    if let Some(id) = fs::read_to_string(&path).ok().filter(|text| is_id(text.trim())) {
        return Ok(id.trim().to_owned());
    }
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    // A UUID of version 4, as machine-id(5) recommends.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let id = bytes.iter().fold(String::new(), |id, byte| format!("{id}{byte:02x}"));
    let partial = private.join(".machine-id.partial");
    let mut file = File::create(&partial)?;
    file.write_all(format!("{id}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, &path)?;
    File::open(private)?.sync_all()?;
    Ok(id)
}

fn is_id(text: &str) -> bool {
    text.len() == 32
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && text.bytes().any(|byte| byte != b'0')
}

const FILE: &str = "machine-id";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_once_and_garbage_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let made = keep(folder.path()).unwrap();
        assert!(is_id(&made));
        assert_eq!(keep(folder.path()).unwrap(), made);
        for garbage in ["", "uninitialized\n", "0000000000000000000000000000000", &"0".repeat(32), "\u{fffd}"]
        {
            fs::write(folder.path().join(FILE), garbage).unwrap();
            let other = keep(folder.path()).unwrap();
            assert!(is_id(&other) && other != made, "{garbage:?}");
        }
    }
}
