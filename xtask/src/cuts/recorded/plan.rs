//! How many states to make of each window, and which windows the states to boot come from.

use anyhow::Result;
use fixtures::crash::{Limits, Random};

use super::run::Run;
use super::window::{Unit, Window};

/// How much to check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Distinct states between flushes, if the log has as many.
    pub(super) points: usize,
    /// States to draw.
    pub(super) drawn: usize,
    /// Names both samples.
    pub(super) seed: u64,
}

/// Made by one look at all windows.
#[derive(Debug)]
pub(super) struct Plan {
    seed: u64,
    /// Samples for a window with weight 1.
    samples: usize,
    /// Numbers of the windows from which a state is drawn each.
    pub(super) drawn: Vec<usize>,
}

impl Plan {
    pub(super) fn make(run: &Run, wanted: Wanted) -> Result<Plan> {
        let (mut few, mut weights) = (0, 0);
        let (mut counting, mut others) = (Vec::new(), Vec::new());
        run.follow(&mut |window| {
            match window.units.len() {
                // Gone through in full, they give what they have.
                n @ 0..=EXHAUSTIVE => few += (1usize << n).saturating_sub(2),
                _ => weights += weight(window),
            }
            if window.units.iter().any(Unit::counts) {
                counting.push(window.number);
            } else if !window.units.is_empty() {
                others.push(window.number);
            }
            Ok(())
        })?;
        // A sample is a prefix and a random set. Some turn out equal, so there are half as many again.
        let missing = wanted.points.saturating_sub(few) / 2 * 3;
        let samples = missing.div_ceil(weights.max(1)).max(SAMPLES_MIN);
        let mut random = Random::new(wanted.seed);
        let mut drawn = Vec::new();
        while drawn.len() < wanted.drawn && !(counting.is_empty() && others.is_empty()) {
            // In turns, so that cuts in the table and the images do not drown in those of file systems, nor those in them.
            let from = match drawn.len() % 2 {
                0 if !counting.is_empty() => &mut counting,
                1 if others.is_empty() => &mut counting,
                _ => &mut others,
            };
            drawn.push(from.swap_remove(random.below(from.len())));
        }
        Ok(Plan { seed: wanted.seed, samples, drawn })
    }

    pub(super) fn limits(&self, window: &Window<'_, '_>) -> Limits {
        let samples = self.samples * weight(window);
        Limits { exhaustive_sectors: EXHAUSTIVE, samples, seed: self.seed }
    }
}

/// What the selector looks at is looked at more closely.
fn weight(window: &Window<'_, '_>) -> usize {
    if window.units.iter().any(Unit::counts) { 4 } else { 1 }
}

/// Up to this many sectors between two flushes every subset is made.
const EXHAUSTIVE: usize = 8;
/// For windows of many sectors, also where the small ones alone give enough points.
const SAMPLES_MIN: usize = 16;
