//! `updog-repo waves simulate`

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use release::manifest;
use serde_json::{Value, json};

use super::waves::Which;
use super::{Answer, Context, usage};
use crate::error::{Error, Result};
use crate::files;
use crate::output::Output;
use crate::picture::{share, size, stacked};
use crate::schedule::policy;
use crate::simulate::{Cost, Fleet, Order, Pause, Row, all_bytes, charts, per_second, simulate};
use crate::time;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// emergency, accelerated, normal, slow, or a wave file.
    policy: String,
    /// Size of the fleet.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    hosts: u32,
    /// For how long.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// On which share of the hosts the release fails its health checks, such as 0.02.
    #[arg(long, value_name = "F", default_value_t = 0.0, value_parser = parse_share)]
    failure_rate: f64,
    /// Pause the rollout so many hours after its start.
    #[arg(long, value_name = "HOURS")]
    pause_at: Option<u32>,
    /// Minutes between two checks of a host.
    #[arg(long, value_name = "MINUTES", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_080))]
    poll: u32,
    /// Minutes by which each check comes later, at random, at most.
    #[arg(long, value_name = "MINUTES", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=10_080))]
    jitter: u32,
    /// Other numbers give other hosts; the same give the same.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// When the rollout starts; now, if not given.
    #[arg(long, value_name = "RFC3339", value_parser = time::parse_at)]
    start_at: Option<DateTime<Utc>>,
    /// Bytes that a host fetches for the update; without it, all frames and indexes of the release in the draft.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=Cost::MAX_UPDATE_BYTES))]
    bytes: Option<u64>,
    /// One line of the table for so many hours.
    #[arg(long, value_name = "HOURS", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=8_784))]
    every: u32,
    /// Write the curves to this file.
    #[arg(long, value_name = "FILE", value_parser = super::local)]
    svg: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let order = order(context, args)?;
    let fleet = simulate(&order);
    let mut lines = table(&order, &fleet, args.every);
    if let Some(path) = &args.svg {
        let picture = stacked(&charts(&order, &fleet));
        Output::Picture.admit(path)?;
        files::put_bytes(context.files.as_ref(), path, picture.as_bytes())
            .map_err(|source| Error::WriteFile { path: path.clone(), source })?;
        lines.push(format!("The curves are in {}", path.display()));
    }
    lines.extend(summary(&order, &fleet, args.days));
    Ok(Answer::done(lines, data(&order, &fleet)))
}

fn order(context: &Context, args: &Args) -> Result<Order> {
    let name = &args.policy;
    let start = args.start_at.unwrap_or(context.now);
    let start = DateTime::from_timestamp(start.timestamp(), 0).unwrap_or(start);
    let rollout =
        policy(name)?.schedule(start).map_err(|source| Error::Waves { name: name.clone(), source })?;
    let hours = args.days * 24;
    if args.pause_at.is_some_and(|hour| hour >= hours) {
        return Err(usage(format!("expected --pause-at below {hours} hours, the end of the simulation")));
    }
    Ok(Order {
        hosts: args.hosts,
        hours,
        start,
        rollout,
        failure_rate: args.failure_rate,
        pause: args.pause_at.map(|hour| Pause { after_secs: hour * 3600 }),
        poll_secs: args.poll * 60,
        jitter_secs: args.jitter * 60,
        seed: args.seed,
        cost: cost(context, args)?,
    })
}

