//! `watch`: follows the daemon's events, for people and for scripts.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use chrono::TimeDelta;
use indicatif::HumanBytes;
use partition_disk::said;
use rustix::event::{PollFd, PollFlags, poll};
use serde_json::{Value, json};
use updater_core::seconds;

use super::clock::Clock;
use crate::answer::Answer;
use crate::cli::Global;
use crate::{Context, Error, Result};

/// Prints each event until the daemon ends or a signal comes: a line each; with `--json` one object a line.
pub(crate) fn run(ctx: &Context<'_>, global: &Global) -> Result<Answer> {
    let path = &ctx.config.serve.socket;
    let failed = |source| Error::Unserved { path: path.clone(), source };
    let stream = UnixStream::connect(path).map_err(failed)?;
    // Of HTTP 1.0, so that the events come as they are, without lengths between them.
    (&stream).write_all(b"GET /v1/events HTTP/1.0\r\nhost: updog\r\n\r\n").map_err(failed)?;
    let mut lines = Lines { stream: &stream, ctx, rest: Vec::new() };
    let status = lines.next().map_err(failed)?.unwrap_or_default();
    if !status.contains(" 200 ") {
        return Err(Error::Unserved { path: path.clone(), source: std::io::Error::other(refusal(&status)) });
    }
    while lines.next().map_err(failed)?.is_some_and(|line| !line.is_empty()) {}
    let clock = Clock::new(global.clock);
    let (mut name, mut id) = (String::new(), None::<String>);
    let mut tenth = None;
    while let Some(line) = lines.next().map_err(failed)? {
        match line.split_once(": ") {
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("event", value)) => value.clone_into(&mut name),
            Some(("data", value)) => {
                let data: Value = serde_json::from_str(value).unwrap_or_default();
                let written = if global.json {
                    said::line(&json!({ "event": name, "id": id, "data": data }).to_string())
                } else if let Some(text) = shown(&name, &data, &mut tenth) {
                    let at = seconds(clock.now());
                    text.lines().try_for_each(|line| said::line(&format!("{at} {line}")))
                } else {
                    Ok(())
                };
                match written {
                    Ok(()) => id = None,
                    Err(error) if said::is_gone(&error) => {
                        return Ok(Answer::done("nobody reads on", Value::Null));
                    }
                    Err(error) => return Err(Error::Unsaid(error)),
                }
            }
            _ => {}
        }
    }
    if ctx.interrupt.raised() {
        return Ok(Answer::done("ended by a signal", Value::Null));
    }
    Err(Error::Unserved { path: path.clone(), source: std::io::Error::other("the daemon has ended") })
}

fn refusal(status: &str) -> String {
    match status.split(' ').nth(1) {
        Some("403") => "this user may not".to_owned(),
        _ => format!("expected 200, found {status:?}"),
    }
}

/// A line for people; `None`: nothing new.
fn shown(name: &str, data: &Value, tenth: &mut Option<(String, u64)>) -> Option<String> {
    let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |key: &str| data.get(key).and_then(Value::as_u64);
    Some(match name {
        "started" => format!("started: {}", text("work")),
        "status" | "step" | "note" => text("message").to_owned(),
        "ended" => {
            let exit = data.get("exit").and_then(Value::as_i64);
            let exit = exit.map_or_else(|| "by a signal".to_owned(), |exit| format!("{exit}"));
            format!("ended: {} ({exit}): {}", text("work"), text("message").replace('\n', "; "))
        }
        "history" => {
            let cause = data.get("cause").and_then(Value::as_str);
            let why = cause.map_or_else(String::new, |cause| format!(" ({cause})"));
            format!("{}: {} slot {}{why}", text("event"), text("version"), text("slot"))
        }
        "progress" => {
            let (done, total) = number("done").zip(number("total"))?;
            let now = (text("step").to_owned(), done.saturating_mul(10).checked_div(total)?);
            if tenth.replace(now.clone()).as_ref() == Some(&now) {
                return None;
            }
            let rate = number("rate").map_or_else(String::new, |rate| format!(", {}/s", HumanBytes(rate)));
            let left = number("left_secs").and_then(|secs| TimeDelta::try_seconds(i64::try_from(secs).ok()?));
            let left = left.map_or_else(String::new, |left| format!(", {} s left", left.num_seconds()));
            format!("{}: {} of {}{rate}{left}", now.0, HumanBytes(done), HumanBytes(total))
        }
        "missed" => number("count").map_or_else(
            || "some events are kept no more".to_owned(),
            |count| format!("{count} events came too fast"),
        ),
        _ => return None,
    })
}

/// Lines of the stream, as they come; a signal ends them.
struct Lines<'a> {
    stream: &'a UnixStream,
    ctx: &'a Context<'a>,
    rest: Vec<u8>,
}

impl Lines<'_> {
    fn next(&mut self) -> std::io::Result<Option<String>> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            if self.rest.len() > LINE_MAX {
                return Err(std::io::Error::other("a line that does not end"));
            }
            // A signal ends the wait here, and nothing else of it.
            let mut wait = [PollFd::new(self.stream, PollFlags::IN)];
            let waited = poll(&mut wait, None);
            if self.ctx.interrupt.raised() {
                return Ok(None);
            }
            match waited {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let mut piece = [0; 4096];
            let read = self.stream.read(&mut piece)?;
            if read == 0 {
                return Ok(None);
            }
            self.rest.extend_from_slice(piece.get(..read).unwrap_or_default());
        }
    }
}

/// Bytes of a line: a status with all its data.
const LINE_MAX: usize = 16 << 20;
