//! Events as JSON lines on stderr.

use std::io::{self, Write};
use std::sync::Mutex;
use std::time::Instant;

use serde::Serialize;

use super::human::Pace;
use super::{Event, Reporter};

/// One JSON object a line; progress at most five times a second, with `rate` in bytes a second and `left_secs`.
#[derive(Debug, Default)]
pub struct Json {
    pace: Mutex<Pace>,
}

impl Reporter for Json {
    fn event(&self, event: &Event) {
        let mut line = Line { event, rate: None, left_secs: None };
        if let Event::Progress { step, done, total, .. } = *event {
            let Ok(mut pace) = self.pace.lock() else { return };
            let Some(measured) = pace.tick((step, done, total), Instant::now()) else { return };
            line.rate = measured.rate;
            line.left_secs = measured.left_secs;
        }
        let Ok(mut text) = serde_json::to_string(&line) else { return };
        text.push('\n');
        // Nobody reading stderr is no reason to stop an update.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_secs: Option<u64>,
}
