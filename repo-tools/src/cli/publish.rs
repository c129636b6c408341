//! `updog-repo publish`

use std::path::PathBuf;

use serde_json::json;

use super::{Answer, Context, stage};
use crate::error::{Error, Result};
use crate::publish::{Gap, publish};
use crate::role::Role;
use crate::staged::Staged;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder that hosts read: metadata/ and targets/ in it.
    dir: PathBuf,
    /// Publish the stage as it lies, though the draft has moved on.
    #[arg(long)]
    staged: bool,
    /// Old keys are lost: let hosts fail for the moment between the new root and the new metadata.
    #[arg(long)]
    accept_gap: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let folder = context.folder()?;
    let _lock = folder.lock()?;
    let staged = if args.staged {
        Staged::open(&folder, context.now)?.ok_or(Error::NotSigned { what: Role::Timestamp })?
    } else {
        stage::current(context, &folder)?
    };
    let gap = if args.accept_gap { Gap::Accept } else { Gap::Refuse };
    let published = publish(context.files.as_ref(), &staged, &args.dir, gap)?;
    let versions = published.metadata.versions();
    folder.save_shown(versions)?;
    let mut lines = Vec::new();
    for root in &published.plan.roots_after {
        lines.push(format!(
            "Root {root} was shown last: the metadata before it is signed by old and new keys."
        ));
    }
    let changed = !published.plan.is_done() || published.new_blobs > 0;
    lines.push(if changed {
        format!(
            "published: root {}, targets {}, timestamp {}: {}",
            versions.root,
            versions.targets,
            versions.timestamp,
            args.dir.display()
        )
    } else {
        format!("already published: {}", args.dir.display())
    });
    let data = json!({
        "dir": args.dir, "versions": versions, "changed": changed,
        "new_blobs": published.new_blobs, "plan": published.plan,
    });
    Ok(Answer::done(lines, data))
}
