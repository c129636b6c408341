//! What is still to be told to whoever collects reports, and how far the history was read for it.

use chrono::{DateTime, Utc};
use partition_core::Slot;
use release::ReleaseId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FORMAT, HistoryEvent, HistoryLine, Record, lenient};

/// `reports.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reports {
    /// 1, or higher when a later version wrote it.
    pub format: u64,
    /// The line of history that was read last.
    #[serde(default, deserialize_with = "lenient::field")]
    pub read: Option<HistoryLine>,
    /// The newest [`Reports::LIMIT`] that nobody has taken yet, oldest first.
    #[serde(default, deserialize_with = "lenient::items")]
    pub queue: Vec<Report>,
    /// What was told last of a restart that did not try what was armed: it is found out anew in every turn.
    #[serde(default, deserialize_with = "lenient::field")]
    pub never_tried: Option<Report>,
    /// Keys that this version does not know, kept.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `staged`, `updated`, `rolled_back`, `fell_back` or `never_tried`.
    pub event: String,
    /// When, by the host's clock.
    pub at: DateTime<Utc>,
    /// The slot it happened to.
    #[serde(default, with = "lenient::slot", skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// The version, where known.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The release, where known.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
    /// Why, in one word, where a slot was left.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

impl Reports {
    /// How many are kept for a collector that cannot be reached.
    pub const LIMIT: usize = 16;

    /// Of a host that begins to tell: nothing of its past.
    pub fn begin(history: &[HistoryLine]) -> Reports {
        Reports {
            format: FORMAT,
            read: history.last().cloned(),
            queue: Vec::new(),
            never_tried: None,
            extra: Map::new(),
        }
    }

    /// Takes up what the history has that was not read yet.
    pub fn collect(&mut self, history: &[HistoryLine]) {
        let read = self.read.as_ref();
        let found = history.iter().rposition(|line| Some(line) == read);
        let new = match (found, read) {
            (Some(last), _) => history.get(last.saturating_add(1)..).unwrap_or_default(),
            // Cut off at its older end, or begun anew.
            (None, Some(read)) => {
                let older = history.iter().rposition(|line| line.at <= read.at);
                history.get(older.map_or(0, |last| last.saturating_add(1))..).unwrap_or_default()
            }
            (None, None) => history,
        };
        for line in new {
            if let Some(report) = Report::of(line) {
                self.push(report);
            }
        }
        if let Some(last) = history.last() {
            self.read = Some(last.clone());
        }
    }

    /// Takes up that the last restart did not try what is armed, once for each time it is armed.
    pub fn never_tried(&mut self, report: Report) {
        let told = self.never_tried.as_ref();
        let known = told.is_some_and(|told| {
            (told.slot, told.release, &told.version) == (report.slot, report.release, &report.version)
        });
        if !known {
            self.never_tried = Some(report.clone());
            self.push(report);
        }
    }

    fn push(&mut self, report: Report) {
        if report.event != NEVER_TRIED {
            self.never_tried = None;
        }
        self.queue.push(report);
        let over = self.queue.len().saturating_sub(Reports::LIMIT);
        self.queue.drain(..over);
    }
}

impl Report {
    /// What is told of a line of history; `None`: nobody else's business.
    pub fn of(line: &HistoryLine) -> Option<Report> {
        let told = matches!(
            line.event,
            HistoryEvent::Staged | HistoryEvent::Updated | HistoryEvent::RolledBack | HistoryEvent::FellBack
        );
        told.then(|| Report {
            event: line.event.as_str().to_owned(),
            at: line.at,
            slot: line.slot,
            version: line.version.clone(),
            release: line.release,
            cause: line.cause.clone(),
        })
    }

    /// That a restart did not try what is armed in this slot.
    pub fn of_never_tried(
        at: DateTime<Utc>,
        slot: Slot,
        version: Option<String>,
        release: Option<ReleaseId>,
    ) -> Report {
        Report { event: NEVER_TRIED.to_owned(), at, slot: Some(slot), version, release, cause: None }
    }
}

impl Record for Reports {
    fn format(&self) -> u64 {
        self.format
    }
}

const NEVER_TRIED: &str = "never_tried";
