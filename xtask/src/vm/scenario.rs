//! A scenario as data: one TOML file each under `tests/qemu/`.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::firmware::Kind;
use super::yard::{From, Make};

/// What is done to a machine, and what must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// One sentence.
    pub(crate) what: String,
    /// Whether CI runs it.
    #[serde(default = "yes")]
    pub(crate) ci: bool,
    #[serde(default)]
    pub(crate) machine: Kind,
    /// `fresh`, `armed VERSION` or `updated`.
    #[serde(deserialize_with = "from")]
    pub(crate) from: From,
    /// Seconds for all of it.
    pub(crate) limit: u64,
    /// Whether a tmpfs in place of PRIVATE or DATA is part of the story; else it is a failure.
    #[serde(default)]
    pub(crate) volatile: bool,
    /// Words that must not be seen at any time.
    #[serde(default)]
    pub(crate) never: Vec<String>,
    /// The slots that the selector starts, all of them in order: `BBA`. A slot that is left must name them, so that no
    /// start more than its tries goes unseen.
    pub(crate) starts: Option<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) end: Option<End>,
}

/// One thing that is done or waited for. Damage is done while the machine is off; it starts at the first word.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    /// Wait for a line with these words.
    See(String),
    /// As `see`, but no sooner than this many seconds after the line before.
    SeeLater { words: String, seconds: u64 },
    /// Type a command.
    Type(String),
    /// Type `run` and these words; it must end with 0.
    Run(String),
    /// Fill each of these files with what nobody can read.
    Garbage(Vec<String>),
    /// Wait for the machine to switch itself off.
    Off,
    /// Fill `length` bytes from `at` of a partition with zeros.
    Zero { partition: String, at: u64, length: u64 },
    /// Change the byte at `at` of a partition.
    Flip { partition: String, at: u64 },
    /// Change a byte of a file in the root of a release that lies in a partition.
    FlipFile { partition: String, version: String, file: String },
    /// Change a file in the FAT of a partition: a byte in its middle; of a boot manifest, a digit of its signature.
    Spoil { partition: String, file: String },
    /// Take the signatures off the boot manifest in a partition, and have nobody or a stranger sign it.
    Sign { partition: String, by: Signer },
    /// Make an empty file in the file system of a partition.
    Touch { partition: String, file: String },
    /// Put the selector of another release onto the EFI system partition.
    Selector { version: String },
    /// Overwrite a copy of the partition table.
    DestroyTable(Copy),
    /// Set the flags of both slots, as `priority/tries/successful`.
    Flags {
        #[serde(rename = "A")]
        a: String,
        #[serde(rename = "B")]
        b: String,
    },
    /// Make the disk larger by this many MiB.
    Grow(u64),
    /// Write the host's own configuration to PRIVATE: it restarts by itself so many minutes from now on, for the rest of the day.
    Window { opens_in_minutes: i64 },
    /// Show a release to hosts while the machine runs: in an hour's rollout from so many seconds from now on, or at once.
    Publish { version: String, opens_in: Option<i64> },
}

/// Who signs a boot manifest that no key of the machine has signed.
#[derive(Debug, Clone, std::marker::Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Signer {
    Nobody,
    Stranger,
}

/// A copy of the partition table.
#[derive(Debug, Clone, std::marker::Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Copy {
    Primary,
    Backup,
}

/// What `status` must say once all steps are done, on a machine that is ready.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    pub(crate) slot: String,
    /// How the last update ended.
    pub(crate) outcome: Option<String>,
    pub(crate) cause: Option<String>,
    /// What the witness of the cause said, word for word.
    pub(crate) detail: Option<String>,
    /// Flags as `priority/tries/successful`.
    #[serde(rename = "A")]
    pub(crate) a: String,
    #[serde(rename = "B")]
    pub(crate) b: String,
    /// A version that `check` must refuse for having failed here.
    pub(crate) failed: Option<String>,
}

impl Scenario {
    pub(crate) fn load(path: &Path) -> Result<Scenario> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        Scenario::parse(&text).with_context(|| format!("failed to understand {}", path.display()))
    }

    pub(super) fn parse(text: &str) -> Result<Scenario> {
        let scenario: Scenario = toml::from_str(text)?;
        ensure!(
            scenario.steps.iter().any(Step::hears),
            "expected something to be waited for: a scenario that hears nothing proves nothing"
        );
        if let Some(end) = &scenario.end {
            end.check(&scenario)?;
        }
        ensure!(
            !scenario.is_of_a_bad_slot() || scenario.tells_of_a_left_slot(),
            "expected an end with an outcome of {LEFT:?}, or a step that sees \"no slot can start\" or \"no tries left anywhere\": a slot is bad"
        );
        Ok(scenario)
    }
}

