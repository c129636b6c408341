//! `[health]`: what the health gate asks, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

use super::{Error, Words, units};

/// The keys of `[health]` in one file. `None`: the file does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HealthFragment {
    /// The folder with the checks.
    pub dir: Option<String>,
    /// How long one check may take.
    pub timeout: Option<Value>,
    /// How long all of them may take.
    pub timeout_all: Option<Value>,
    /// How long a trial must stay healthy.
    pub settle: Option<Value>,
    /// Units that must be active.
    pub units: Option<Vec<String>>,
    /// What becomes of a confirmed slot that is unhealthy.
    pub confirmed: Option<String>,
}

/// Validated and typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The folder with the checks: every executable in it, in the order of their names.
    pub dir: PathBuf,
    /// How long one check may take.
    pub timeout: Duration,
    /// How long one round of all checks and units may take.
    pub timeout_all: Duration,
    /// How long a trial must stay healthy; asked again every ten seconds and at its end.
    pub settle: Duration,
    /// Units of systemd that must be active.
    pub units: Vec<String>,
}

impl HealthFragment {
    /// Reads one key; `None`: there is no such key.
    pub(super) fn set(&mut self, key: &str, value: Value) -> Option<Result<(), Words>> {
        Some(match key {
            "health.dir" => units::read(&mut self.dir, value),
            "health.timeout" => units::read(&mut self.timeout, value),
            "health.timeout_all" => units::read(&mut self.timeout_all, value),
            "health.settle" => units::read(&mut self.settle, value),
            "health.units" => units::read(&mut self.units, value),
            "health.confirmed" => units::read(&mut self.confirmed, value),
            _ => return None,
        })
    }

    /// The value of a key as TOML.
    pub(super) fn value(&self, key: &str) -> Option<Value> {
        match key {
            "health.dir" => self.dir.as_deref().map(Value::from),
            "health.timeout" => self.timeout.clone(),
            "health.timeout_all" => self.timeout_all.clone(),
            "health.settle" => self.settle.clone(),
            "health.units" => self.units.clone().map(Value::from),
            "health.confirmed" => self.confirmed.as_deref().map(Value::from),
            _ => None,
        }
    }

    /// These values, and `below` where there are none.
    pub(super) fn over(self, below: HealthFragment) -> HealthFragment {
        HealthFragment {
            dir: self.dir.or(below.dir),
            timeout: self.timeout.or(below.timeout),
            timeout_all: self.timeout_all.or(below.timeout_all),
            settle: self.settle.or(below.settle),
            units: self.units.or(below.units),
            confirmed: self.confirmed.or(below.confirmed),
        }
    }

    /// The values that stand where no file has any.
    pub(super) fn defaults() -> HealthFragment {
        let Health { dir, timeout, timeout_all, settle, units } = Health::default();
        let secs = |span: Duration| Some(Value::from(format!("{}s", span.as_secs())));
        HealthFragment {
            dir: Some(dir.display().to_string()),
            timeout: secs(timeout),
            timeout_all: secs(timeout_all),
            settle: secs(settle),
            units: Some(units),
            confirmed: Some(STAY.to_owned()),
        }
    }
}

impl Health {
    /// What the values mean.
    pub(super) fn mean(
        values: &HealthFragment,
        reader: &mut super::settings::Reader<'_>,
    ) -> Result<Health, Error> {
        let default = Health::default();
        // There is one answer so far; another one must not be taken for it.
        reader.read("health.confirmed", values.confirmed.as_ref(), |word| stay(word))?;
        Ok(Health {
            dir: reader
                .read("health.dir", values.dir.as_ref(), |text| units::absolute(text))?
                .unwrap_or(default.dir),
            timeout: reader
                .read("health.timeout", values.timeout.as_ref(), units::some_time)?
                .unwrap_or(default.timeout),
            timeout_all: reader
                .read("health.timeout_all", values.timeout_all.as_ref(), units::some_time)?
                .unwrap_or(default.timeout_all),
            settle: reader
                .read("health.settle", values.settle.as_ref(), units::span)?
                .unwrap_or(default.settle),
            units: reader
                .read("health.units", values.units.as_ref(), |names| unit_names(names))?
                .unwrap_or(default.units),
        })
    }
}

impl Default for Health {
    fn default() -> Health {
        Health {
            dir: PathBuf::from("/usr/lib/updog/health.d"),
            timeout: Duration::from_secs(30),
            timeout_all: Duration::from_mins(5),
            settle: Duration::from_mins(1),
            units: Vec::new(),
        }
    }
}

fn stay(word: &str) -> Result<(), String> {
    if word == STAY { Ok(()) } else { Err(format!("expected {STAY:?}, found {word:?}")) }
}

/// Names as systemd takes them; an option is none.
fn unit_names(names: &[String]) -> Result<Vec<String>, String> {
    let odd = |name: &&String| {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || ":-_.\\@".contains(letter);
        name.is_empty() || name.starts_with('-') || !name.chars().all(letter)
    };
    match names.iter().find(odd) {
        Some(name) => Err(format!("expected names of units, found {name:?}")),
        None => Ok(names.to_vec()),
    }
}

const STAY: &str = "stay";
