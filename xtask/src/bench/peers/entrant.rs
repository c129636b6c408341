//! Who runs: a name, what the slot holds before and after, and how it is done.

use anyhow::Result;

use super::device::Before;
use super::ground::Ground;
use super::row::Sample;

/// Those that share what is made before.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    /// Payloads, keys, configuration; not measured.
    pub(super) make: fn(&Ground) -> Result<()>,
    pub(super) entrants: &'static [Entrant],
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Entrant {
    pub(super) name: &'static str,
    pub(super) note: &'static str,
    pub(super) before: Before,
    pub(super) after: After,
    pub(super) run: fn(&Ground) -> Result<Sample>,
}

/// What the slot must hold when the run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// The new image; compared byte for byte.
    New,
    /// It is not written.
    Untouched,
}

impl Entrant {
    /// Once, the slot prepared before and looked at after it.
    pub(super) fn once(&self, ground: &Ground) -> Result<Sample> {
        ground.prepare(self.before)?;
        let sample = (self.run)(ground)?;
        if self.after == After::New {
            ground.device.holds(&ground.image())?;
        }
        Ok(sample)
    }
}
