//! The wave files that come with the tools.

use crate::Policy;

/// Names and texts of the sample wave files, calmest last.
pub const SAMPLES: [(&str, &str); 4] = [
    ("emergency", include_str!("../policies/emergency.toml")),
    ("accelerated", include_str!("../policies/accelerated.toml")),
    ("normal", include_str!("../policies/normal.toml")),
    ("slow", include_str!("../policies/slow.toml")),
];

/// The sample policy of this name: `emergency`, `accelerated`, `normal` or `slow`.
pub fn sample(name: &str) -> Option<Policy> {
    let (_, text) = SAMPLES.into_iter().find(|&(known, _)| known == name)?;
    Policy::parse(text).ok()
}