impl Scenario {
    /// Whether a slot is damaged or holds a release that does not come up.
    fn is_of_a_bad_slot(&self) -> bool {
        let bad = Make::BAD.iter().any(|make| self.from == From::Armed(make.version.to_owned()));
        bad || self
            .steps
            .iter()
            .filter_map(Step::damages)
            .any(|partition| partition.ends_with("-A") || partition.ends_with("-B"))
    }

    fn tells_of_a_left_slot(&self) -> bool {
        let outcome = self.end.as_ref().and_then(|end| end.outcome.as_deref());
        outcome.is_some_and(|outcome| LEFT.contains(&outcome))
            || self
                .steps
                .iter()
                .any(|step| matches!(step, Step::See(words) if words.contains("no slot can start") || words.contains("no tries left anywhere")))
    }
}

impl Step {
    /// The partition that it damages.
    fn damages(&self) -> Option<&str> {
        match self {
            Step::Zero { partition, .. }
            | Step::Flip { partition, .. }
            | Step::FlipFile { partition, .. }
            | Step::Sign { partition, .. }
            | Step::Spoil { partition, .. } => Some(partition),
            _ => None,
        }
    }

    fn hears(&self) -> bool {
        matches!(self, Step::See(_) | Step::SeeLater { .. } | Step::Run(_))
    }
}

impl End {
    /// A slot that was left was seen to start, or seen to be refused; else it may never have been tried. And the reason
    /// is part of the promise.
    fn check(&self, scenario: &Scenario) -> Result<()> {
        if !self.outcome.as_deref().is_some_and(|outcome| LEFT.contains(&outcome)) {
            return Ok(());
        }
        let other = if self.slot == "A" { "B" } else { "A" };
        let up = format!("TINY up slot={other} ");
        let (skipped, starts) = (format!("slot {other} skipped: "), format!("slot {other} starts: "));
        let sees = |words: &str| {
            scenario.steps.iter().any(|step| matches!(step, Step::See(seen) if seen.contains(words)))
        };
        // That the selector says it starts the slot does not tell that a kernel of that slot ever ran.
        ensure!(
            sees(&up) || sees(&skipped) || (sees(&starts) && sees(VERITY)),
            "expected a step that sees slot {other} up, refused by the selector, or started and refused by verity"
        );
        ensure!(self.cause.is_some(), "expected a cause, since slot {other} was left");
        ensure!(scenario.starts.is_some(), "expected \"starts\", since slot {other} was left");
        Ok(())
    }
}

/// What dm-verity says before it restarts the machine.
const VERITY: &str = "is corrupted";
/// Outcomes by which a slot was left.
const LEFT: [&str; 3] = ["rolled_back", "fell_back", "rollback_failed"];

const fn yes() -> bool {
    true
}

fn from<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<From, D::Error> {
    let text = String::deserialize(deserializer)?;
    match &*text {
        "fresh" => Ok(From::Fresh),
        "updated" => Ok(From::Updated),
        _ => text.strip_prefix("armed ").map(|version| From::Armed(version.to_owned())).ok_or_else(|| {
            let expected = "\"fresh\", \"armed VERSION\" or \"updated\"";
            serde::de::Error::custom(format!("expected {expected}, found {text:?}"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: &str = r#"
        what = "x"
        from = "armed 1.1.0"
        limit = 60
        starts = "BA"
        steps = [{ zero = { partition = "BOOT-B", at = 0, length = 512 } }, { see = "slot B skipped: unloadable" }, "off"]
        end = { slot = "A", outcome = "rolled_back", cause = "unloadable", A = "1/1/1", B = "0/0/0" }
    "#;

    #[test]
    fn a_scenario_is_read() {
        let scenario = Scenario::parse(BAD).unwrap();
        assert_eq!((scenario.ci, scenario.machine), (true, Kind::X86_64));
        assert_eq!(scenario.from, From::Armed("1.1.0".to_owned()));
    }

    #[test]
    fn what_proves_nothing_is_refused() {
        for (from, to) in [
            ("limit = 60", "limit = 60\nlimits = 1"),
            ("{ zero", "{ nought"),
            ("\"armed 1.1.0\"", "\"legged\""),
            ("{ see = \"slot B skipped: unloadable\" },", ""),
            ("slot B skipped", "slot A skipped"),
            ("slot B skipped: unloadable", "slot B starts: "),
            ("cause = \"unloadable\",", ""),
            ("starts = \"BA\"", ""),
            ("outcome = \"rolled_back\", cause = \"unloadable\",", ""),
        ] {
            assert!(BAD.contains(from), "{from}");
            Scenario::parse(&BAD.replace(from, to)).expect_err(to);
        }
    }

    #[test]
    fn all_of_them_are_understood() {
        let scenarios = crate::vm::all().unwrap();
        assert!(scenarios.len() >= 20, "{}", scenarios.len());
    }
}
