//! `updog-repo doctor`

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::answer::Ending;
use super::{Answer, Context};
use crate::doctor::{Finding, Kind, Observed, examine};
use crate::error::{Error, Result, chain};
use crate::folder::Folder;
use crate::intent::Intent;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A private key to look at too; may be given more than once. Of a file only name and mode are read; of a pkcs11:
    /// URI only what the token shows without a PIN.
    #[arg(long, value_name = "KEY")]
    key: Vec<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    // Of a folder that is damaged everything else is looked at too.
    let folder = Folder::as_it_lies(Arc::clone(&context.files), &context.repo)?;
    // A repo.toml that cannot be used is one problem of many.
    let (intent, trouble) = match context.intent() {
        Ok(intent) => (intent, None),
        Err(error @ Error::Intent { .. }) => (Intent::default(), Some(of_intent(&error))),
        Err(error) => return Err(error),
    };
    let mut seen = Observed::look(&folder, &intent, &args.key);
    seen.troubles.extend(trouble);
    let diagnosis = examine(&seen, &intent, context.now);
    let mut lines = Vec::new();
    for finding in &diagnosis.findings {
        lines.push(format!("{}: {}", finding.kind, finding.what));
        lines.push(format!("  do: {}", finding.fix));
    }
    let accepted = match diagnosis.accepted {
        0 => String::new(),
        more => format!(", {more} accepted in repo.toml"),
    };
    let data = json!(diagnosis);
    if diagnosis.findings.is_empty() {
        lines.push(format!("no problems{accepted}"));
        return Ok(Answer::done(lines, data));
    }
    lines.push(format!("{} problem(s){accepted}", diagnosis.findings.len()));
    Ok(Answer::ending(Ending::Problems, lines, data))
}

fn of_intent(error: &Error) -> Finding {
    let fix = error.hint().unwrap_or_else(|| "mend repo.toml; until then its defaults count".to_owned());
    Finding { kind: Kind::Intent, role: None, what: chain(error), fix }
}
