//! What a strict check can find wrong with waves.

use std::fmt;

use chrono::{DateTime, Utc};

/// One thing that is wrong with the waves of a rollout or of a wave file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// No wave at all where at least one is needed.
    NoWaves,
    /// The first wave leaves out the lowest seeds; they open with it, all at once.
    FirstKey {
        /// The first key, which should be 0.
        key: u32,
    },
    /// A key above 2048 names no seed.
    KeyRange {
        /// The key.
        key: u32,
    },
    /// A wave does not start after the wave before it.
    NotIncreasing {
        /// Key of the later wave (2048: the close).
        key: u32,
        /// Its time.
        at: DateTime<Utc>,
        /// The time of the wave before.
        before: DateTime<Utc>,
    },
    /// A time that RFC 3339 cannot say.
    Year {
        /// Key of the wave.
        key: u32,
        /// Its time.
        at: DateTime<Utc>,
    },
    /// A time in a wave file cannot be read.
    Time {
        /// Number of the wave from 1; 0: `end_after`.
        wave: usize,
        /// The text.
        text: String,
    },
    /// A percentage outside 1..=100.
    Percentage {
        /// Number of the wave from 1.
        wave: usize,
        /// The percentage.
        percentage: u32,
    },
    /// A percentage that is not above that of the wave before.
    PercentageOrder {
        /// Number of the wave from 1.
        wave: usize,
        /// The percentage.
        percentage: u32,
        /// The percentage of the wave before.
        before: u32,
    },
    /// The last wave must reach the whole fleet.
    NotWhole {
        /// The last percentage.
        percentage: u32,
    },
    /// A delay that is not above that of the wave before.
    DelayOrder {
        /// Number of the wave from 1; 0: `end_after`.
        wave: usize,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NoWaves => write!(f, "no waves: expected at least one [[waves]]"),
            Problem::FirstKey { key } => write!(f, "first wave starts at seed {key}: expected 0"),
            Problem::KeyRange { key } => write!(f, "wave key {key} is out of range: expected 0 to 2048"),
            Problem::NotIncreasing { key, at, before } => {
                write!(f, "wave {key} starts {}: expected later than {}", rfc3339(*at), rfc3339(*before))
            }
            Problem::Year { key, at } => {
                write!(f, "wave {key} starts in a year outside 1 to 9999: {}", rfc3339(*at))
            }
            Problem::Time { wave, text } => write!(
                f,
                "{} {text:?} is no time: expected a number of minutes, hours, days or weeks, or an RFC 3339 time",
                field(*wave)
            ),
            Problem::Percentage { wave, percentage } => {
                write!(f, "wave {wave} covers {percentage} % of the fleet: expected 1 to 100")
            }
            Problem::PercentageOrder { wave, percentage, before } => {
                write!(f, "wave {wave} covers {percentage} % of the fleet: expected more than {before} %")
            }
            Problem::NotWhole { percentage } => {
                write!(f, "last wave covers {percentage} % of the fleet: expected 100 %")
            }
            Problem::DelayOrder { wave } => write!(f, "{} is not later than the wave before", field(*wave)),
        }
    }
}

/// All problems in one line.
pub(crate) fn join(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
}

/// As chrono writes times in a manifest.
fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn field(wave: usize) -> String {
    if wave == 0 { "end_after".to_owned() } else { format!("start_after of wave {wave}") }
}
