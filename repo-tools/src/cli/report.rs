//! `updog-repo report`

use std::path::PathBuf;

use serde_json::json;
use trust_client::Location;

use super::place::{Place, own_root, root};
use super::{Answer, Context};
use crate::error::{Error, Result};
use crate::files;
use crate::output::Output;
use crate::report::{gather, page};
use crate::time;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(
        help = "A folder, an http(s) URL or s3://bucket/prefix with metadata/ and targets/ in it, the name of a store \
                  in repo.toml, or a bundle; without it, the stage of the working folder"
    )]
    place: Option<String>,
    /// The folder that gets index.html.
    #[arg(long, value_name = "DIR", value_parser = super::local)]
    out: PathBuf,
    /// A root that you trust; without it, the repository's own first root is taken for good.
    #[arg(long, value_name = "FILE", value_parser = super::local)]
    root: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let path = args.out.join("index.html");
    Output::Page.admit(&path)?;
    let place = match &args.place {
        Some(place) => context.location(place)?,
        None => Location::new(context.folder()?.stage_dir().display().to_string()),
    };
    let source = Place::open(context, &place)?;
    let root = match root(args.root.as_ref())? {
        Some(root) => root,
        None => own_root(context, &source)?,
    };
    let model = gather(source.source(), root, &place, context.now)?;
    let text = page(&model);
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
