//! `updog-repo waves …`

use chrono::{DateTime, SubsecRound, Utc};
use clap::Subcommand;
use release::Version;
use release::manifest::{Reason, Restart};
use serde_json::{Value, json};
use waves::{Rollout, Seed, Verdict};

use super::release_show::standing;
use super::{Answer, Context, changed, rollout, simulate, usage, waves_plan};
use crate::change::change;
use crate::draft::{Choice, title};
use crate::error::Result;
use crate::schedule::{NewWaves, lines, named_policy, seed_line, set, starting};
use crate::time;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Give a release its waves. Only the manifest changes.
    Set {
        /// A rollout from repo.toml, or emergency, accelerated, normal, slow, or a wave file.
        policy: String,
        /// When the rollout starts; now, if not given.
        #[arg(long, value_name = "RFC3339", value_parser = time::parse_at)]
        start_at: Option<DateTime<Utc>>,
        /// End the pause or halt of a release that stands still; for a reason.
        #[arg(long, requires = "reason")]
        restart: bool,
        /// Why, in one line; kept in the history.
        #[arg(long)]
        reason: Option<Reason>,
        #[command(flatten)]
        which: Which,
    },
    /// Show a release's waves, and when and why one host has its turn.
    Show {
        /// Version of the release; the newest in the draft, if not given.
        #[arg(value_name = "V", conflicts_with = "release")]
        shown: Option<Version>,
        /// A host's seed, 0 to 2047.
        #[arg(long, value_name = "N")]
        seed: Option<u32>,
        #[command(flatten)]
        which: Which,
    },
    /// Show a rollout as a table, and as a curve, before anything is signed.
    Plan(waves_plan::Args),
    #[command(flatten)]
    Change(rollout::Verb),
    /// Run a fleet through a rollout in virtual time: who takes it when, and what the repository bears.
    Simulate(simulate::Args),
}

/// Which release; the newest in the draft when nothing is said.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Which {
    /// Version of the release.
    #[arg(long = "version", value_name = "V")]
    release: Option<Version>,
    /// Variant of the release.
    #[arg(long)]
    variant: Option<String>,
    /// Architecture of the release.
    #[arg(long)]
    arch: Option<String>,
}

impl Which {
    pub(super) fn choice(self) -> Choice {
        Choice { version: self.release, variant: self.variant, arch: self.arch }
    }
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Set { .. } => "waves set",
            Self::Show { .. } => "waves show",
            Self::Plan(_) => "waves plan",
            Self::Change(verb) => verb.name(),
            Self::Simulate(_) => "waves simulate",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    match verb {
        Verb::Set { policy: name, start_at, restart, reason, which } => {
            let policy = named_policy(&context.intent()?, &name)?;
            let at = context.now.trunc_subsecs(0);
            let rollout = starting(&name, &policy, start_at.unwrap_or(at).trunc_subsecs(0), at)?;
            let restart = if restart { Restart::EndPause } else { Restart::Refuse };
            let reason = reason.unwrap_or_default();
            let (choice, new) =
                (which.choice(), NewWaves { name: &name, rollout: &rollout, restart, at, reason });
            let done = change(&context.folder()?, |draft| set(draft, &choice, new))?;
            let (title, _) = &done.answer;
            let data = json!({ "release": title, "waves": waves_json(&rollout) });
            if !done.changed {
                return Ok(changed::nothing(format!("nothing to do: {title} has these waves"), data));
            }
            let closes = rollout.closes_at().map(time::text).unwrap_or_default();
            let fact = format!("waves set for {title}: {name}, all hosts by {closes}");
            Ok(changed::said(&done.differences, fact, &data).after(lines(&rollout)))
        }
        Verb::Plan(args) => waves_plan::run(context, &args),
        Verb::Change(verb) => rollout::run(context, verb),
        Verb::Show { shown, seed, which } => {
            let seed = seed.map(Seed::new).transpose().map_err(|error| usage(error.to_string()))?;
            let draft = context.folder()?.draft()?;
            let mut choice = which.choice();
            choice.version = choice.version.or(shown);
            let place = draft.choose(&choice)?;
            let update = draft.manifest.updates.get(place);
            let (title, rollout) = update.map(|update| (title(update), update.rollout())).unwrap_or_default();
            let mut said = vec![format!("Waves of {title}:")];
            said.extend(lines(&rollout));
            let mut data = json!({ "release": title, "waves": waves_json(&rollout) });
            if let Some(seed) = seed {
                said.push(seed_line(&rollout, seed, context.now));
                data["seed"] = seed_json(&rollout, seed, context.now);
            }
            if let Some(state) = update.and_then(standing) {
                said.push(format!("No host installs it: {state}."));
                data["standing"] = Value::String(state);
            }
            Ok(Answer::done(said, data))
        }
        Verb::Simulate(args) => simulate::run(context, &args),
    }
}

fn waves_json(rollout: &Rollout) -> Value {
    let waves: Vec<Value> = rollout
        .waves()
        .map(|wave| {
            json!({
                "wave": wave.number, "first_seed": wave.first, "last_seed": wave.last,
                "starts": time::text(wave.starts), "ends": time::text(wave.ends),
            })
        })
        .collect();
    json!(waves)
}

fn seed_json(rollout: &Rollout, seed: Seed, now: DateTime<Utc>) -> Value {
    json!({
        "seed": seed.number(),
        "opens": rollout.opens_at(seed).map(time::text),
        "wave": rollout.wave(seed).map(|wave| wave.number),
        "open": matches!(rollout.verdict(seed, now), Verdict::Open { .. }),
    })
}
