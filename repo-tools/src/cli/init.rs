//! `updog-repo init`

use std::sync::Arc;

use serde_json::json;

use super::{Answer, Context};
use crate::error::Result;
use crate::folder::Folder;
use crate::intent::FILE_NAME;

#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(context: &Context, _: &Args) -> Result<Answer> {
    let folder =
        Folder::init(Arc::clone(&context.files), &context.repo, context.now, context.intent()?.terms())?;
    let dir = folder.dir().display().to_string();
    let lines = vec![
        format!("What the repository is meant to be is said in {}", folder.dir().join(FILE_NAME).display()),
        "Root 1 has no keys yet: run \"updog-repo key new FILE --role all\".".to_owned(),
        format!("working folder ready: {dir}"),
    ];
    Ok(Answer::done(lines, json!({ "dir": dir })))
}
