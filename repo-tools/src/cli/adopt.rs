//! `updog-repo adopt`

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::ground::there;
use super::place::{Place, SOURCE, WORKERS, root, with_bar};
use super::{Answer, Context, usage};
use crate::adopt::{Adopted, Adopting, Term, adopt, term_text};
use crate::copy::Writing;
use crate::doctor::private_keys_inside;
use crate::error::{Error, Result};
use crate::folder::STATE;
use crate::intent::FILE_NAME;
use crate::time;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(help = SOURCE)]
    source: String,
    /// A root that you trust; without it, the source's first root is taken for good.
    #[arg(long, value_name = "FILE", value_parser = super::local)]
    root: Option<PathBuf>,
    /// Fetch so many targets at a time.
    #[arg(long, value_name = "N", default_value_t = WORKERS, value_parser = super::at_a_time)]
    parallel: usize,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    if context.repo.join(STATE).exists() {
        return Err(Error::FolderExists { path: context.repo.clone() });
    }
    let place = Place::open(context, &context.location(&args.source)?)?;
    if place.source().is_part() {
        return Err(usage("refused a bundle: it holds no more than a part of a repository".to_owned()));
    }
    refuse_seen(context, &place)?;
    let order = Adopting {
        root: root(args.root.as_ref())?,
        now: context.now,
        workers: args.parallel,
        writing: if context.rehearsal.is_some() { Writing::DryRun } else { Writing::Really },
    };
    let files = Arc::clone(&context.files);
    let done = with_bar(context, "adopt", |tell| adopt(files, &context.repo, place.source(), &order, tell))?;
    if let Some(rehearsal) = &context.rehearsal {
        for (path, length) in &done.would_fetch {
            rehearsal.note_file(path, *length);
        }
    }
    let mut lines = Vec::new();
    if args.root.is_none() {
        lines.push("No --root given: the source's own first root is taken for good.".to_owned());
    }
    let keys = private_keys_inside(&context.repo);
    lines.extend(keys.iter().map(|key| format!("Private key {} lies in it: move it away.", key.display())));
    Ok(answer(context, lines, &done))
}

/// Hosts read what lies at the source, and everything below it.
fn refuse_seen(context: &Context, place: &Place<'_>) -> Result<()> {
    let Place::Folder(_, seen) = place else { return Ok(()) };
    let absolute = |path: &PathBuf| {
        let read = |source| Error::ReadFile { path: path.clone(), source };
        std::path::absolute(path).map(|path| there(&path)).map_err(read)
    };
    if absolute(&context.repo)?.starts_with(absolute(seen)?) {
        let (repo, seen) = (context.repo.display(), seen.display());
        return Err(usage(format!(
            "refused {repo}: it lies in {seen}, which hosts read; name another with --repo"
        )));
    }
    Ok(())
}

fn answer(context: &Context, mut lines: Vec<String>, done: &Adopted) -> Answer {
    let repo = context.repo.display();
    lines.extend(done.lacking.iter().map(|what| format!("Missing: {what}.")));
    lines.extend(done.expired.iter().map(|role| format!("Expired: {role}; it is to be signed anew.")));
    if !done.is_signed {
        lines.push(
            "The draft is not what is signed, to the byte: the next sign makes new targets.".to_owned(),
        );
    }
    lines.push(match &done.terms {
        Some(terms) => {
            format!("{FILE_NAME} is new: {}.", terms.iter().map(term).collect::<Vec<_>>().join(", "))
        }
        None => format!("{FILE_NAME} was there and stays."),
    });
    let (fetched, word) =
        if context.rehearsal.is_some() { ("to be fetched", "would adopt") } else { ("fetched", "adopted") };
    lines.push(format!(
        "{} of {} blobs {fetched}, {} bytes; {} delegated role(s).",
        done.new_blobs,
        done.blobs,
        done.new_bytes,
        done.delegated.len()
    ));
    let (versions, count) = (done.versions, done.releases);
    lines.push(format!(
        "{word}: {count} release(s), root {}, targets {}, timestamp {}: {repo}",
        versions.root, versions.targets, versions.timestamp
    ));
    Answer::done(lines, json!({ "dir": context.repo, "adopted": done }))
}

/// `targets 90d as published`
fn term(term: &Term) -> String {
    let (hours, how) = match term.hours {
        Some(hours) => (hours, "as published"),
        None => (time::Terms::default().of(term.role).num_hours(), "by default"),
    };
    format!("{} {} {how}", term.role, term_text(hours))
}
