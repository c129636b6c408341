//! `updog-repo bundle`

use std::path::PathBuf;

use release::Version;
use serde_json::json;

use super::place::{Place, SOURCE, root, with_bar};
use super::{Answer, Context};
use crate::copy::{Bundling, Start, Wanted, Writing, bundle};
use crate::error::Result;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(help = SOURCE)]
    source: String,
    /// The file to write.
    #[arg(value_parser = super::local)]
    file: PathBuf,
    /// This release; may be given again. Without it, the newest of each variant and architecture.
    #[arg(long, value_name = "VERSION")]
    release: Vec<Version>,
    /// Releases of this variant only.
    #[arg(long)]
    variant: Option<String>,
    /// Releases of this architecture only.
    #[arg(long)]
    arch: Option<String>,
    /// Begin the root chain at this root, which the hosts have, instead of at the first.
    #[arg(long, value_name = "ROOT", conflicts_with = "root", value_parser = super::local)]
    from: Option<PathBuf>,
    /// A root that you trust; without it, the source's first root is taken for good.
    #[arg(long, value_name = "FILE", value_parser = super::local)]
    root: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    Output::Bundle.admit(&args.file)?;
    let place = Place::open(context, &context.location(&args.source)?)?;
    let start = match root(args.from.as_ref())? {
        Some(from) => Start::Root(from),
        None => Start::First(root(args.root.as_ref())?),
    };
    let order = Bundling {
        start,
        now: context.now,
        wanted: Wanted {
            versions: args.release.clone(),
            variant: args.variant.clone(),
            arch: args.arch.clone(),
        },
        writing: if context.rehearsal.is_some() { Writing::DryRun } else { Writing::Really },
    };
    let files = context.files.as_ref();
    let done = with_bar(context, "bundle", |tell| bundle(place.source(), files, &args.file, order, tell))?;
    if let (Some(rehearsal), Some(length)) = (&context.rehearsal, done.would_have) {
        rehearsal.note_file(&args.file, length);
    }
    let mut lines: Vec<String> = done.releases.iter().map(|release| format!("Holds {release}.")).collect();
    lines.push(format!("Hosts take it until {}, when {} expires.", done.good_until, done.ends_with));
    let (first, last) = done.roots;
    let word = if context.rehearsal.is_some() { "would bundle" } else { "bundled" };
    lines.push(format!(
        "{word}: {} targets, {} bytes, roots {first} to {last}: {}",
        done.targets,
        done.bytes,
        args.file.display()
    ));
    let data = json!({ "file": args.file, "bundle": done });
    Ok(Answer::done(lines, data))
}
