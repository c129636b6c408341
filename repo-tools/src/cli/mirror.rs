//! `updog-repo mirror`

use std::path::PathBuf;

use release::Version;
use serde_json::json;

use super::ground::refuse_dest;
use super::place::{Place, SOURCE, WORKERS, root, with_bar};
use super::{Answer, Context};
use crate::copy::{Mirroring, Selection, Wanted, Writing, mirror};
use crate::error::Result;
use crate::publish::Gap;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(help = SOURCE)]
    source: String,
    /// The folder that hosts will read, or the name of one in repo.toml; made when it is not there.
    dest: String,
    /// A root that you trust; without it, that of the copy, and for a new copy the source's first root.
    #[arg(long, value_name = "FILE", value_parser = super::local)]
    root: Option<PathBuf>,
    /// Copy no targets.
    #[arg(long, conflicts_with = "release")]
    metadata_only: bool,
    /// Of the targets, copy the manifest and this release only; may be given again.
    #[arg(long, value_name = "VERSION")]
    release: Vec<Version>,
    /// Fetch so many targets at a time.
    #[arg(long, value_name = "N", default_value_t = WORKERS, value_parser = super::at_a_time)]
    parallel: usize,
    /// The source has keys under which its older metadata does not verify: let hosts of the copy fail for the moment
    /// between root and metadata.
    #[arg(long)]
    accept_gap: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let dest = context.local_folder("a mirror", &args.dest)?;
    refuse_dest(context, &dest)?;
    let place = Place::open(context, &context.location(&args.source)?)?;
    let selection = if args.metadata_only {
        Selection::MetadataOnly
    } else if args.release.is_empty() {
        Selection::Everything
    } else {
        Selection::Releases(Wanted { versions: args.release.clone(), ..Wanted::default() })
    };
    let order = Mirroring {
        root: root(args.root.as_ref())?,
        now: context.now,
        selection,
        gap: if args.accept_gap { Gap::Accept } else { Gap::Refuse },
        workers: args.parallel,
        writing: if context.rehearsal.is_some() { Writing::DryRun } else { Writing::Really },
    };
    let files = context.files.as_ref();
    let done = with_bar(context, "mirror", |tell| mirror(place.source(), files, &dest, &order, tell))?;
    if let Some(rehearsal) = &context.rehearsal {
        for (path, length) in &done.would_write {
            rehearsal.note_file(path, *length);
        }
    }
    let changed = !done.plan.is_done() || done.new_targets > 0;
    let counts = format!("{} of {} targets, {} bytes", done.new_targets, done.targets, done.new_bytes);
    let versions = done.versions;
    let state =
        format!("root {}, targets {}, timestamp {}", versions.root, versions.targets, versions.timestamp);
    let line = match (context.rehearsal.is_some(), changed) {
        (true, _) => format!("would fetch {counts}: {state}"),
        (false, true) => format!("mirrored: {counts} new: {state}"),
        (false, false) => format!("mirrored already: {state}"),
    };
    let data = json!({ "dest": dest, "changed": changed, "mirror": done });
    Ok(Answer::done(vec![line], data))
}
