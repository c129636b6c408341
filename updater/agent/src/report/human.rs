//! Events for people: a bar on a terminal, plain lines elsewhere.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Event, Reporter, Step};

/// Lines and bars on stderr.
pub struct Human {
    shown: Mutex<Shown>,
    terminal: bool,
}

impl Human {
    /// A bar when stderr is a terminal, lines otherwise.
    pub fn new() -> Human {
        Human { shown: Mutex::default(), terminal: io::stderr().is_terminal() }
    }
}

impl Default for Human {
    fn default() -> Human {
        Human::new()
    }
}

impl fmt::Debug for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Human").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

impl Reporter for Human {
    fn event(&self, event: &Event) {
        let Ok(mut shown) = self.shown.lock() else { return };
        match event {
            Event::Step { message, .. } => {
                shown.end_bar();
                say(&format!("{message}."));
            }
            // The steps that take time say so themselves; what was done is in the answer.
            Event::Next { .. } => {}
            Event::Note { message } => match &shown.bar {
                Some((_, bar)) => bar.suspend(|| say(&format!("note: {message}."))),
                None => say(&format!("note: {message}.")),
            },
            Event::Progress { step, done, total, .. } if self.terminal => {
                let bar = shown.bar(*step, *total);
                bar.set_position(*done);
                if done >= total {
                    shown.end_bar();
                }
            }
            Event::Progress { step, done, total, .. } => {
                if let Some(line) = shown.pace.line((*step, *done, *total), Instant::now()) {
                    say(&line);
                }
            }
        }
    }
}

#[derive(Default)]
struct Shown {
    bar: Option<(Step, ProgressBar)>,
    pace: Pace,
}

impl Shown {
    fn bar(&mut self, step: Step, total: u64) -> &ProgressBar {
        if self.bar.as_ref().is_some_and(|(of, _)| *of != step) {
            self.end_bar();
        }
        let (_, bar) = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template(BAR) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix(step.name());
            (step, bar)
        });
        bar.set_length(total);
        bar
    }

    fn end_bar(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish();
        }
    }
}

/// Thins progress out and measures it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    step: Option<Step>,
    start: Option<(Instant, u64)>,
    last: Option<Instant>,
    tenth: u64,
}

/// How fast it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measured {
    /// Bytes a second since the step began; `None` in its first moments.
    pub(super) rate: Option<u64>,
    /// Seconds left at this rate.
    pub(super) left_secs: Option<u64>,
}

impl Pace {
    /// The measure, when this progress is worth a line: the first, the last, and five a second between them.
    pub(super) fn tick(&mut self, at: (Step, u64, u64), now: Instant) -> Option<Measured> {
        let (step, done, total) = at;
        if self.step != Some(step) {
            *self = Pace { step: Some(step), start: Some((now, done)), ..Pace::default() };
        }
        let due = self.last.is_none_or(|last| now.duration_since(last) >= JSON_EVERY) || done >= total;
        if !due {
            return None;
        }
        self.last = Some(now);
        Some(self.measure((done, total), now))
    }

    /// A plain line for every tenth of the whole.
    fn line(&mut self, at: (Step, u64, u64), now: Instant) -> Option<String> {
        let (step, done, total) = at;
        let known = self.step == Some(step);
        let measured = self.tick(at, now);
        let tenth = done.saturating_mul(10).checked_div(total).unwrap_or(10);
        if known && tenth == self.tenth {
            return None;
        }
        self.tenth = tenth;
        let measured = measured.unwrap_or_else(|| self.measure((done, total), now));
        let mut line = format!("{}: {} of {}", step.name(), HumanBytes(done), HumanBytes(total));
        if let Some(rate) = measured.rate {
            // Writing to a String cannot fail.
            let _ = write!(line, ", {}/s", HumanBytes(rate));
        }
        if let Some(left) = measured.left_secs.filter(|_| done < total) {
            let _ = write!(line, ", {} left", HumanDuration(Duration::from_secs(left)));
        }
        line.push('.');
        Some(line)
    }

    fn measure(&self, at: (u64, u64), now: Instant) -> Measured {
        let (done, total) = at;
        let rate = self.start.and_then(|(start, from)| {
            let millis = u64::try_from(now.duration_since(start).as_millis()).ok()?;
            let since = done.saturating_sub(from);
            (millis >= 200 && since > 0).then(|| since.saturating_mul(1000) / millis)
        });
        let left_secs = rate.and_then(|rate| total.saturating_sub(done).checked_div(rate));
        Measured { rate, left_secs }
    }
}

fn say(line: &str) {
    // Nobody reading stderr is no reason to stop an update.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

const BAR: &str = "{prefix:>6} [{bar:30}] {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
const JSON_EVERY: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_thinned_out_and_measured() {
        let start = Instant::now();
        let mut pace = Pace::default();
        let mut lines = Vec::new();
        for step in 0..=1000_u64 {
            let now = start + Duration::from_millis(step * 4);
            lines.extend(pace.line((Step::Write, step << 20, 1000 << 20), now));
        }
        assert_eq!(lines.len(), 11, "{lines:#?}");
        assert_eq!(lines[0], "write: 0 B of 1000.00 MiB.");
        assert_eq!(lines[5], "write: 500.00 MiB of 1000.00 MiB, 250.00 MiB/s, 2 seconds left.");
        assert_eq!(lines[10], "write: 1000.00 MiB of 1000.00 MiB, 250.00 MiB/s.");
    }

    #[test]
    fn a_new_step_starts_its_own_clock() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert!(pace.tick((Step::Write, 5, 10), start).is_some());
        assert!(pace.tick((Step::Write, 6, 10), start).is_none());
        assert!(pace.tick((Step::Write, 10, 10), start).is_some());
        let later = start + Duration::from_hours(1);
        assert_eq!(pace.tick((Step::Verify, 0, 10), later), Some(Measured { rate: None, left_secs: None }));
    }

    #[test]
    fn an_empty_whole_is_done() {
        assert!(Pace::default().line((Step::Write, 0, 0), Instant::now()).is_some());
    }
}
