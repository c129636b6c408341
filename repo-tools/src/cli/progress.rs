//! Progress on standard error: a bar on a terminal, a line every tenth elsewhere, JSON lines with `--json`.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::answer::Form;

/// One bar for one file after the other.
#[derive(Debug)]
pub(super) struct Bar {
    form: Form,
    terminal: Option<ProgressBar>,
    what: String,
    tenth: u64,
}

impl Bar {
    pub(super) fn new(form: Form) -> Self {
        let terminal = (form == Form::Text && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template(
                "{msg:>8} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            );
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { form, terminal, what: String::new(), tenth: 0 }
    }

    pub(super) fn at(&mut self, what: &str, done: u64, total: u64) {
        if self.what != what {
            what.clone_into(&mut self.what);
            self.tenth = 0;
            if let Some(bar) = &self.terminal {
                bar.reset();
                bar.set_message(self.what.clone());
                bar.set_length(total);
            }
        }
        if let Some(bar) = &self.terminal {
            bar.set_position(done);
            return;
        }
        let tenth = done.saturating_mul(10).checked_div(total).unwrap_or(10);
        if tenth <= self.tenth {
            return;
        }
        self.tenth = tenth;
        let line = match self.form {
            Form::Text => format!("{what}: {done} of {total} bytes"),
            Form::Json => json!({ "progress": what, "bytes": done, "total": total }).to_string(),
        };
        // Progress is a courtesy; a closed stream is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.terminal {
            bar.finish_and_clear();
        }
    }
}
