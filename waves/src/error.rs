//! What can be wrong with a seed or a policy.

use std::num::ParseIntError;

use crate::Problem;

/// Why a seed or a policy was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The number is no seed.
    #[error("seed {number} is out of range: expected 0 to 2047")]
    SeedRange {
        /// The number that was given.
        number: u32,
    },
    /// The text is no number.
    #[error("failed to read seed {text:?}: expected a number from 0 to 2047")]
    SeedText {
        /// The text that was given.
        text: String,
        /// What the number reader says.
        source: ParseIntError,
    },
    /// The text is no factor by which a rollout can be slowed down or hurried.
    #[error(
        "factor {text:?} is out of range: expected a number above 1, at most 1000, with up to six decimals"
    )]
    Factor {
        /// The text that was given.
        text: String,
    },
    /// The wave file is not TOML of the expected shape.
    #[error("failed to parse wave file")]
    ParsePolicy(#[source] toml::de::Error),
    /// The wave file is well-formed, but what it says makes no rollout. Every problem is listed.
    #[error("wave file has {} problem(s): {}", .0.len(), crate::problem::join(.0))]
    Policy(Vec<Problem>),
    /// With this start time all of the rollout lies in the past, so it would hold nobody back.
    #[error("its last wave closes at {}, which is in the past", .closes.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))]
    Past {
        /// When the last wave closes.
        closes: chrono::DateTime<chrono::Utc>,
    },
    /// With this start time the waves make no rollout. Every problem is listed.
    #[error("waves make no rollout from this start: {}", crate::problem::join(.0))]
    Schedule(Vec<Problem>),
}
