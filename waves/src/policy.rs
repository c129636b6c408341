//! The reusable shape of a rollout.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::duration::When;
use crate::{Error, Problem, Rollout, SEEDS};

/// A wave file: which share of the fleet may be reached after which delay.
///
/// The grammar is Bottlerocket's, plus minutes, RFC 3339 times and `end_after`:
/// ```
/// # fn main() -> Result<(), waves::Error> {
/// let policy = waves::Policy::parse(
///     r#"
///     end_after = "2 days"        # all seeds have had their turn; default: as long as the wave before
///     [[waves]]
///     start_after = "1 hour"
///     fleet_percentage = 10       # the first tenth, from 1 h to 1 d after the start
///     [[waves]]
///     start_after = "1 day"
///     fleet_percentage = 100      # the rest, from 1 d to 2 d
///     "#,
/// )?;
/// let start = "2026-01-01T00:00:00Z".parse().unwrap_or_default();
/// assert_eq!(policy.schedule(start)?.keys().keys().copied().collect::<Vec<_>>(), [0, 204, 2048]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    steps: Vec<Step>,
    end: Option<When>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    start: When,
    percentage: u32,
}

impl Policy {
    /// Reads a wave file. All that is wrong with its contents is listed, not only the first.
    pub fn parse(text: &str) -> Result<Policy, Error> {
        let typed: Typed = toml::from_str(text).map_err(Error::ParsePolicy)?;
        let mut problems = Vec::new();
        let mut steps: Vec<Step> = Vec::new();
        let mut times: Vec<(usize, When)> = Vec::new();
        for (number, wave) in (1..).zip(&typed.waves) {
            let percentage = wave.fleet_percentage;
            if !(1..=100).contains(&percentage) {
                problems.push(Problem::Percentage { wave: number, percentage });
            }
            match When::parse(&wave.start_after) {
                Some(start) => {
                    steps.push(Step { start, percentage });
                    times.push((number, start));
                }
                None => problems.push(Problem::Time { wave: number, text: wave.start_after.clone() }),
            }
        }
        let end = typed.end_after.as_deref().and_then(When::parse);
        if let (Some(text), None) = (&typed.end_after, end) {
            problems.push(Problem::Time { wave: 0, text: text.clone() });
        }
        times.extend(end.map(|end| (0, end)));
        order(&typed.waves, &mut problems);
        later_each(&times, &mut problems);
        if problems.is_empty() { Ok(Policy { steps, end }) } else { Err(Error::Policy(problems)) }
    }

    /// The rollout that starts at `start`. Fails only where instants in the file do not fit between the delays, or
    /// where the times leave the years 1 to 9999.
    pub fn schedule(&self, start: DateTime<Utc>) -> Result<Rollout, Error> {
        let instant = |when: When| when.from(start).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let mut keys = BTreeMap::new();
        let mut key = 0;
        for step in &self.steps {
            keys.insert(key, instant(step.start));
            key = step.percentage * SEEDS / 100;
        }
        let end = self.end.map(instant).or_else(|| Rollout::new(keys.clone()).closes_at());
        // A single wave with no end opens for all at once and needs no closing key.
        if let Some(end) = end
            && (self.end.is_some() || self.steps.len() > 1)
        {
            keys.insert(SEEDS, end);
        }
        let rollout = Rollout::new(keys);
        let problems = rollout.check();
        if problems.is_empty() { Ok(rollout) } else { Err(Error::Schedule(problems)) }
    }
}

/// Each wave reaches more of the fleet than the one before, and the last reaches all.
fn order(waves: &[TypedWave], problems: &mut Vec<Problem>) {
    for ((number, wave), before) in (2..).zip(waves.iter().skip(1)).zip(waves) {
        let (percentage, before) = (wave.fleet_percentage, before.fleet_percentage);
        if percentage <= before {
            problems.push(Problem::PercentageOrder { wave: number, percentage, before });
        }
    }
    match waves.last() {
        None => problems.push(Problem::NoWaves),
        Some(last) if last.fleet_percentage < 100 => {
            problems.push(Problem::NotWhole { percentage: last.fleet_percentage });
        }
        Some(_) => {}
    }
}

/// Each time is later than the one before. Whether a delay and an instant are can only be said once the start is
/// known; see [`Policy::schedule`].
fn later_each(times: &[(usize, When)], problems: &mut Vec<Problem>) {
    for (&(_, before), &(wave, at)) in times.iter().zip(times.iter().skip(1)) {
        let later = match (before, at) {
            (When::After(before), When::After(at)) => before < at,
            (When::At(before), When::At(at)) => before < at,
            (When::After(_), When::At(_)) | (When::At(_), When::After(_)) => true,
        };
        if !later {
            problems.push(Problem::DelayOrder { wave });
        }
    }
}

/// The file as it is typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    #[serde(default)]
    waves: Vec<TypedWave>,
    end_after: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedWave {
    start_after: String,
    fleet_percentage: u32,
}
