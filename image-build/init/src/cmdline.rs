//! What the command line says.

use boot_manifest::{ImageWords, InvalidWord};
use partition_core::{Guid, Slot};

/// The words for us, understood. The selector's come last on the line, so of a word said twice the last one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// `updog.slot`
    pub slot: Slot,
    /// `updog.root`: PARTUUID of the root image.
    pub root: Guid,
    /// `updog.hash`: PARTUUID of the verity tree.
    pub hash: Guid,
    /// `updog.root_hash`: 64 lower-case hex digits.
    pub root_hash: String,
    /// `updog.salt`: up to 256 bytes in lower-case hex; empty is none.
    pub salt: String,
    /// `updog.data_blocks`: blocks of 4,096 bytes under verity, at least 1.
    pub data_blocks: u64,
    /// `updog.hash_offset`: bytes from the start of the hash partition to the tree; a multiple of 4,096.
    pub hash_offset: u64,
    /// `updog.trial=1`: this slot has not proved itself yet.
    pub trial: bool,
    /// `updog.last_try=1`: the other slot is next, unless this one is confirmed.
    pub last_try: bool,
    /// What the image itself says.
    pub image: ImageWords,
}

/// A command line that does not say what there is to boot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CmdlineError {
    /// The selector always says it.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// It makes no sense.
    #[error(transparent)]
    Invalid(#[from] InvalidWord),
}

impl Words {
    /// Reads a kernel command line. Words of others are left alone.
    pub(crate) fn parse(line: &str) -> Result<Words, CmdlineError> {
        let last = |key: &str| {
            let value = |word: &'_ str| word.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
            line.split_ascii_whitespace().filter_map(value).next_back()
        };
        let need = |key: &'static str| last(key).ok_or(CmdlineError::Missing(key));
        let invalid = |key, expected| {
            move |found: &str| CmdlineError::from(InvalidWord { key, expected, found: found.to_owned() })
        };
        let guid = |key: &'static str| {
            let text = need(key)?;
            text.parse::<Guid>().map_err(|_| invalid(key, "a PARTUUID")(&text))
        };
        let number = |key: &'static str, fits: fn(u64) -> bool, expected| {
            let text = need(key)?;
            text.parse().ok().filter(|number| fits(*number)).ok_or_else(|| invalid(key, expected)(&text))
        };
        let slot = need("updog.slot")?;
        let root_hash = need("updog.root_hash")?;
        if root_hash.len() != 64 || !is_hex(&root_hash) {
            return Err(invalid("updog.root_hash", "64 hex digits")(&root_hash));
        }
        let salt = need("updog.salt")?;
        if salt.len() > 512 || !salt.len().is_multiple_of(2) || !is_hex(&salt) {
            return Err(invalid("updog.salt", "up to 256 bytes in hex")(&salt));
        }
        Ok(Words {
            slot: slot.parse().map_err(|_| invalid("updog.slot", "A or B")(&slot))?,
            root: guid("updog.root")?,
            hash: guid("updog.hash")?,
            root_hash,
            salt,
            data_blocks: number(
                "updog.data_blocks",
                |blocks| (1..=MAX_BLOCKS).contains(&blocks),
                "1 to 2^51 blocks",
            )?,
            hash_offset: number(
                "updog.hash_offset",
                |offset| offset.is_multiple_of(4096),
                "a multiple of 4096",
            )?,
            trial: last("updog.trial").is_some_and(|value| value == "1"),
            last_try: last("updog.last_try").is_some_and(|value| value == "1"),
            image: ImageWords::parse(line)?,
        })
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// So that bytes still fit in 63 bits.
const MAX_BLOCKS: u64 = 1 << 51;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SELECTOR: &str = "updog.slot=B updog.boot=00000000-0000-0000-0000-00000000000b \
        updog.root=00000000-0000-0000-0000-0000000000b1 updog.hash=00000000-0000-0000-0000-0000000000b2 \
        updog.root_hash=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef updog.salt=5a17 \
        updog.data_blocks=100 updog.hash_offset=4096";

    fn read(more: &str) -> Result<Words, CmdlineError> {
        Words::parse(&format!("{SELECTOR} {more}"))
    }

    #[test]
    fn what_the_selector_says_is_understood() {
        let words = read("").unwrap();
        assert_eq!((words.slot, words.data_blocks, words.hash_offset), (Slot::B, 100, 4096));
        assert_eq!((words.trial, &*words.salt, &*words.image.fstype), (false, "5a17", "erofs"));
        assert!(read("updog.trial=1").unwrap().trial);
        let words = read("updog.last_try=1").unwrap();
        assert_eq!((words.trial, words.last_try), (false, true));
        let image = read("updog.init=/sbin/x updog.watchdog=5 updog.fstype=squashfs quiet").unwrap().image;
        assert_eq!((&*image.init, image.watchdog.as_secs(), &*image.fstype), ("/sbin/x", 5, "squashfs"));
    }

    #[test]
    fn the_selectors_word_outweighs_an_earlier_one() {
        let words = Words::parse(&format!("updog.slot=A updog.data_blocks=1 {SELECTOR}")).unwrap();
        assert_eq!((words.slot, words.data_blocks), (Slot::B, 100));
    }

    #[test]
    fn what_is_missing_is_named() {
        for key in [
            "updog.slot",
            "updog.root",
            "updog.hash",
            "updog.root_hash",
            "updog.salt",
            "updog.data_blocks",
            "updog.hash_offset",
        ] {
            let without: Vec<&str> =
                SELECTOR.split(' ').filter(|word| !word.starts_with(&format!("{key}="))).collect();
            assert_eq!(Words::parse(&without.join(" ")), Err(CmdlineError::Missing(key)));
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for word in [
            "updog.slot=C",
            "updog.root=x",
            "updog.hash=",
            "updog.root_hash=00",
            "updog.salt=xy",
            "updog.salt=123",
            "updog.data_blocks=0",
            "updog.data_blocks=-1",
            "updog.data_blocks=9223372036854775807",
            "updog.hash_offset=1",
            "updog.init=sh",
            "updog.watchdog=0",
            "updog.watchdog=3601",
        ] {
            let key = word.split('=').next().unwrap();
            match read(word) {
                Err(CmdlineError::Invalid(invalid)) => assert_eq!(invalid.key, key, "{word}"),
                other => panic!("{word}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(line in ".*", word in "updog\\.[a-z_]{1,12}=.{0,80}") {
            let _ = Words::parse(&line);
            let _ = read(&word);
        }
    }
}
