//! `updog-repo refresh`

use std::path::PathBuf;

use chrono::TimeDelta;
use serde_json::json;
use trust_core::Expiry;

use super::{Answer, Context, block_on, signers};
use crate::error::Result;
use crate::refresh::{Terms, refresh};
use crate::role::Role;
use crate::time;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder that hosts read, or the name of a store in repo.toml.
    dir: String,
    /// A timestamp key; may be given more than once.
    #[arg(long, required = true, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// How long the new timestamp is good for; else what repo.toml says (7d).
    #[arg(long, value_name = "TERM", value_parser = time::parse_term)]
    expires: Option<TimeDelta>,
    /// Bring a repository back that hosts refuse because it has expired.
    #[arg(long)]
    allow_expired: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let intent = context.intent()?;
    let dir = PathBuf::from(intent.place(&args.dir));
    let signers = signers(context, &args.key)?;
    let terms = Terms {
        now: context.now,
        term: args.expires.unwrap_or(intent.role(Role::Timestamp).expires),
        expired: if args.allow_expired { Expiry::Ignore } else { Expiry::Enforce },
    };
    let refreshed = block_on(refresh(context.files.as_ref(), &dir, &signers, terms))?;
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
