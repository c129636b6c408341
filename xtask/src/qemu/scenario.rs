//! Scenarios as data: a TOML file each under `tests/qemu/`. Unknown keys, and bad ends that prove nothing, are refused.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use partition_core::{Flags, Slot};
use serde::Deserialize;

use super::arch::Arch;
use super::damage::Damage;

/// One story: a disk, what happens to it, what the console must say, and how it ends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    /// The file's name.
    #[serde(skip)]
    pub(super) name: String,
    /// One sentence.
    pub(super) about: String,
    #[serde(default)]
    pub(super) arch: Arch,
    /// Left out of the 20 minutes that CI has.
    #[serde(default)]
    pub(super) slow: bool,
    #[serde(default)]
    pub(super) disk: Start,
    /// The release that is, or comes, into slot B.
    #[serde(default = "good_release")]
    pub(super) release: String,
    /// Of a trial.
    #[serde(default = "one")]
    pub(super) tries: u8,
    /// Seconds for all of it, restarts included.
    pub(super) limit: u64,
    /// Seconds of silence that are failure.
    #[serde(default = "patience")]
    pub(super) patience: u64,
    /// Done to the disk before the machine is switched on.
    #[serde(default)]
    pub(super) damage: Vec<Damage>,
    #[serde(default)]
    pub(super) step: Vec<Step>,
    pub(super) end: End,
}

/// The disk that a scenario gets a copy of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Start {
    /// As it was built: 1.0.0 in A.
    #[default]
    Factory,
    /// A ran, took the release over HTTP, armed B and was switched off.
    Armed,
    /// B ran and confirmed, and was switched off.
    Updated,
}

/// What is waited for or typed, in order.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// A line with these words is seen.
    See(String),
    /// As `see`, but not sooner than so many seconds after the last line seen.
    SeeAfter(After),
    /// `updog-tiny` runs this; it must succeed.
    Run(String),
    /// This is typed.
    Say(String),
}

/// For a wait that must not be shorter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    pub(super) line: String,
    pub(super) seconds: u64,
}

/// What must be so in the end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// The slot that runs, healthy and ready; absent where none can.
    pub(super) slot: Option<Slotted>,
    /// The last outcome that `updog status` knows.
    pub(super) outcome: Option<String>,
    /// And why.
    pub(super) cause: Option<String>,
    /// `priority/tries/successful` of slots in the table when all is over.
    #[serde(default)]
    pub(super) flags: BTreeMap<String, String>,
    /// Whether the release is refused as one that failed before.
    pub(super) remembered: Option<bool>,
    /// File systems that had to be replaced by memory; none when left out.
    #[serde(default)]
    pub(super) volatile: Vec<String>,
}

/// A slot and the release in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slotted {
    pub(super) letter: String,
    pub(super) version: String,
}

impl Scenario {
    /// Reads a file; its name is the scenario's.
    pub(super) fn load(path: &Path) -> Result<Scenario> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Scenario::parse(&name, &text).with_context(|| format!("failed to accept {}", path.display()))
    }

    fn parse(name: &str, text: &str) -> Result<Scenario> {
        let mut scenario: Scenario = toml::from_str(text)?;
        name.clone_into(&mut scenario.name);
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> Result<()> {
        for (slot, flags) in &self.end.flags {
            slot.parse::<Slot>()?;
            parse_flags(flags)?;
        }
        if let Some(slot) = &self.end.slot {
            slot.letter.parse::<Slot>()?;
        }
        ensure!((1..=7).contains(&self.tries), "expected 1 to 7 tries, found {}", self.tries);
        let left =
            matches!(self.end.outcome.as_deref(), Some("rolled_back" | "fell_back" | "rollback_failed"));
        if left || self.end.slot.is_none() {
            // Else a slot that was never tried would pass for one that was left.
            ensure!(self.sees_bad_slot(), "a slot is left, but no step sees it come up or be skipped");
        }
        if left && self.end.cause.is_none() {
            bail!("a slot is left, but no cause is expected");
        }
        if self.end.outcome.as_deref() == Some("rolled_back") && self.end.remembered.is_none() {
            bail!("an update is rolled back, but \"remembered\" is not said");
        }
        Ok(())
    }

    fn sees_bad_slot(&self) -> bool {
        self.step.iter().any(|step| {
            let (Step::See(line) | Step::SeeAfter(After { line, .. })) = step else { return false };
            let of_slot = |letter| {
                line.contains(&format!("updog-boot: slot {letter} skipped: "))
                    || line.contains(&format!("updog-boot: slot {letter} starts"))
                    || line.contains(&format!("TINY up slot={letter}"))
            };
            // Where none starts, any of the two may be the bad one.
            match self.end.slot.as_ref().map(|slot| slot.letter.as_str()) {
                Some("A") => of_slot("B"),
                Some(_) => of_slot("A"),
                None => of_slot("A") || of_slot("B"),
            }
        })
    }

    pub(super) const fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }
}

/// Reads `priority/tries/successful`.
pub(super) fn parse_flags(text: &str) -> Result<Flags> {
    let numbers: Option<Vec<u8>> = text.split('/').map(|number| number.parse().ok()).collect();
    match numbers.as_deref() {
        Some([priority @ 0..=15, tries @ 0..=15, successful @ 0..=1]) => {
            Ok(Flags::of(*priority, *tries, *successful == 1))
        }
        _ => bail!("expected priority/tries/successful such as 1/2/1, found {text:?}"),
    }
}

fn good_release() -> String {
    "1.1.0".to_owned()
}

const fn one() -> u8 {
    1
}

const fn patience() -> u64 {
    45
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: &str = "about = \"x\"\nlimit = 60\ndisk = \"armed\"\nstep = [{ see = \"updog-boot: slot B skipped: kernel\" }]\n\
                       [end]\nslot = { letter = \"A\", version = \"1.0.0\" }\noutcome = \"rolled_back\"\ncause = \"unloadable\"\n\
                       remembered = true\nflags = { B = \"0/0/0\" }\n";

    fn refusal(from: &str, to: &str) -> String {
        assert!(BAD.contains(from));
        format!("{:#}", Scenario::parse("bad", &BAD.replace(from, to)).unwrap_err())
    }

    #[test]
    fn a_bad_end_must_be_proven() {
        Scenario::parse("bad", BAD).unwrap();
        assert!(refusal("slot B skipped: kernel", "slot A starts").contains("no step sees it"));
        assert!(refusal("cause = \"unloadable\"\n", "").contains("no cause"));
        assert!(refusal("remembered = true\n", "").contains("remembered"));
        assert!(
            refusal("slot = { letter = \"A\", version = \"1.0.0\" }\n", "").is_empty()
                || BAD.contains("slot B")
        );
    }

    #[test]
    fn unknown_words_are_refused() {
        assert!(refusal("limit", "limits = 1\nlimit").contains("limits"));
        assert!(refusal("see =", "sea =").contains("sea"));
        assert!(refusal("cause =", "reason =").contains("reason"));
        assert!(refusal("0/0/0", "0/0").contains("priority/tries/successful"));
        assert!(refusal("{ B =", "{ C =").contains('C'));
        assert!(refusal("\"armed\"", "\"armd\"").contains("armd"));
    }
}
