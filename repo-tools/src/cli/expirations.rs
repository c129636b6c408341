//! `updog-repo expirations`

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::answer::Ending;
use super::place::{Place, own_root, root};
use super::{Answer, Context};
use crate::error::{Result, chain};
use crate::expirations::{Expiration, Listed, State, judge, of_papers, of_source};
use crate::time;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[arg(
        help = "A folder, an http(s) URL or s3://bucket/prefix that hosts read, or the name of a store in repo.toml; \
                  the working folder, if not given"
    )]
    dest: Option<String>,
    /// Exit 12 when a role expires within this time, such as "3 days"; else each role's margin in repo.toml counts.
    #[arg(long, value_name = "TERM", value_parser = time::parse_term)]
    within: Option<TimeDelta>,
    /// A root that you trust; without it, the repository's own oldest root is taken for good.
    #[arg(long, value_name = "FILE", requires = "dest", value_parser = super::local)]
    root: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let intent = context.intent()?;
    let Listed { dated, problems } = match &args.dest {
        Some(dest) => of_dest(context, dest, args.root.as_ref())?,
        None => Listed { dated: of_papers(&context.folder()?.papers()?), problems: Vec::new() },
    };
    let margin = |role| args.within.unwrap_or(intent.role(role).margin);
    let expirations = judge(dated, margin, context.now);
    let rows: Vec<Value> = expirations.iter().map(|one| row(one, context.now)).collect();
    let mut lines: Vec<String> = expirations.iter().map(|one| line(one, context.now)).collect();
    let due: Vec<&Expiration> = expirations.iter().filter(|one| one.state != State::Good).collect();
    let problems: Vec<String> = problems.iter().map(|error| chain(error)).collect();
    lines.extend(problems.iter().map(|problem| format!("problem: {problem}")));
    let data = json!({ "expirations": rows, "due": due.len(), "problems": problems });
    if !problems.is_empty() {
        lines.push(format!("{} delegated role(s) cannot be read, {} due", problems.len(), due.len()));
        return Ok(Answer::ending(Ending::Problems, lines, data));
    }
    let Some(first) = due.first() else {
        lines.push(match expirations.first() {
            Some(next) => {
                format!("nothing expires soon: {} is next, at {}", next.role, time::text(next.expires))
            }
            None => "nothing is signed yet, so nothing expires".to_owned(),
        });
        return Ok(Answer::done(lines, data));
    };
    let expired = due.iter().filter(|one| one.state == State::Expired).count();
    lines.push(if expired > 0 {
        format!("{expired} role(s) expired, {} soon: hosts refuse the repository", due.len() - expired)
    } else {
        format!("{} role(s) expire soon: {} first, at {}", due.len(), first.role, time::text(first.expires))
    });
    let ending = if expired > 0 { Ending::Expired } else { Ending::Expiring };
    Ok(Answer::ending(ending, lines, data))
}

fn of_dest(context: &Context, dest: &str, named: Option<&PathBuf>) -> Result<Listed> {
    let place = Place::open(context, &context.location(dest)?)?;
    let root = match root(named)? {
        Some(root) => root,
        None => own_root(context, &place)?,
    };
    of_source(place.source(), root, context.now)
}

fn line(one: &Expiration, now: DateTime<Utc>) -> String {
    let at = time::text(one.expires);
    let state = match one.state {
        State::Good => format!("in {}", time::span(one.expires - now)),
        State::Soon => format!("in {}: soon", time::span(one.expires - now)),
        State::Expired => format!("{} ago: expired", time::span(now - one.expires)),
    };
    format!("{:<12} {:>11}  {at}  {state}", one.role, one.version)
}

fn row(one: &Expiration, now: DateTime<Utc>) -> Value {
    json!({
        "role": one.role,
        "version": one.version,
        "expires": time::text(one.expires),
        "seconds_left": (one.expires - now).num_seconds(),
        "state": one.state,
    })
}
