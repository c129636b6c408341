//! The kernel's command line of an image. What keeps a machine from booting is refused before anything is built, and told of by
//! `verify`; what keeps it from coming back by itself is warned of.

use boot_manifest::{IMAGE_WORDS, ImageWords, InvalidWord, MAX_CMDLINE, RESERVED};

/// A command line that an image can boot with. Only [`read`](Cmdline::read) makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cmdline {
    line: String,
    words: ImageWords,
}

/// A command line that no machine boots with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CmdlineError {
    /// The boot manifest takes no more.
    #[error("failed to write the command line: expected at most {MAX_CMDLINE} bytes, found {length}")]
    Length {
        /// Its length in bytes.
        length: usize,
    },
    /// The boot manifest takes printable ASCII.
    #[error("failed to write the command line: expected printable ASCII, found {found:?}")]
    Letter {
        /// The first other letter.
        found: char,
    },
    /// The selector says this itself.
    #[error("failed to accept updog.{word} on the command line: only the selector says it")]
    Reserved {
        /// The word, without `updog.` in front.
        word: &'static str,
    },
    /// init would restart the machine.
    #[error("failed to accept the command line: {0}")]
    Invalid(#[from] InvalidWord),
    /// Neither init nor the selector knows it.
    #[error("failed to accept updog.{word} on the command line: nobody reads it")]
    Unknown {
        /// The word, without `updog.` in front.
        word: String,
        /// The one that is meant, perhaps.
        nearest: &'static str,
    },
    /// Root images are erofs.
    #[error("failed to accept updog.fstype={found} on the command line: the root of an image is erofs")]
    FileSystem {
        /// What it says.
        found: String,
    },
    /// The kernel would start something else than our init.
    #[error("failed to accept {word} on the command line: init of the initramfs would not start")]
    NoInit {
        /// The word.
        word: String,
    },
}

impl CmdlineError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            CmdlineError::Length { .. } => "shorten cmdline in the recipe, or --cmdline".to_owned(),
            CmdlineError::Unknown { nearest, .. } => format!("did you mean updog.{nearest}?"),
            CmdlineError::FileSystem { .. } => "leave it out".to_owned(),
            _ => "change cmdline in the recipe, or --cmdline".to_owned(),
        }
    }
}

impl Cmdline {
    /// Reads a line as kernel and init will.
    pub fn read(line: String) -> Result<Cmdline, CmdlineError> {
        if line.len() > MAX_CMDLINE {
            return Err(CmdlineError::Length { length: line.len() });
        }
        if let Some(found) = line.chars().find(|letter| !matches!(letter, ' '..='~')) {
            return Err(CmdlineError::Letter { found });
        }
        if let Some(word) = boot_manifest::reserved(&line) {
            return Err(CmdlineError::Reserved { word });
        }
        let words = ImageWords::parse(&line)?;
        if words.fstype != "erofs" {
            return Err(CmdlineError::FileSystem { found: words.fstype });
        }
        for word in line.split_ascii_whitespace() {
            let name = word.split('=').next().unwrap_or_default();
            if let Some(word) = name.strip_prefix("updog.").filter(|name| !IMAGE_WORDS.contains(name)) {
                return Err(CmdlineError::Unknown { word: word.to_owned(), nearest: nearest(word) });
            }
        }
        if let Some((name, value)) = kernels(&line).find(|(name, _)| NO_INIT.contains(&&**name)) {
            let value = value.map(|value| format!("={value}")).unwrap_or_default();
            return Err(CmdlineError::NoInit { word: name + &value });
        }
        Ok(Cmdline { line, words })
    }

    /// The line.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// What init of the initramfs starts.
    pub fn init(&self) -> &str {
        &self.words.init
    }

