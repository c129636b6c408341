//! `updog-repo refresh`

use std::path::PathBuf;

use serde_json::json;
use trust_core::Expiry;

use super::{Answer, Context, block_on, signers, usage};
use crate::error::Result;
use crate::refresh::{Terms, refresh};
use crate::time;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder that hosts read.
    dir: PathBuf,
    /// A timestamp key; may be given more than once.
    #[arg(long, required = true, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// How long the new timestamp is good for.
    #[arg(long, value_name = "TERM", default_value = "7d")]
    expires: String,
    /// Bring a repository back that hosts refuse because it has expired.
    #[arg(long)]
    allow_expired: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let signers = signers(&args.key)?;
    let terms = Terms {
        now: context.now,
        term: time::parse_term(&args.expires).map_err(usage)?,
        expired: if args.allow_expired { Expiry::Ignore } else { Expiry::Enforce },
    };
    let refreshed = block_on(refresh(context.files.as_ref(), &args.dir, &signers, terms))?;
    let (role, at) = refreshed.ends;
    let end = if at <= context.now {
        format!(
            "{role} expired at {}: hosts refuse this repository until {role} is signed anew.",
            time::text(at)
        )
    } else {
        format!("A refresh works until {}, when {role} expires.", time::text(at))
    };
    let lines = vec![
        end,
        format!("timestamp {} published, good until {}", refreshed.version, time::text(refreshed.expires)),
    ];
    let data = json!({
        "version": refreshed.version,
        "expires": time::text(refreshed.expires),
        "ends": { "role": role, "at": time::text(at) },
    });
    Ok(Answer::done(lines, data))
}
