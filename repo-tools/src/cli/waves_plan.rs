//! `updog-repo waves plan`: a rollout before anything is signed

use std::path::PathBuf;

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::{Value, json};

use super::{Answer, Context, usage};
use crate::error::{Error, Result};
use crate::files;
use crate::output::Output;
use crate::picture::{adoption, standalone};
use crate::plan::{Row, rows, table};
use crate::schedule::{named_policy, starting};
use crate::time;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A rollout from repo.toml, or emergency, accelerated, normal, slow, or a wave file.
    policy: String,
    /// When the rollout starts; now, if not given.
    #[arg(long, value_name = "RFC3339", value_parser = time::parse_at)]
    start_at: Option<DateTime<Utc>>,
    /// The rollout starts now.
    #[arg(long, conflicts_with = "start_at")]
    now: bool,
    /// Show how many of so many hosts have their turn in an hour.
    #[arg(long, value_name = "N")]
    hosts: Option<u64>,
    /// Draw how the fleet takes the release over time into this file.
    #[arg(long, value_name = "FILE", value_parser = super::local)]
    svg: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    if args.hosts == Some(0) {
        return Err(usage("expected at least one host, found 0".to_owned()));
    }
    let policy = named_policy(&context.intent()?, &args.policy)?;
    let start = args.start_at.unwrap_or(context.now).trunc_subsecs(0);
    let rollout = starting(&args.policy, &policy, start, context.now)?;
    let rows = rows(&rollout);
    let mut said = table(&rows, args.hosts);
    let closes = rollout.closes_at().unwrap_or(start);
    if let Some(path) = &args.svg {
        let chart = adoption(&format!("Rollout {}", args.policy), &rollout, (start, closes), context.now);
        Output::Picture.admit(path)?;
        files::put_bytes(context.files.as_ref(), path, standalone(&chart).as_bytes())
            .map_err(|source| Error::WriteFile { path: path.clone(), source })?;
        said.push(format!("The curve is drawn in {}", path.display()));
    }
    said.push(format!("{}: {} wave(s), all hosts by {}", args.policy, rows.len(), time::text(closes)));
    let rows: Vec<Value> = rows.iter().map(|row| json_row(row, args.hosts)).collect();
    let data =
        json!({ "policy": args.policy, "all_hosts_by": time::text(closes), "waves": rows, "svg": args.svg });
    Ok(Answer::done(said, data))
}

fn json_row(row: &Row, hosts: Option<u64>) -> Value {
    json!({
        "wave": row.wave, "bound": row.bound, "opens": row.opens, "closes": row.closes, "seeds": row.seeds,
        "share_percent": row.share(), "hosts_per_hour": hosts.and_then(|hosts| row.hosts_per_hour(hosts)),
    })
}
