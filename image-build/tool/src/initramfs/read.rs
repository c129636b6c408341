//! What is in an initramfs, for `verify`.

use std::collections::BTreeMap;

/// The files of an archive that [`initramfs`](super::initramfs()) made, by name; `None`: the kernel would not unpack it so.
pub(crate) fn files(compressed: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let archive = zstd::stream::decode_all(compressed).ok()?;
    let mut files = BTreeMap::new();
    let mut at = 0usize;
    loop {
        let header = archive.get(at..at.checked_add(HEADER)?)?.strip_prefix(b"070701")?;
        let field = |index: usize| {
            let digits = header.get(index * 8..index * 8 + 8)?;
            usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        let (length, name_size) = (field(LENGTH)?, field(NAME_SIZE)?);
        let name_at = at.checked_add(HEADER)?;
        let name_end = name_at.checked_add(name_size)?;
        let name = archive.get(name_at..name_end)?.strip_suffix(b"\0")?;
        let content_at = name_end.next_multiple_of(4);
        let content = archive.get(content_at..content_at.checked_add(length)?)?;
        if name == b"TRAILER!!!" {
            return Some(files);
        }
        files.insert(String::from_utf8(name.to_vec()).ok()?, content.to_vec());
        at = content_at.checked_add(length)?.next_multiple_of(4);
    }
}

/// Bytes of a header: the magic and 13 numbers of 8 digits.
const HEADER: usize = 110;
/// Which number says how long the content is.
const LENGTH: usize = 6;
/// Which says how long the name is, its NUL included.
const NAME_SIZE: usize = 11;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::initramfs::{Module, initramfs};

    #[test]
    fn what_was_put_in_comes_out_and_no_piece_of_it_panics() {
        let module = Module { name: "erofs".to_owned(), path: "erofs.ko".into(), bytes: vec![7; 5] };
        let whole = initramfs(b"init", &[module], 1).unwrap();
        let found = files(&whole).unwrap();
        assert_eq!(found["init"], b"init");
        assert_eq!(found["modules/erofs.ko"], [7; 5]);
        assert_eq!(found["modules/list"], b"erofs.ko\n");
        let archive = zstd::stream::decode_all(&*whole).unwrap();
        // Behind the trailer there are zeros up to a whole block.
        let end = archive.windows(10).position(|window| window == b"TRAILER!!!").unwrap() + 11;
        for length in 0..end {
            let piece = zstd::bulk::compress(&archive[..length], 1).unwrap();
            assert_eq!(files(&piece), None, "{length}");
        }
    }
}
