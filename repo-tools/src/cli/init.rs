//! `updog-repo init`

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::{Answer, Context};
use crate::doctor::private_keys_inside;
use crate::error::Result;
use crate::folder::Folder;
use crate::intent::FILE_NAME;

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(context: &Context, _: &Args) -> Result<Answer> {
    let folder =
        Folder::init(Arc::clone(&context.files), &context.repo, context.now, context.intent()?.terms())?;
    let dir = folder.dir().display().to_string();
    // One that was a plain folder before may hold some.
    let keys = private_keys_inside(folder.dir());
    let move_it = |key: &PathBuf| format!("Private key {} lies in it: move it away.", key.display());
    let mut lines: Vec<String> = keys.iter().map(move_it).collect();
    lines.extend([
        format!("What the repository is meant to be is said in {}", folder.dir().join(FILE_NAME).display()),
        "Root 1 has no keys yet: run \"updog-repo key new FILE --role all\".".to_owned(),
        format!("working folder ready: {dir}"),
    ]);
    Ok(Answer::done(lines, json!({ "dir": dir, "private_keys": keys })))
}
