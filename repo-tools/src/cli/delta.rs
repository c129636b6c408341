//! `updog-repo delta …`

use clap::Subcommand;
use release::Version;
use release::delta::DeltaWriter;
use serde_json::{Value, json};

use super::answer::Ending;
use super::place::Place;
use super::progress::Bar;
use super::waves::Which;
use super::{Answer, Context, changed};
use crate::change::change;
use crate::delta::{self, Adding, Bases, From, Row, Step, Tell, remove, rows};
use crate::draft::title;
use crate::error::Result;
use crate::folder::Folder;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make deltas that lead to a release from earlier ones. What is there already is not made again.
    Add(Add),
    /// List the deltas in the draft.
    List,
    /// Take deltas out of the draft. Their blobs stay until they are pruned.
    Remove(Remove),
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    #[command(flatten)]
    which: Which,
    /// Versions to start from.
    #[arg(long, value_name = "BASE", num_args = 1.., required_unless_present = "last", conflicts_with = "last")]
    from: Vec<Version>,
    /// Start from so many releases before it, of its variant and architecture.
    #[arg(long, value_name = "N", value_parser = super::at_least_one)]
    last: Option<usize>,
    /// zstd level: 1 is fast, 22 is small.
    #[arg(long, default_value_t = 19, value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
    /// A published copy, for frames that are not in the working folder any more: a folder, a URL, a bucket, a bundle, or
    /// the name of a store in repo.toml.
    #[arg(long, value_name = "PLACE")]
    source: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    #[command(flatten)]
    which: Which,
    /// Versions that they start from, or the first digits of release ids.
    #[arg(long, value_name = "BASE", num_args = 1.., required_unless_present = "all", conflicts_with = "all")]
    from: Vec<String>,
    /// All deltas of the release.
    #[arg(long)]
    all: bool,
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "delta add",
            Self::List => "delta list",
            Self::Remove(_) => "delta remove",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    let folder = context.folder()?;
    match verb {
        Verb::Add(args) => {
            let source = args
                .source
                .as_deref()
                .map(|place| Place::open(context, &context.location(place)?))
                .transpose()?;
            let order = Adding {
                choice: args.which.choice(),
                bases: args.last.map_or(Bases::Named(args.from), Bases::Last),
                writer: DeltaWriter { level: args.level, ..DeltaWriter::default() },
                raw: None,
                source: source.as_ref().map(Place::source),
            };
            let _lock = folder.lock()?;
            Ok(answer(&barred(context, |tell| delta::add(&folder, &order, tell))?))
        }
        Verb::List => list(&folder),
        Verb::Remove(args) => {
            let from = if args.all { From::Any } else { From::Bases(args.from) };
            let choice = args.which.choice();
            let done = change(&folder, |draft| remove(draft, &choice, &from))?;
            let (release, targets) = &done.answer;
            let data = json!({ "release": release, "targets": targets });
            if targets.is_empty() {
                return Ok(changed::nothing(format!("nothing to do: {release} has no deltas"), data));
            }
            let fact = format!("removed: {} delta(s) of {release}", targets.len());
            Ok(changed::said(&done.differences, fact, &data))
        }
    }
}

/// Makes them with a bar; the lock is the caller's.
pub(super) fn barred(
    context: &Context,
    make: impl FnOnce(&mut Tell<'_>) -> Result<delta::Added>,
) -> Result<delta::Added> {
    let mut bar = Bar::new(context.form);
    let added = make(&mut |step, done, total| match step {
        Step::Unpack(image, version) => bar.at(&format!("unpack {image} {version}"), done, total),
        Step::Map(image, version) => bar.at(&format!("map {image} {version}"), done, total),
        Step::Compare(image, version) => bar.at(&format!("{image} from {version}"), done, total),
    });
    bar.end();
    added
}

fn answer(added: &delta::Added) -> Answer {
    let mut lines = looked_for(added);
    let data = json!({
        "release": added.title, "changed": !added.made.is_empty(), "made": added.made, "deltas": added.rows,
        "needless": added.needless, "same": added.same,
    });
    if added.made.is_empty() {
        let why = match (added.rows.is_empty(), added.needless.is_empty()) {
            (true, true) if !added.same.is_empty() => "no earlier release with other images to start from",
            (true, true) => "no earlier release to start from",
            (true, false) => "no delta: full frames are as short",
            (false, _) => "already in the draft",
        };
        lines.push(format!("nothing to do: {why}: {}", added.title));
        return Answer::ending(Ending::NothingToDo, lines, data);
    }
    lines.push(format!("added: {} delta(s) of {}", added.made.len(), added.title));
    Answer::done(lines, data)
}

/// One line for each delta that was asked for.
pub(super) fn looked_for(added: &delta::Added) -> Vec<String> {
    let mut lines = said(&added.rows);
    lines.extend(added.needless.iter().map(ToString::to_string));
    lines.extend(added.same.iter().map(ToString::to_string));
    lines
}

fn list(folder: &Folder) -> Result<Answer> {
    let draft = folder.draft()?;
    let (mut lines, mut data, mut count): (Vec<String>, Vec<Value>, usize) = (Vec::new(), Vec::new(), 0);
    for update in &draft.manifest.updates {
        let rows = rows(folder, &draft, update)?;
        if rows.is_empty() {
            continue;
        }
        count += rows.len();
        lines.push(title(update));
        lines.extend(said(&rows).into_iter().map(|line| format!("  {line}")));
        data.push(json!({ "release": title(update), "deltas": rows }));
    }
    lines.push(format!("{count} delta(s) in the draft"));
    Ok(Answer::done(lines, json!({ "releases": data })))
}

/// One line each.
pub(super) fn said(rows: &[Row]) -> Vec<String> {
    rows.iter().map(ToString::to_string).collect()
}
