//! `[health]`: what the health gate asks, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

use super::reader::{Reader, seconds};
use super::{Error, units};

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

impl Health {
    /// What the values mean.
    pub(super) fn mean(reader: &mut Reader<'_>) -> Result<Health, Error> {
        let default = Health::default();
        // There is one answer so far; another one must not be taken for it.
        reader.text("health.confirmed", stay)?;
        let timeout_all = reader.measure("health.timeout_all", in_a_round)?.unwrap_or(default.timeout_all);
        Ok(Health {
            dir: reader.text("health.dir", units::absolute)?.unwrap_or(default.dir),
            timeout: reader.measure("health.timeout", in_a_round)?.unwrap_or(default.timeout),
            timeout_all,
            settle: reader
                .measure("health.settle", |span| settles(span, timeout_all))?
                .unwrap_or(default.settle),
            units: reader.typed("health.units", unit_names)?.unwrap_or(default.units),
        })
    }
}

impl Health {
    /// The values that stand where no file has any.
    pub(super) fn defaults() -> [(&'static str, Value); 6] {
        let Health { dir, timeout, timeout_all, settle, units } = Health::default();
        [
            ("health.dir", dir.display().to_string().into()),
            ("health.timeout", seconds(timeout)),
            ("health.timeout_all", seconds(timeout_all)),
            ("health.settle", seconds(settle)),
            ("health.units", units.into()),
            ("health.confirmed", STAY.into()),
        ]
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

fn in_a_round(value: &Value) -> Result<Duration, String> {
    let span = units::some_time(value)?;
    if span <= LONGEST_ROUND {
        return Ok(span);
    }
    Err(format!("expected at most {}s, found {}s", LONGEST_ROUND.as_secs(), span.as_secs()))
}

/// One round before it and one that begins when it ends.
fn settles(value: &Value, round: Duration) -> Result<Duration, String> {
    let (span, most) = (units::span(value)?, ASKING.saturating_sub(round * 2));
    if span <= most {
        return Ok(span);
    }
    let (all, most, found) = (ASKING.as_secs(), most.as_secs(), span.as_secs());
    let rule = format!("twice health.timeout_all and health.settle are at most {all}s together");
    Err(format!("expected at most {most}s ({rule}), found {found}s"))
}

fn stay(word: &str) -> Result<(), String> {
    if word == STAY { Ok(()) } else { Err(format!("expected {STAY:?}, found {word:?}")) }
}

/// Names as systemd takes them; an option is none.
fn unit_names(names: Vec<String>) -> Result<Vec<String>, String> {
    let odd = |name: &&String| {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || ":-_.\\@".contains(letter);
        name.is_empty() || name.starts_with('-') || !name.chars().all(letter)
    };
    match names.iter().find(odd) {
        Some(name) => Err(format!("expected names of units, found {name:?}")),
        None => Ok(names),
    }
}

/// How long the gate may ask, whatever is configured: `updog-health.service` ends it after 30 minutes, and then a trial that is
/// well would be left. What is between is for reading the root.
pub const ASKING: Duration = Duration::from_mins(20);
/// So that the default of `settle` has room beside two of them.
const LONGEST_ROUND: Duration = Duration::from_mins(9);
const STAY: &str = "stay";
