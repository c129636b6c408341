//! The words of the command line by which an image tells the init of its initramfs what to do.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

/// Understood. Of a word said twice the last one counts; the image build reads them as init does, so that a word that makes no
/// sense is found there and not on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageWords {
    /// `updog.fstype`: the root's file system; `erofs` unless said.
    pub fstype: String,
    /// `updog.init`: what runs next, a path from `/` in the root; systemd unless said.
    pub init: String,
    /// `updog.watchdog`: how long nothing may happen, 1 to 3,600 s; 60 s unless said.
    pub watchdog: Duration,
}

/// A word that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidWord {
    /// The word.
    pub key: &'static str,
    /// What it should be.
    pub expected: &'static str,
    /// What it is.
    pub found: String,
}

/// Names of these words, without `updog.` in front.
pub const IMAGE_WORDS: [&str; 3] = ["fstype", "init", "watchdog"];

impl ImageWords {
    /// Reads a kernel command line. Words of others are left alone.
    pub fn parse(line: &str) -> Result<ImageWords, InvalidWord> {
        let last = |key: &str| {
            let words = line.split_ascii_whitespace();
            words.filter_map(|word| word.strip_prefix(key)?.strip_prefix('=')).next_back()
        };
        let invalid = |key, expected, found: &str| InvalidWord { key, expected, found: found.to_owned() };
        let init = last("updog.init").unwrap_or(DEFAULT_INIT);
        if !init.starts_with('/') {
            return Err(invalid("updog.init", "an absolute path", init));
        }
        let watchdog = match last("updog.watchdog") {
            None => DEFAULT_WATCHDOG,
            Some(text) => {
                let seconds = text.parse().ok().filter(|seconds| (1..=3600).contains(seconds));
                let seconds = seconds.ok_or_else(|| invalid("updog.watchdog", "1 to 3600 seconds", text))?;
                Duration::from_secs(seconds)
            }
        };
        let fstype = last("updog.fstype").unwrap_or(DEFAULT_FSTYPE).to_owned();
        Ok(ImageWords { fstype, init: init.to_owned(), watchdog })
    }
}

impl fmt::Display for InvalidWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} to be {}, found {:?}", self.key, self.expected, self.found)
    }
}

impl core::error::Error for InvalidWord {}

const DEFAULT_FSTYPE: &str = "erofs";
const DEFAULT_INIT: &str = "/usr/lib/systemd/systemd";
const DEFAULT_WATCHDOG: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_and_what_is_not_said_has_a_value() {
        let read = |line| ImageWords::parse(line).unwrap();
        let words = read("quiet updog.slot=A");
        assert_eq!((&*words.fstype, &*words.init), ("erofs", "/usr/lib/systemd/systemd"));
        assert_eq!(words.watchdog, Duration::from_mins(1));
        let words =
            read("updog.init=/a updog.init=/b updog.watchdog=0 updog.watchdog=5 updog.fstype=squashfs");
        assert_eq!((&*words.fstype, &*words.init, words.watchdog.as_secs()), ("squashfs", "/b", 5));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for word in [
            "updog.init=sh",
            "updog.watchdog=0",
            "updog.watchdog=3601",
            "updog.watchdog=",
            "updog.watchdog=1m",
        ] {
            let error = ImageWords::parse(word).unwrap_err();
            assert_eq!(word.split('=').next().unwrap(), error.key, "{word}");
        }
    }
}
