//! The machine's name for itself, made once and kept on PRIVATE.

use std::io;
use std::path::Path;

use crate::plain;

/// An id for this boot.
#[derive(Debug)]
pub(crate) struct MachineId {
    /// 32 hex digits.
    pub id: String,
    /// Why the next boot will have another one.
    pub lost: Option<io::Error>,
}

/// The id kept in this folder, or a new one. What is kept but is none counts as absent; what cannot be read is left alone,
/// and what cannot be kept still serves this boot.
pub(crate) fn keep(private: &Path) -> io::Result<MachineId> {
    let kept = match plain::read(&private.join(FILE), LIMIT) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok().filter(|text| is_id(text.trim()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    Ok(match kept {
        Ok(Some(id)) => MachineId { id: id.trim().to_owned(), lost: None },
        Ok(None) => {
            let id = new()?;
            MachineId { lost: plain::write(private, FILE, format!("{id}\n").as_bytes()).err(), id }
        }
        Err(error) => MachineId { id: new()?, lost: Some(error) },
    })
}

fn new() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    // A UUID of version 4, as machine-id(5) recommends.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(bytes.iter().fold(String::new(), |id, byte| format!("{id}{byte:02x}")))
}

fn is_id(text: &str) -> bool {
    text.len() == 32
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && text.bytes().any(|byte| byte != b'0')
}

const FILE: &str = "machine-id";
/// In bytes; an id has 33.
const LIMIT: u64 = 4096;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn kept(private: &Path) -> String {
        let MachineId { id, lost } = keep(private).unwrap();
        assert!(lost.is_none() && is_id(&id), "{id} {lost:?}");
        id
    }

    #[test]
    fn an_id_is_made_once_and_garbage_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let made = kept(folder.path());
        assert_eq!(kept(folder.path()), made);
        let zeros = "0".repeat(32);
        let garbage: [&[u8]; 6] = [
            b"",
            b"uninitialized\n",
            &zeros.as_bytes()[1..],
            zeros.as_bytes(),
            "\u{fffd}".as_bytes(),
            b"\xff",
        ];
        for garbage in garbage {
            fs::write(folder.path().join(FILE), garbage).unwrap();
            assert_ne!(kept(folder.path()), made, "{garbage:?}");
        }
    }

    /// As on a PRIVATE that is read-only or full.
    #[test]
    fn an_id_that_cannot_be_kept_serves_one_boot() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let MachineId { id, lost } = keep(&missing).unwrap();
        assert!(is_id(&id) && lost.is_some());
        assert_ne!(keep(&missing).unwrap().id, id);
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FILE)).unwrap();
        let MachineId { id, lost } = keep(folder.path()).unwrap();
        assert!(is_id(&id) && lost.is_some());
        assert!(folder.path().join(FILE).is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
