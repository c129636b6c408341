//! `updog-repo validate`

use std::path::PathBuf;

use serde_json::json;

use super::answer::Ending;
use super::place::{Place, SOURCE, WORKERS, root, with_bar};
use super::{Answer, Context};
use crate::error::Result;
use crate::store::FolderStore;
use crate::validate::{Depth, Report, Validation, closed, orphans, validate};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(help = SOURCE)]
    place: String,
    /// A root that you trust; without it, the repository's own first root is taken for good.
    #[arg(long, value_name = "FILE", value_parser = super::local)]
    root: Option<PathBuf>,
    /// Look at metadata only, delegated roles too; read no target.
    #[arg(long)]
    metadata_only: bool,
    /// Read so many targets at a time.
    #[arg(long, value_name = "N", default_value_t = WORKERS, value_parser = super::at_a_time)]
    parallel: usize,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let mut lines = Vec::new();
    if args.root.is_none() {
        lines.push("No --root given: the repository's own first root is taken for good.".to_owned());
    }
    let place = Place::open(context, &context.location(&args.place)?)?;
    let order = Validation {
        root: root(args.root.as_ref())?,
        now: context.now,
        depth: if args.metadata_only { Depth::Metadata } else { Depth::Targets },
        workers: args.parallel,
    };
    let mut report = with_bar(context, "targets", |tell| validate(place.source(), &order, tell))?;
    if let Place::Folder(_, dir) = &place {
        closed(context.files.as_ref(), dir, &mut report)?;
    }
    match (&place, order.depth) {
        (Place::Url(_), _) => {
            lines.push("A server lists no files, so orphans were not looked for.".to_owned());
        }
        (Place::Folder(_, dir), Depth::Targets) => {
            orphans(&FolderStore::new(context.files.as_ref(), dir), &mut report)?;
        }
        (Place::Store(store), Depth::Targets) => orphans(store.0.as_ref(), &mut report)?,
        (Place::Folder(..) | Place::Store(_), Depth::Metadata) | (Place::Bundle(_), _) => {}
    }
    Ok(answer(lines, &report))
}

fn answer(mut lines: Vec<String>, report: &Report) -> Answer {
    lines.extend(report.problems.iter().map(|problem| format!("problem: {}", problem.what)));
    let left_out = match report.left_out {
        0 => String::new(),
        number => format!(", {number} not in this bundle"),
    };
    let looked = format!(
        "{} roles, {} targets, {} bytes read{left_out}",
        report.roles.len(),
        report.targets,
        report.bytes
    );
    let data = json!(report);
    if report.problems.is_empty() {
        lines.push(format!("no problems: {looked}"));
        return Answer::done(lines, data);
    }
    lines.push(format!("{} problem(s): {looked}", report.problems.len()));
    Answer::ending(Ending::Problems, lines, data)
}
