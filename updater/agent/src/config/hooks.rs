//! `[hooks]`: who is asked before and after a step, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

use super::{Error, Words, units};

/// The keys of `[hooks]` in one file. `None`: the file does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HooksFragment {
    /// The folder with a folder for each phase.
    pub dir: Option<String>,
    /// How long one hook may take.
    pub timeout: Option<Value>,
    /// How long all hooks of a phase may take.
    pub timeout_all: Option<Value>,
}

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

impl HooksFragment {
    /// Reads one key; `None`: there is no such key.
    pub(super) fn set(&mut self, key: &str, value: Value) -> Option<Result<(), Words>> {
        Some(match key {
            "hooks.dir" => units::read(&mut self.dir, value),
            "hooks.timeout" => units::read(&mut self.timeout, value),
            "hooks.timeout_all" => units::read(&mut self.timeout_all, value),
            _ => return None,
        })
    }

    /// The value of a key as TOML.
    pub(super) fn value(&self, key: &str) -> Option<Value> {
        match key {
            "hooks.dir" => self.dir.as_deref().map(Value::from),
            "hooks.timeout" => self.timeout.clone(),
            "hooks.timeout_all" => self.timeout_all.clone(),
            _ => None,
        }
    }

    /// These values, and `below` where there are none.
    pub(super) fn over(self, below: HooksFragment) -> HooksFragment {
        HooksFragment {
            dir: self.dir.or(below.dir),
            timeout: self.timeout.or(below.timeout),
            timeout_all: self.timeout_all.or(below.timeout_all),
        }
    }

    /// The values that stand where no file has any.
    pub(super) fn defaults() -> HooksFragment {
        let Hooks { dir, timeout, timeout_all } = Hooks::default();
        let secs = |span: Duration| Some(Value::from(format!("{}s", span.as_secs())));
        HooksFragment {
            dir: Some(dir.display().to_string()),
            timeout: secs(timeout),
            timeout_all: secs(timeout_all),
        }
    }
}

impl Hooks {
    /// What the values mean.
    pub(super) fn mean(
        values: &HooksFragment,
        reader: &mut super::settings::Reader<'_>,
    ) -> Result<Hooks, Error> {
        let default = Hooks::default();
        Ok(Hooks {
            dir: reader
                .read("hooks.dir", values.dir.as_ref(), |text| units::absolute(text))?
                .unwrap_or(default.dir),
            timeout: reader
                .read("hooks.timeout", values.timeout.as_ref(), units::some_time)?
                .unwrap_or(default.timeout),
            timeout_all: reader
                .read("hooks.timeout_all", values.timeout_all.as_ref(), units::some_time)?
                .unwrap_or(default.timeout_all),
        })
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
