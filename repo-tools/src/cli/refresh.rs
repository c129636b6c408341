//! `updog-repo refresh`

use std::path::PathBuf;

use chrono::TimeDelta;
use serde_json::json;
use trust_core::Expiry;

use super::{Answer, Context, block_on, signers};
use crate::error::Result;
use crate::refresh::{Terms, refresh_at};
use crate::role::Role;
use crate::time;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(
        value_name = "DEST",
        help = "What hosts read: a folder, s3://bucket/prefix, or the name of a store in repo.toml"
    )]
    dest: String,
    /// A timestamp key, a file or a pkcs11: or aws-kms: URI; may be given more than once.
    #[arg(long, required = true, value_name = "KEY")]
    key: Vec<PathBuf>,
    /// How long the new timestamp is good for; else what repo.toml says (7d).
    #[arg(long, value_name = "TERM", value_parser = |text: &str| time::parse_role_term(Role::Timestamp, text))]
    expires: Option<TimeDelta>,
    /// Bring a repository back that hosts refuse because it has expired.
    #[arg(long)]
    allow_expired: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let intent = context.intent()?;
    let place = context.place(&args.dest)?;
    let signers = signers(context, &args.key)?;
    let terms = Terms {
        now: context.now,
        term: args.expires.unwrap_or(intent.role(Role::Timestamp).expires),
        expired: if args.allow_expired { Expiry::Ignore } else { Expiry::Enforce },
    };
    let store = context.store(&place, 1)?;
    let refreshed = block_on(refresh_at(store.as_ref(), &signers, terms))?;
    let (role, at) = refreshed.ends;
    let end = if at <= context.now {
        format!(
            "{role} expired at {}: hosts refuse this repository until {role} is signed anew.",
            time::text(at)
        )
    } else {
        format!("A refresh works until {}, when {role} expires.", time::text(at))
    };
    let mut lines = vec![end];
    lines.extend(refreshed.jump.iter().map(ToString::to_string));
    lines.push(format!(
        "timestamp {} published, good until {}",
        refreshed.version,
        time::text(refreshed.expires)
    ));
    let data = json!({
        "version": refreshed.version,
        "expires": time::text(refreshed.expires),
        "clock_jump": refreshed.jump,
        "ends": { "role": role, "at": time::text(at) },
    });
    Ok(Answer::done(lines, data))
}
