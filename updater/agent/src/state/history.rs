//! `history.jsonl`, bounded.

use std::sync::PoisonError;

use updater_core::records::HistoryLine;

use super::{Error, State, file};
use crate::Result;

/// Lines kept; at one update a week, four years of them.
const HISTORY_LIMIT: usize = 500;

impl State {
    /// What happened, oldest first. Lines that make no sense are left out, with a note.
    pub fn history(&self) -> Vec<HistoryLine> {
        let mut unreadable = 0;
        let lines = self.history_text();
        let lines = lines.lines().filter(|line| !line.trim().is_empty()).filter_map(|line| {
            let read = serde_json::from_str(line).ok();
            unreadable += usize::from(read.is_none());
            read
        });
        let lines = lines.collect();
        if unreadable > 0 {
            let path = self.path(NAME);
            self.note(format!("{unreadable} lines of {} make no sense and are left out", path.display()));
        }
        lines
    }

    /// Adds a line, durably. Lines beyond [`HISTORY_LIMIT`] go, the oldest first; those that this version cannot read are
    /// kept as they are.
    pub fn add_history(&self, line: &HistoryLine) -> Result<()> {
        self.alone(|| self.append_history(line))
    }

    /// The same, for who is alone already.
    pub(super) fn append_history(&self, line: &HistoryLine) -> Result<()> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
        let path = self.path(NAME);
        let line =
            serde_json::to_string(line).map_err(|source| Error::Encode { path: path.clone(), source })?;
        let old = self.history_text();
        let mut lines: Vec<&str> = old.lines().filter(|line| !line.trim().is_empty()).collect();
        lines.push(&line);
        let over = lines.len().saturating_sub(HISTORY_LIMIT);
        let mut text = lines.get(over..).unwrap_or_default().join("\n");
        text.push('\n');
        Ok(file::write(&path, text.as_bytes())?)
    }

    fn history_text(&self) -> String {
        match file::read(&self.path(NAME)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned(),
            Err(error) => {
                self.note(crate::answer::chain(&error));
                String::new()
            }
        }
    }
}

const NAME: &str = "history.jsonl";
