//! `updog-repo release remove`, `yank`, `unyank`, `from`, `max-version`

use chrono::SubsecRound;
use clap::Subcommand;
use release::manifest::Reason;
use release::{Version, VersionReq};
use serde_json::json;

use super::pick::{Line, Pick};
use super::{Answer, Context, changed, usage};
use crate::change::{change, change_release, remove_release, set_max_version};
use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Take a release out of the draft, with the targets that only it names. Their blobs stay until they are pruned.
    Remove {
        #[command(flatten)]
        pick: Pick,
    },
    /// Take a release back: it stays listed, and no host is offered it.
    Yank {
        #[command(flatten)]
        pick: Pick,
        /// Why, in one line; hosts show it.
        #[arg(long)]
        reason: Reason,
    },
    /// Offer a release again.
    Unyank {
        #[command(flatten)]
        pick: Pick,
        /// Why, in one line; kept in the history.
        #[arg(long)]
        reason: Reason,
    },
    /// Say which running versions may go to a release, such as ">=1.2.0"; "any": all.
    From {
        #[command(flatten)]
        pick: Pick,
        /// A requirement as Cargo writes them, or "any".
        range: String,
        /// Why, in one line; kept in the history.
        #[arg(long)]
        reason: Option<Reason>,
    },
    /// Say above which version hosts go down: of all releases of one variant and architecture.
    MaxVersion {
        /// The version.
        max: Version,
        #[command(flatten)]
        line: Line,
    },
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Remove { .. } => "release remove",
            Self::Yank { .. } => "release yank",
            Self::Unyank { .. } => "release unyank",
            Self::From { .. } => "release from",
            Self::MaxVersion { .. } => "release max-version",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    let folder = context.folder()?;
    let now = context.now.trunc_subsecs(0);
    match verb {
        Verb::Remove { pick } => {
            let choice = pick.choice();
            let done = change(&folder, |draft| remove_release(draft, &choice))?;
            let removed = done.answer;
            let fact = format!("removed: {}, {} target(s)", removed.title, removed.targets.len());
            let data = json!({
                "release": removed.title, "targets": removed.targets, "max_version": removed.max_version,
            });
            Ok(changed::said(&done.differences, fact, &data))
        }
        Verb::Yank { pick, reason } => {
            let choice = pick.choice();
            let done =
                change(&folder, |draft| change_release(draft, &choice, |update| update.yank(now, reason)))?;
            Ok(changed::answer(done, "yanked"))
        }
        Verb::Unyank { pick, reason } => {
            let choice = pick.choice();
            let done =
                change(&folder, |draft| change_release(draft, &choice, |update| update.unyank(now, reason)))?;
            Ok(changed::answer(done, "offered again"))
        }
        Verb::From { pick, range, reason } => {
            let from = requirement(&range)?;
            let (choice, reason) = (pick.choice(), reason.unwrap_or_default());
            let done = change(&folder, |draft| {
                change_release(draft, &choice, |update| update.set_from(now, from, reason))
            })?;
            Ok(changed::answer(done, "floor set"))
        }
        Verb::MaxVersion { max, line } => {
            let choice = line.choice();
            let done = change(&folder, |draft| set_max_version(draft, &choice, &max))?;
            let (line, new) = &done.answer;
            let data = json!({ "line": line, "max_version": max });
            if !new {
                return Ok(changed::nothing(format!("nothing to do: max_version of {line} is {max}"), data));
            }
            let fact = format!("hosts of {line} above {max} will go down to it or below");
            Ok(changed::said(&done.differences, fact, &data))
        }
    }
}

fn requirement(text: &str) -> Result<Option<VersionReq>> {
    if text == "any" {
        return Ok(None);
    }
    let wrong = |error| usage(format!("failed to read range {text:?}: {error}, expected such as >=1.2.0"));
    VersionReq::parse(text).map(Some).map_err(wrong)
}