    /// By which words a machine stays where it panicked or hangs, a line each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (name, stays) in [
            ("panic", "after a panic"),
            ("softlockup_panic", "when a processor hangs in the kernel"),
            ("hung_task_panic", "when a task hangs in the kernel"),
        ] {
            let value =
                kernels(&self.line).filter(|(word, _)| word == name).last().and_then(|(_, value)| value);
            if value == Some("0") {
                warnings.push(format!(
                    "{name}=0 on the command line: {stays} only a watchdog restarts the machine"
                ));
            }
        }
        for (name, value) in kernels(&self.line) {
            if NO_DETECTOR.contains(&&*name) || value == Some("0") && OFF_AT_ZERO.contains(&&*name) {
                warnings
                    .push(format!("{name} on the command line: the kernel does not notice that it hangs"));
            }
        }
        warnings
    }
}

/// The kernel's words, those before `--`, and their values. It takes a dash for an underscore in a name.
fn kernels(line: &str) -> impl Iterator<Item = (String, Option<&str>)> {
    line.split_ascii_whitespace().take_while(|word| *word != "--").map(|word| {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        (name.replace('-', "_"), value)
    })
}

fn nearest(word: &str) -> &'static str {
    let known = IMAGE_WORDS.into_iter().chain(RESERVED);
    known.min_by_key(|known| strsim::damerau_levenshtein(word, known)).unwrap_or_default()
}

/// Linux' Documentation/admin-guide/kernel-parameters.txt. `initrd` makes its EFI stub look for a file beside the one that the
/// selector hands over.
const NO_INIT: [&str; 3] = ["rdinit", "noinitrd", "initrd"];
/// Switches the detectors of hangs off.
const NO_DETECTOR: [&str; 2] = ["nowatchdog", "nosoftlockup"];
/// The same, by value.
const OFF_AT_ZERO: [&str; 2] = ["watchdog", "soft_watchdog"];

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> CmdlineError {
        Cmdline::read(line.to_owned()).unwrap_err()
    }

    #[test]
    fn what_no_machine_boots_with_is_refused() {
        let cases = [
            ("updog.watchdog=0", "expected updog.watchdog to be 1 to 3600 seconds, found \"0\""),
            ("updog.init=sh", "expected updog.init to be an absolute path, found \"sh\""),
            ("updog.fstype=ext4", "the root of an image is erofs"),
            ("updog.slot=A", "updog.slot on the command line: only the selector says it"),
            ("\"updog.slot=A\"", "only the selector says it"),
            ("updog.watchdgo=60", "updog.watchdgo on the command line: nobody reads it"),
            ("rdinit=/bin/sh", "failed to accept rdinit=/bin/sh on the command line"),
            ("noinitrd", "failed to accept noinitrd on the command line"),
            ("initrd=\\initrd", "failed to accept initrd=\\initrd on the command line"),
            ("quiet\u{e4}", "expected printable ASCII, found 'ä'"),
            ("a\nb", "expected printable ASCII, found '\\n'"),
        ];
        for (line, expected) in cases {
            let error = refused(line);
            assert!(error.to_string().contains(expected), "{line}: {error}");
            assert!(!error.hint().is_empty());
        }
        assert_eq!(refused("updog.watchdgo=60").hint(), "did you mean updog.watchdog?");
        assert_eq!(refused(&"x".repeat(1537)), CmdlineError::Length { length: 1537 });
        Cmdline::read("x".repeat(1536)).unwrap();
    }

    #[test]
    fn the_last_word_of_init_counts() {
        let read = |line: &str| Cmdline::read(line.to_owned()).unwrap();
        assert_eq!(read("updog.init=/a updog.init=/b").init(), "/b");
        // Not the kernel's.
        read("quiet -- rdinit=/x");
    }

    #[test]
    fn what_keeps_a_machine_from_coming_back_is_warned_of() {
        let warnings = |line: &str| Cmdline::read(line.to_owned()).unwrap().warnings();
        for fine in ["panic=10 softlockup_panic=1", "panic=0 panic=10", "panic=-1", "quiet -- panic=0"] {
            assert!(warnings(fine).is_empty(), "{fine}");
        }
        for bad in [
            "panic=10 panic=0",
            "softlockup-panic=0",
            "hung_task_panic=0",
            "nowatchdog",
            "nosoftlockup",
            "watchdog=0",
        ] {
            assert_eq!(warnings(bad).len(), 1, "{bad}");
        }
    }
}
