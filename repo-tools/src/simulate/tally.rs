//! What a simulated fleet came to, minute by minute and hour by hour.

use chrono::{DateTime, TimeDelta, Utc};
use updater_core::Health;

use super::cost::Cost;
use super::fleet::Order;

/// Counts while the hosts live. Minutes of the whole time.
#[derive(Debug)]
pub(super) struct Tally {
    checks: Vec<u32>,
    changed: Vec<u32>,
    updated: Vec<u32>,
    rolled_back: Vec<u32>,
}

impl Tally {
    pub(super) fn new(hours: u32) -> Self {
        let none = vec![0; hours as usize * 60];
        Self { checks: none.clone(), changed: none.clone(), updated: none.clone(), rolled_back: none }
    }

    pub(super) fn check(&mut self, at: u32) {
        add(&mut self.checks, at);
    }

    pub(super) fn changed(&mut self, at: u32) {
        add(&mut self.changed, at);
    }

    pub(super) fn took(&mut self, at: u32, next: Health) {
        add(if next == Health::Bad { &mut self.rolled_back } else { &mut self.updated }, at);
    }

    /// Sums it up.
    pub(super) fn fleet(&self, order: &Order) -> Fleet {
        let mut rows: Vec<Row> = Vec::new();
        let (mut updated, mut rolled_back) = (0, 0);
        let paused = order.pause.map(|pause| order.start + TimeDelta::seconds(pause.after_secs.into()));
        for hour in 0..order.hours {
            let of = |counts: &[u32]| -> u64 {
                let minutes = counts.iter().skip(hour as usize * 60).take(60);
                minutes.map(|count| u64::from(*count)).sum()
            };
            let (more_updated, more_rolled_back) = (of(&self.updated), of(&self.rolled_back));
            updated += more_updated;
            rolled_back += more_rolled_back;
            let (checks, changed, took) =
                (of(&self.checks), of(&self.changed), more_updated + more_rolled_back);
            let cost = &order.cost;
            let until = order.start + TimeDelta::hours(i64::from(hour) + 1);
            rows.push(Row {
                until,
                // A pause moves what has not opened out of reach.
                open_seeds: order.rollout.open_seeds(paused.map_or(until, |paused| until.min(paused))),
                waiting: u64::from(order.hosts).saturating_sub(updated + rolled_back),
                updated,
                rolled_back,
                metadata_requests: metadata_requests(checks, changed),
                blob_requests: took * Cost::UPDATE_REQUESTS,
                metadata_bytes: checks
                    .saturating_mul(cost.check_bytes)
                    .saturating_add(changed.saturating_mul(cost.changed_bytes)),
                blob_bytes: cost.update_bytes.map(|bytes| took.saturating_mul(bytes)),
            });
        }
        let (metadata_peak, blob_peak) = (self.peak(Load::Metadata), self.peak(Load::Blobs));
        let peak = self.peak(Load::All);
        Fleet { hosts: u64::from(order.hosts), start: order.start, rows, metadata_peak, blob_peak, peak }
    }

    /// Requests in the busiest minute.
    fn peak(&self, load: Load) -> u64 {
        let minutes = self.checks.iter().zip(&self.changed).zip(self.updated.iter().zip(&self.rolled_back));
        let requests = minutes.map(|((checks, changed), (updated, rolled_back))| {
            let metadata = metadata_requests(u64::from(*checks), u64::from(*changed));
            let blobs = (u64::from(*updated) + u64::from(*rolled_back)) * Cost::UPDATE_REQUESTS;
            match load {
                Load::Metadata => metadata,
                Load::Blobs => blobs,
                Load::All => metadata + blobs,
            }
        });
        requests.max().unwrap_or(0)
    }
}

#[derive(Debug, Clone, Copy)]
enum Load {
    Metadata,
    Blobs,
    All,
}

/// What became of a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// How many hosts there are.
    pub hosts: u64,
    /// When it began.
    pub start: DateTime<Utc>,
    /// One an hour.
    pub rows: Vec<Row>,
    /// Metadata requests in the busiest minute for them.
    pub metadata_peak: u64,
    /// Blob requests in the busiest minute for them.
    pub blob_peak: u64,
    /// Requests of both kinds in the busiest minute of all.
    pub peak: u64,
}

/// One hour, as it stands at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its end.
    pub until: DateTime<Utc>,
    /// How many of the 2048 seeds had had their turn: by the waves, and after a pause no more.
    pub open_seeds: u32,
    /// Hosts that run what they ran, and never tried the release.
    pub waiting: u64,
    /// Hosts that run the release.
    pub updated: u64,
    /// Hosts that tried it and went back.
    pub rolled_back: u64,
    /// In this hour.
    pub metadata_requests: u64,
    /// In this hour.
    pub blob_requests: u64,
    /// In this hour.
    pub metadata_bytes: u64,
    /// In this hour; `None`: not known.
    pub blob_bytes: Option<u64>,
}

impl Row {
    /// Hosts that took the release by now: all that a pause now would come too late for.
    pub fn hit(&self) -> u64 {
        self.updated + self.rolled_back
    }

    /// All bytes of this hour; `None`: not known.
    pub fn bytes(&self) -> Option<u64> {
        self.blob_bytes.map(|bytes| bytes.saturating_add(self.metadata_bytes))
    }

    /// All requests of this hour.
    pub fn requests(&self) -> u64 {
        self.metadata_requests + self.blob_requests
    }
}

impl Fleet {
    /// Hosts that took the release in the whole time.
    pub fn hit(&self) -> u64 {
        self.rows.last().map_or(0, Row::hit)
    }
}

/// All bytes of these hours, or the largest number there is; `None`: not known.
pub fn all_bytes(rows: &[Row]) -> Option<u64> {
    rows.iter().map(Row::bytes).try_fold(0, |sum: u64, bytes| Some(sum.saturating_add(bytes?)))
}

/// A count in so many seconds, as a rate.
pub fn per_second(count: u64, secs: u64) -> f64 {
    ratio(count, secs.max(1))
}

/// `a / b`.
#[expect(clippy::cast_precision_loss, reason = "for people; counts are far below 2^53")]
pub(super) fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b as f64
}

fn metadata_requests(checks: u64, changed: u64) -> u64 {
    checks * Cost::CHECK_REQUESTS + changed * Cost::CHANGED_REQUESTS
}

/// Times beyond the end are not asked for.
fn add(counts: &mut [u32], at: u32) {
    if let Some(count) = counts.get_mut((at / 60) as usize) {
        *count = count.saturating_add(1);
    }
}
