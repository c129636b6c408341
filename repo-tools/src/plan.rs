//! A rollout as a table, before anything is signed.

use waves::{Rollout, SEEDS};

use crate::time;

/// One wave.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Counted from 1.
    pub wave: usize,
    /// Its last seed.
    pub bound: u32,
    /// When its first host has its turn.
    pub opens: String,
    /// When all of its hosts have had it.
    pub closes: String,
    /// How many of the 2048 seeds are in it.
    pub seeds: u32,
    /// How long it lasts.
    pub seconds: i64,
}

impl Row {
    /// The share of the fleet in it, in per cent.
    pub fn share(&self) -> f64 {
        f64::from(self.seeds) * 100.0 / f64::from(SEEDS)
    }

    /// How many of so many hosts have their turn in an hour; `None`: all at once.
    pub fn hosts_per_hour(&self, hosts: u64) -> Option<u64> {
        let seconds = u128::try_from(self.seconds).ok().filter(|seconds| *seconds > 0)?;
        let product = u128::from(hosts) * u128::from(self.seeds) * 3600;
        u64::try_from(product / (u128::from(SEEDS) * seconds)).ok()
    }
}

/// One row a wave.
pub fn rows(rollout: &Rollout) -> Vec<Row> {
    let row = |wave: waves::Wave| Row {
        wave: wave.number,
        bound: wave.last,
        opens: time::text(wave.starts),
        closes: time::text(wave.ends),
        seeds: wave.last.saturating_add(1).saturating_sub(wave.first),
        seconds: wave.ends.signed_duration_since(wave.starts).num_seconds(),
    };
    rollout.waves().map(row).collect()
}

/// The table, aligned; with the pace for so many hosts.
pub fn table(rows: &[Row], hosts: Option<u64>) -> Vec<String> {
    let title = if hosts.is_some() { "  hosts/hour" } else { "" };
    let mut lines = vec![format!(
        "{:>4}  {:>5}  {:<20}  {:<20}  {:>7}{title}",
        "wave", "bound", "opens", "closes", "share"
    )];
    for row in rows {
        let pace = hosts.map_or(String::new(), |hosts| {
            let pace = row.hosts_per_hour(hosts).map_or("at once".to_owned(), |pace| pace.to_string());
            format!("  {pace:>10}")
        });
        lines.push(format!(
            "{:>4}  {:>5}  {:<20}  {:<20}  {:>5.1} %{pace}",
            row.wave,
            row.bound,
            row.opens,
            row.closes,
            row.share()
        ));
    }
    lines
}
