//! A host's place in every rollout.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// How many seeds there are; the first is 0, the last `SEEDS - 1`. The key `SEEDS` closes a rollout.
pub const SEEDS: u32 = 2048;

/// A host's place in every rollout: 0 is served first, 2047 last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Seed(u16);

impl Seed {
    /// The seed with this number, 0..=2047.
    pub fn new(number: u32) -> Result<Seed, Error> {
        match u16::try_from(number) {
            Ok(small) if number < SEEDS => Ok(Seed(small)),
            _ => Err(Error::SeedRange { number }),
        }
    }

    /// The number, 0..=2047.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Every seed, in order of service.
    pub fn all() -> impl Iterator<Item = Seed> {
        (0..=LAST).map(Seed)
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Seed {
    type Err = Error;

    fn from_str(text: &str) -> Result<Seed, Error> {
        let number = text.parse().map_err(|source| Error::SeedText { text: text.to_owned(), source })?;
        Seed::new(number)
    }
}

impl TryFrom<u32> for Seed {
    type Error = Error;

    fn try_from(number: u32) -> Result<Seed, Error> {
        Seed::new(number)
    }
}

impl From<Seed> for u32 {
    fn from(seed: Seed) -> u32 {
        u32::from(seed.0)
    }
}

const LAST: u16 = 2047;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_checked_however_a_seed_is_made() {
        assert_eq!(Seed::all().count(), SEEDS as usize);
        assert_eq!(Seed::new(2047).map(Seed::number), Ok(2047));
        assert_eq!(Seed::new(2048), Err(Error::SeedRange { number: 2048 }));
        assert_eq!(Seed::new(65_536), Err(Error::SeedRange { number: 65_536 }));
        assert_eq!("17".parse::<Seed>().map(u32::from), Ok(17));
        for text in ["2048", "-1", "", "1.0", "99999999999"] {
            assert!(text.parse::<Seed>().is_err(), "{text}");
        }
    }
}
