//! `--dry-run`: the answer of a run that wrote nothing.

use serde_json::json;

use super::{Answer, Context};
use crate::error::{Error, Result};

/// Adds what would have been written to the answer of a rehearsed verb; any other answer stays as it is.
pub(super) fn confess(context: &Context, answer: Answer) -> Result<Answer> {
    let Some(rehearsal) = &context.rehearsal else { return Ok(answer) };
    let changes =
        rehearsal.changes().map_err(|source| Error::ReadFile { path: context.repo.clone(), source })?;
    let lines = changes.iter().map(ToString::to_string).collect();
    Ok(answer.rehearsed(lines, json!({ "files": changes })))
}
