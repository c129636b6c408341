//! Lines on the console.

use std::io::Write;

/// Says one. A console that takes no more must not end PID 1, as a failing `println!` would.
pub(crate) fn say(line: &str) {
    say_to(std::io::stdout(), line);
}

/// In one piece, so that two speakers do not mix within a line.
fn say_to(mut console: impl Write, line: &str) {
    let _ = console.write_all(format!("{line}\n").as_bytes());
    let _ = console.flush();
}

#[cfg(test)]
mod tests {
    use std::io::PipeWriter;

    use super::*;

    #[test]
    fn a_console_that_is_gone_stops_nothing() {
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let mut write: PipeWriter = write;
        assert!(write.write_all(b"x").is_err());
        say_to(write, "TINY ready");
    }

    #[test]
    fn a_line_ends_as_one() {
        let mut console = Vec::new();
        say_to(&mut console, "TINY ready");
        assert_eq!(console, b"TINY ready\n");
    }
}
