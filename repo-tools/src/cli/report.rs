//! `updog-repo report`

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Answer, Context, usage};
use crate::error::{Error, Result};
use crate::files;
use crate::report::{gather, page};
use crate::source::{FolderSource, Source, UrlSource};
use crate::time;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A folder or an http(s) URL with metadata/ and targets/ in it; without it, the stage of the working folder.
    place: Option<String>,
    /// The folder that gets index.html.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A root that you trust; without it, the repository's own first root is taken for good.
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let place = match &args.place {
        Some(place) => place.clone(),
        None => context.folder()?.stage_dir().display().to_string(),
    };
    let source: Box<dyn Source> = if place.starts_with("http://") || place.starts_with("https://") {
        Box::new(UrlSource::new(&place)?)
    } else if Path::new(&place).join("metadata").is_dir() {
        Box::new(FolderSource::new(context.files.as_ref(), Path::new(&place)))
    } else {
        return Err(usage(format!("failed to find metadata/ in {place}")));
    };
    let root = match &args.root {
        Some(path) => std::fs::read(path).map_err(|source| Error::ReadFile { path: path.clone(), source })?,
        None => source.metadata("1.root.json", MAX_ROOT)?.ok_or_else(|| {
            usage(format!("failed to find 1.root.json in {place}: name a root that you trust with --root"))
        })?,
    };
    let model = gather(source.as_ref(), root, &place, context.now)?;
    let (path, text) = (args.out.join("index.html"), page(&model));
    let write = |source| Error::WriteFile { path: path.clone(), source };
    files::ensure_dir(context.files.as_ref(), &args.out).map_err(write)?;
    files::put_bytes(context.files.as_ref(), &path, text.as_bytes()).map_err(write)?;
    let first = model.first_to_expire();
    let data = json!({
        "page": path, "bytes": text.len(), "releases": model.releases.len(), "keys": model.keys.len(),
        "first_expiry": first.map(|role| json!({ "role": role.name, "expires": time::text(role.expires) })),
    });
    let fact = format!("{} release(s) of {place} are in {}", model.releases.len(), path.display());
    Ok(Answer::done(vec![fact], data))
}

const MAX_ROOT: u64 = 1 << 20;
