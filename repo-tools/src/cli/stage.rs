//! `updog-repo stage`

use serde_json::json;

use super::{Answer, Context};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::staged::Staged;

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(context: &Context, _: &Args) -> Result<Answer> {
    let folder = context.folder()?;
    let _lock = folder.lock()?;
    let staged = current(context, &folder)?;
    let versions = staged.metadata().versions();
    let updates = staged.view().manifest.as_ref().map_or(0, |manifest| manifest.updates.len());
    let lines = vec![format!(
        "staged: {updates} release(s), targets {}, seen by nobody, checked as a host checks: {}",
        versions.targets,
        staged.dir().display()
    )];
    Ok(Answer::done(lines, json!({ "dir": staged.dir(), "versions": versions, "releases": updates })))
}

/// The stage of what is signed now, made when it is not there. The draft must hold nothing that is not signed.
pub(super) fn current(context: &Context, folder: &Folder) -> Result<Staged> {
    let signed = folder.signed()?;
    let online = signed.metadata().online.as_ref().ok_or(Error::DraftNotSigned)?;
    if !folder.draft()?.is_signed_by(online.targets.role())? {
        return Err(Error::DraftNotSigned);
    }
    let here = Staged::lying(folder)?;
    if here.as_deref() == Some(online.timestamp.bytes())
        && let Some(staged) = Staged::open(folder, context.now)?
        && staged.metadata().versions() == signed.versions()
    {
        return Ok(staged);
    }
    signed.stage(folder, context.now)
}
