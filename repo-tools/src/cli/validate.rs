//! `updog-repo validate`

use std::path::{Path, PathBuf};

use serde_json::json;
use updater_core::Exit;

use super::{Answer, Context, usage};
use crate::error::{Error, Result};
use crate::source::{FolderSource, Source, UrlSource};
use crate::validate::{orphans, validate};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A folder or an http(s) URL with metadata/ and targets/ in it.
    place: String,
    /// A root that you trust; without it, the repository's own first root is taken for good.
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let root = args
        .root
        .as_ref()
        .map(|path| std::fs::read(path).map_err(|source| Error::ReadFile { path: path.clone(), source }));
    let root = root.transpose()?;
    let mut lines = Vec::new();
    if root.is_none() {
        lines.push("No --root given: the repository's own first root is taken for good.".to_owned());
    }
    let remote = args.place.starts_with("http://") || args.place.starts_with("https://");
    let folder = Path::new(&args.place);
    let source: Box<dyn Source> = if remote {
        Box::new(UrlSource::new(&args.place)?)
    } else if folder.join("metadata").is_dir() {
        Box::new(FolderSource::new(context.files.as_ref(), folder))
    } else {
        return Err(usage(format!("failed to find metadata/ in {}", args.place)));
    };
    let mut report = validate(source.as_ref(), root, context.now)?;
    if remote {
        lines.push("A server lists no files, so orphans were not looked for.".to_owned());
    } else {
        orphans(context.files.as_ref(), folder, &mut report)?;
    }
    lines.extend(report.problems.iter().map(|problem| format!("problem: {}", problem.what)));
    let looked = format!("{} targets, {} bytes read", report.targets, report.bytes);
    let data = json!(report);
    if report.problems.is_empty() {
        lines.push(format!("no problems: {looked}"));
        return Ok(Answer::done(lines, data));
    }
    lines.push(format!("{} problem(s): {looked}", report.problems.len()));
    Ok(Answer::ending(Exit::Attention, "problems", lines, data))
}
