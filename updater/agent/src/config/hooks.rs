//! `[hooks]`: who is asked before and after a step, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

use super::reader::{Reader, seconds};
use super::{Error, units};

/// Validated and typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// The folder with `pre-stage`, `post-stage` and `pre-reboot`.
    pub dir: PathBuf,
    /// How long one hook may take.
    pub timeout: Duration,
    /// How long all hooks of a phase may take.
    pub timeout_all: Duration,
}

impl Hooks {
    /// What the values mean.
    pub(super) fn mean(reader: &mut Reader<'_>) -> Result<Hooks, Error> {
        let default = Hooks::default();
        Ok(Hooks {
            dir: reader.text("hooks.dir", units::absolute)?.unwrap_or(default.dir),
            timeout: reader.measure("hooks.timeout", asked)?.unwrap_or(default.timeout),
            timeout_all: reader.measure("hooks.timeout_all", asked)?.unwrap_or(default.timeout_all),
        })
    }
}

impl Hooks {
    /// The values that stand where no file has any.
    pub(super) fn defaults() -> [(&'static str, Value); 3] {
        let Hooks { dir, timeout, timeout_all } = Hooks::default();
        [
            ("hooks.dir", dir.display().to_string().into()),
            ("hooks.timeout", seconds(timeout)),
            ("hooks.timeout_all", seconds(timeout_all)),
        ]
    }
}

impl Default for Hooks {
    fn default() -> Hooks {
        Hooks {
            dir: PathBuf::from("/usr/lib/updog/hooks.d"),
            timeout: Duration::from_mins(1),
            timeout_all: Duration::from_mins(5),
        }
    }
}

/// A host that is drained for longer says so by exit 75 and is asked again.
fn asked(value: &Value) -> Result<Duration, String> {
    units::within(value, ASKED, "1s to 1d")
}

/// In seconds.
const ASKED: (u64, u64) = (1, 86_400);