/// From the draft, where there is one; the fleet can be simulated without.
fn cost(context: &Context, args: &Args) -> Result<Cost> {
    let choice = args.which.clone().choice();
    let named = choice.version.is_some() || choice.variant.is_some() || choice.arch.is_some();
    let folder = match context.folder() {
        Err(Error::NoFolder { .. }) if !named => return Ok(Cost::typical(args.bytes)),
        folder => folder?,
    };
    let draft = folder.draft()?;
    if draft.manifest.updates.is_empty() && !named {
        return Ok(Cost::typical(args.bytes));
    }
    let place = draft.choose(&choice)?;
    let update = draft.manifest.updates.get(place);
    let targets = update.into_iter().flat_map(|update| {
        let indexes = update.updog.iter().flat_map(|ours| ours.index.iter());
        update.images.iter().chain(indexes).map(|(_, name)| name.clone())
    });
    let lengths: Option<Vec<u64>> = targets.map(|name| Some(draft.targets.get(&name)?.length)).collect();
    let papers = folder.papers()?;
    let whole = |lengths: Vec<u64>| lengths.into_iter().fold(0, u64::saturating_add);
    let update_bytes = args.bytes.or_else(|| lengths.map(whole));
    if let Some(bytes) = update_bytes.filter(|bytes| *bytes > Cost::MAX_UPDATE_BYTES) {
        let expected = format!("expected a release of at most {} bytes", Cost::MAX_UPDATE_BYTES);
        return Err(usage(format!("{expected}, found {bytes}: say --bytes")));
    }
    let typical = Cost::typical(update_bytes);
    let snapshot = papers.snapshot.as_ref().map(|document| count(document.bytes().len()));
    let listed = papers.targets.as_ref().map(|document| count(document.bytes().len()));
    let manifest =
        draft.manifest.encode().map_err(|source: manifest::ManifestError| Error::Manifest { source })?;
    let changed = snapshot
        .zip(listed)
        .map(|(snapshot, listed)| snapshot.saturating_add(listed).saturating_add(count(manifest.len())));
    let check = papers.timestamp.as_ref().map(|document| count(document.bytes().len()));
    Ok(Cost {
        check_bytes: check.unwrap_or(typical.check_bytes),
        changed_bytes: changed.unwrap_or(typical.changed_bytes),
        ..typical
    })
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn table(order: &Order, fleet: &Fleet, every: u32) -> Vec<String> {
    let mut lines = vec![format!(
        "{:>5}  {:<16}  {:>7}  {:>9}  {:>11}  {:>9}  {:>10}  {:>8}  {:>9}",
        "hour",
        "until (UTC)",
        "offered",
        "updated",
        "rolled back",
        "waiting",
        "metadata/s",
        "blobs/s",
        "bytes"
    )];
    let last = order.hours.saturating_sub(1);
    for (rows, hour) in fleet.rows.chunks(every as usize).zip((0_u32..).step_by(every as usize)) {
        let Some(row) = rows.last() else { continue };
        let secs = 3600 * count(rows.len());
        let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum::<u64>();
        let bytes = all_bytes(rows);
        lines.push(format!(
            "{:>5}  {:<16}  {:>7}  {:>9}  {:>11}  {:>9}  {:>10.1}  {:>8.1}  {:>9}",
            hour.saturating_add(every - 1).min(last) + 1,
            row.until.format("%Y-%m-%d %H:%M"),
            share(f64::from(row.open_seeds) / f64::from(waves::SEEDS)),
            row.updated,
            row.rolled_back,
            row.waiting,
            per_second(sum(|row| row.metadata_requests), secs),
            per_second(sum(|row| row.blob_requests), secs),
            bytes.map_or_else(|| "-".to_owned(), size),
        ));
    }
    lines
}

fn summary(order: &Order, fleet: &Fleet, days: u32) -> Vec<String> {
    let mut lines = vec![format!(
        "Busiest minute: {:.1} requests per second (metadata alone {:.1}, blobs alone {:.1}).",
        per_second(fleet.peak, 60),
        per_second(fleet.metadata_peak, 60),
        per_second(fleet.blob_peak, 60)
    )];
    let bytes = all_bytes(&fleet.rows);
    let busiest = fleet.rows.iter().filter_map(Row::bytes).max();
    match bytes.zip(busiest) {
        Some((bytes, busiest)) => lines.push(format!(
            "{} in all, {} per second in the busiest hour.",
            size(bytes),
            size(busiest / 3600)
        )),
        None => {
            lines.push("How many bytes: say --bytes, or --repo with the release in its draft.".to_owned());
        }
    }
    let hit = fleet.hit();
    if let Some(pause) = order.pause {
        lines.push(format!(
            "Paused at hour {}: {hit} of {} hosts had taken it.",
            pause.after_secs / 3600,
            fleet.hosts
        ));
    }
    let end = fleet.rows.last();
    let (updated, back) = end.map_or((0, 0), |row| (row.updated, row.rolled_back));
    lines.push(format!(
        "after {days} days: {updated} hosts updated, {back} rolled back, {} waiting",
        fleet.hosts.saturating_sub(hit)
    ));
    lines
}

fn data(order: &Order, fleet: &Fleet) -> Value {
    let hours: Vec<Value> = fleet.rows.iter().map(hour).collect();
    let end = fleet.rows.last();
    json!({
        "hosts": fleet.hosts, "start": time::text(fleet.start), "hours": order.hours, "seed": order.seed,
        "failure_rate": order.failure_rate, "poll_secs": order.poll_secs, "jitter_secs": order.jitter_secs,
        "paused_at": order.pause.map(|pause| time::text(order.start + TimeDelta::seconds(pause.after_secs.into()))),
        "updated": end.map(|row| row.updated), "rolled_back": end.map(|row| row.rolled_back),
        "waiting": end.map(|row| row.waiting), "hit": fleet.hit(),
        "busiest_minute": { "requests": fleet.peak, "metadata": fleet.metadata_peak, "blobs": fleet.blob_peak },
        "by_hour": hours,
    })
}

fn hour(row: &Row) -> Value {
    json!({
        "until": time::text(row.until), "offered_seeds": row.open_seeds,
        "updated": row.updated, "rolled_back": row.rolled_back, "waiting": row.waiting, "hit": row.hit(),
        "metadata_requests": row.metadata_requests, "blob_requests": row.blob_requests,
        "metadata_bytes": row.metadata_bytes, "blob_bytes": row.blob_bytes,
    })
}

/// A share from 0 to 1.
fn parse_share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| format!("expected a number from 0 to 1, found {text:?}"))?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(format!("expected 0 to 1, found {text}")) }
}
