//! `reports.json`: what is still to be told to the collector of reports.

use updater_core::records::{Report, Reports};

use super::State;
use crate::Result;

impl State {
    /// What waits; `None`: this host has not begun to tell.
    pub fn reports(&self) -> Option<Reports> {
        self.read(NAME)
    }

    /// Begins to tell, from now on.
    pub fn begin_reports(&self) -> Result<()> {
        self.alone(|| match self.reports() {
            Some(_) => Ok(()),
            None => self.write(NAME, &Reports::begin(&self.history())),
        })
    }

    /// Takes up what the history has since, and `never_tried`.
    pub fn collect_reports(&self, never_tried: Option<Report>) -> Result<Reports> {
        self.alone(|| {
            let history = self.history();
            let before = self.reports();
            let mut reports = before.clone().unwrap_or_else(|| Reports::begin(&history));
            reports.collect(&history);
            if let Some(report) = never_tried {
                reports.never_tried(report);
            }
            if before.as_ref() != Some(&reports) {
                self.write(NAME, &reports)?;
            }
            Ok(reports)
        })
    }

    /// This one was taken.
    pub fn took_report(&self, report: &Report) -> Result<()> {
        self.alone(|| {
            let Some(mut reports) = self.reports() else { return Ok(()) };
            let Some(place) = reports.queue.iter().position(|waiting| waiting == report) else {
                return Ok(());
            };
            reports.queue.remove(place);
            self.write(NAME, &reports)
        })
    }
}

const NAME: &str = "reports.json";
