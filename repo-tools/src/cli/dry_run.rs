//! `--dry-run`: the answer of a run that wrote nothing.

use std::sync::Arc;

use serde_json::json;

use super::{Answer, Context};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::outlook::{differences, outlook};

/// Adds what would have been written, and what hosts would see of it, to the answer of a rehearsed verb; any other
/// answer stays as it is.
pub(super) fn confess(context: &Context, answer: Answer) -> Result<Answer> {
    let Some(rehearsal) = &context.rehearsal else { return Ok(answer) };
    let changes =
        rehearsal.changes().map_err(|source| Error::ReadFile { path: context.repo.clone(), source })?;
    let now = Folder::open(rehearsal.below(), &context.repo).ok();
    let then = Folder::open(Arc::clone(&context.files), &context.repo).ok();
    // What was adopted is what hosts see already.
    let then = then.filter(|then| now.is_some() || then.shown().is_ok_and(|shown| shown.root == 0));
    let seen = then.as_ref().map(|then| outlook(now.as_ref(), then)).transpose()?.unwrap_or_default();
    let otherwise = then.map(|then| differences(now.as_ref(), &then)).transpose()?.unwrap_or_default();
    let mut lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    lines.extend(seen.iter().map(|line| format!("hosts would see, once published: {line}")));
    lines.extend(otherwise.iter().map(|line| format!("hosts would see, once published: {line}")));
    let data = json!({ "files": changes, "hosts": seen, "differences": otherwise });
    Ok(answer.rehearsed(lines, data))
}
