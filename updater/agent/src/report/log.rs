//! The log: text for people, one JSON object a line where progress is JSON too.

use std::io::{self, IsTerminal, Write};

use serde_json::json;
use tracing::Level;

/// Logs to stderr from this level up. A second call in one process keeps the first one's logger.
pub fn log(level: Level, as_json: bool) {
    let logger = tracing_subscriber::fmt().with_max_level(level).with_target(false);
    let _ = if as_json {
        logger.with_ansi(false).with_level(false).without_time().with_writer(|| JsonLines).try_init()
    } else {
        logger.with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).try_init()
    };
}

/// Makes each line of the log a JSON object. The logger hands over whole lines.
struct JsonLines;

impl Write for JsonLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        writeln!(io::stderr().lock(), "{}", json!({ "event": "log", "message": text.trim_end() }))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
