//! `updog-repo prune`

use serde_json::json;

use super::{Answer, Context};
use crate::error::Result;
use crate::prune::{Action, Plan, prune};
use crate::time;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(
        value_name = "DEST",
        help = "What hosts read: a folder, s3://bucket/prefix, or the name of a store in repo.toml"
    )]
    dest: String,
    /// Remove it; without this, prune only says what would go.
    #[arg(long)]
    delete: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let store = context.store(&context.place(&args.dest)?, 1)?;
    let action = if args.delete { Action::Remove } else { Action::Show };
    let plan = prune(store.as_ref(), context.now, action)?;
    Ok(say(&store.place(), &plan, action))
}

fn say(place: &str, plan: &Plan, action: Action) -> Answer {
    let verb = if action == Action::Remove { "removed" } else { "would remove" };
    let mut lines = Vec::new();
    for (part, gone) in [("targets", &plan.blobs), ("metadata", &plan.metadata)] {
        lines.extend(gone.iter().map(|gone| {
            format!("{verb} {part}/{}: nobody can ask for it since {}", gone.name, time::text(gone.since))
        }));
    }
    if let Some(next) = plan.kept.iter().filter_map(|kept| kept.until).min() {
        let count = plan.kept.len();
        lines.push(format!(
            "{count} blob(s) that hosts do not see stay for now, the first until {}.",
            time::text(next)
        ));
    }
    let unknown = plan.kept.iter().filter(|kept| kept.until.is_none()).count();
    if unknown > 0 {
        lines.push(format!("{unknown} blob(s) stay because the store does not say how old they are."));
    }
    let bytes: u64 = plan.blobs.iter().fold(0, |sum: u64, gone| sum.saturating_add(gone.length));
    let (blobs, papers) = (plan.blobs.len(), plan.metadata.len());
    lines.push(match action {
        _ if blobs + papers == 0 => format!("nothing to prune: {place}"),
        Action::Remove => {
            format!("pruned: {blobs} blob(s), {bytes} bytes, {papers} old document(s): {place}")
        }
        Action::Show => format!(
            "{blobs} blob(s), {bytes} bytes, {papers} old document(s) would go with --delete: {place}"
        ),
    });
    let data = json!({ "dir": place, "deleted": action == Action::Remove, "bytes": bytes, "plan": plan });
    Answer::done(lines, data)
}
