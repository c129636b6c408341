//! `updog-repo waves …`

use chrono::{DateTime, Utc};
use clap::Subcommand;
use release::Version;
use serde_json::{Value, json};
use waves::{Rollout, Seed, Verdict};

use super::{Answer, Context, simulate, usage};
use crate::draft::{Choice, title};
use crate::error::Result;
use crate::schedule::{lines, named_policy, seed_line, set};
use crate::time;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Give a release its waves. Only the manifest changes.
    Set {
        /// A rollout from repo.toml, or emergency, accelerated, normal, slow, or a wave file.
        policy: String,
        /// When the rollout starts; now, if not given.
        #[arg(long, value_name = "RFC3339")]
        start_at: Option<DateTime<Utc>>,
        #[command(flatten)]
        which: Which,
    },
    /// Show a release's waves, and when and why one host has its turn.
    Show {
        /// A host's seed, 0 to 2047.
        #[arg(long, value_name = "N")]
        seed: Option<u32>,
        #[command(flatten)]
        which: Which,
    },
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
            Self::Simulate(_) => "waves simulate",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    match verb {
        Verb::Set { policy: name, start_at, which } => {
            let policy = named_policy(&context.intent()?, &name)?;
            let start = start_at.unwrap_or(context.now);
            let start = DateTime::from_timestamp(start.timestamp(), 0).unwrap_or(start);
            let folder = context.folder()?;
            let _lock = folder.lock()?;
            let mut draft = folder.draft()?;
            let (title, rollout) = set(&mut draft, &which.choice(), (&name, &policy), start)?;
            folder.save_draft(&draft)?;
            let mut said = lines(&rollout);
            let closes = rollout.closes_at().map(time::text).unwrap_or_default();
            said.push(format!("waves set for {title}: {name}, all hosts by {closes}"));
            Ok(Answer::done(said, json!({ "release": title, "waves": waves_json(&rollout) })))
        }
        Verb::Show { seed, which } => {
            let seed = seed.map(Seed::new).transpose().map_err(|error| usage(error.to_string()))?;
            let draft = context.folder()?.draft()?;
            let place = draft.choose(&which.choice())?;
            let update = draft.manifest.updates.get(place);
            let (title, rollout) = update.map(|update| (title(update), update.rollout())).unwrap_or_default();
            let mut said = vec![format!("Waves of {title}:")];
            said.extend(lines(&rollout));
            let mut data = json!({ "release": title, "waves": waves_json(&rollout) });
            if let Some(seed) = seed {
                said.push(seed_line(&rollout, seed, context.now));
                data["seed"] = seed_json(&rollout, seed, context.now);
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
