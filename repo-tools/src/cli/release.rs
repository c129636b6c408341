//! `updog-repo release …`

use clap::Subcommand;
use serde_json::{Value, json};

use super::pick::Pick;
use super::release_show::{DiffArgs, diff, show, standing};
use super::{Answer, Context, release_add, release_edit};
use crate::draft::title;
use crate::error::Result;
use crate::time;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make frames and indexes of a release folder and add them to the draft. The same again changes nothing.
    Add(release_add::Add),
    /// List the releases in the draft.
    List,
    /// Show everything about one release.
    Show(Pick),
    /// Say what hosts will see otherwise: the draft against what is signed, or against what is published.
    Diff(DiffArgs),
    #[command(flatten)]
    Edit(release_edit::Verb),
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "release add",
            Self::List => "release list",
            Self::Show(_) => "release show",
            Self::Diff(_) => "release diff",
            Self::Edit(verb) => verb.name(),
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    let folder = context.folder()?;
    match verb {
        Verb::Add(args) => release_add::run(context, &folder, &args),
        Verb::Show(pick) => show(context, pick),
        Verb::Diff(args) => diff(context, &args),
        Verb::Edit(verb) => release_edit::run(context, verb),
        Verb::List => {
            let draft = folder.draft()?;
            let mut lines = Vec::new();
            let mut data: Vec<Value> = Vec::new();
            for update in &draft.manifest.updates {
                let id = update.updog.as_ref().map(|ours| ours.release);
                let closes = update.rollout().closes_at().map(time::text);
                let waves =
                    closes.as_ref().map_or("open to all".to_owned(), |at| format!("all hosts by {at}"));
                let short = id.map_or("-".to_owned(), |id| id.short());
                let state = standing(update);
                let line = format!("{:<32} {short:<16}  {}", title(update), state.as_ref().unwrap_or(&waves));
                lines.push(line);
                data.push(json!({
                    "variant": update.variant, "arch": update.arch, "version": update.version,
                    "max_version": update.max_version, "id": id, "all_hosts_by": closes,
                    "standing": state,
                }));
            }
            lines.push(format!("{} release(s) in the draft", data.len()));
            Ok(Answer::done(lines, json!({ "releases": data })))
        }
    }
}
