//! How often a slot is started before another one gets its turn.

use core::fmt;

/// Tries of a trial (N) and of a confirmed slot (M).
///
/// M is the larger one, since a host with flapping power must not lose a good release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    trial: u8,
    confirmed: u8,
}

impl Tries {
    /// `trial` 1–7, `confirmed` 2–15 and larger than `trial`.
    pub const fn new(trial: u8, confirmed: u8) -> Result<Tries, TriesError> {
        if trial == 0 || trial > 7 {
            return Err(TriesError::Trial(trial));
        }
        if confirmed < 2 || confirmed > 15 {
            return Err(TriesError::Confirmed(confirmed));
        }
        if confirmed <= trial {
            return Err(TriesError::Order(trial, confirmed));
        }
        Ok(Tries { trial, confirmed })
    }

    /// N: tries of a trial.
    pub const fn trial(self) -> u8 {
        self.trial
    }

    /// M: tries of a confirmed slot.
    pub const fn confirmed(self) -> u8 {
        self.confirmed
    }
}

impl Default for Tries {
    fn default() -> Tries {
        Tries { trial: 3, confirmed: 7 }
    }
}

/// Tries out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriesError {
    /// Tries of a trial outside 1–7.
    Trial(u8),
    /// Tries of a confirmed slot outside 2–15.
    Confirmed(u8),
    /// A trial has as many tries as a confirmed slot, or more.
    Order(u8, u8),
}

impl fmt::Display for TriesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TriesError::Trial(n) => {
                write!(f, "failed to set the tries of a trial: expected 1 to 7, found {n}")
            }
            TriesError::Confirmed(n) => {
                write!(f, "failed to set the tries of a confirmed slot: expected 2 to 15, found {n}")
            }
            TriesError::Order(n, m) => {
                write!(
                    f,
                    "failed to set the tries of a confirmed slot: expected more than the {n} of a trial, found {m}"
                )
            }
        }
    }
}

impl core::error::Error for TriesError {}
