//! By how much the rest of a rollout is stretched or squeezed.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// A number above 1 and at most 1000, with up to six decimals; kept as millionths, so that times come out the same
/// everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor(u32);

impl Factor {
    /// `seconds · factor`, rounded up.
    pub(crate) fn stretch(self, seconds: i64) -> i64 {
        ceil(i128::from(seconds) * i128::from(self.0), MILLION)
    }

    /// `seconds / factor`, rounded up.
    pub(crate) fn squeeze(self, seconds: i64) -> i64 {
        ceil(i128::from(seconds) * MILLION, i128::from(self.0))
    }
}

impl FromStr for Factor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Factor, Error> {
        let wrong = || Error::Factor { text: text.to_owned() };
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > DECIMALS {
            return Err(wrong());
        }
        let number: u64 = format!("{whole}{decimals:0<DECIMALS$}").parse().map_err(|_| wrong())?;
        match u32::try_from(number) {
            Ok(millionths) if millionths > ONE && millionths <= MAX => Ok(Factor(millionths)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:0>DECIMALS$}", self.0 / ONE, self.0 % ONE);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Rounded up; `by` is above 0.
fn ceil(number: i128, by: i128) -> i64 {
    let up = number.div_euclid(by) + i128::from(number.rem_euclid(by) != 0);
    i64::try_from(up).unwrap_or(i64::MAX)
}

const DECIMALS: usize = 6;
const ONE: u32 = 1_000_000;
const MILLION: i128 = 1_000_000;
const MAX: u32 = 1000 * ONE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_above_one() {
        for (text, shown) in
            [("2", "2"), ("1.5", "1.5"), ("01.250", "1.25"), ("1000", "1000"), ("1.000001", "1.000001")]
        {
            assert_eq!(
                text.parse::<Factor>().map(|factor| factor.to_string()),
                Ok(shown.to_owned()),
                "{text}"
            );
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "0",
            "0.5",
            "1",
            "1.0",
            "-2",
            "+2",
            "1e3",
            "1000.1",
            "1.0000001",
            "two",
            "99999999999999999999",
            "nan",
            "inf",
            " 2",
        ] {
            assert!(text.parse::<Factor>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn seconds_are_rounded_up() {
        let factor: Factor = "1.5".parse().unwrap();
        assert_eq!((factor.stretch(3), factor.squeeze(4), factor.squeeze(1)), (5, 3, 1));
    }
}
