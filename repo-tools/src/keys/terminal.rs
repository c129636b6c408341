//! Asks a person without showing what is typed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use crate::keys::secret::Secret;

/// Asks on the controlling terminal, whatever standard input is; `None` when there is none.
pub(super) fn ask(prompt: &str) -> io::Result<Option<Secret>> {
    let Ok(mut terminal) = OpenOptions::new().read(true).write(true).open("/dev/tty") else {
        return Ok(None);
    };
    let quiet = Quiet::on(&terminal)?;
    terminal.write_all(prompt.as_bytes())?;
    let typed = line(&mut terminal);
    drop(quiet);
    terminal.write_all(b"\n")?;
    typed.map(Some)
}

/// No echo, no line editing and no signals by the terminal, so that Ctrl-C comes as a byte and the echo comes back.
#[derive(Debug)]
struct Quiet {
    terminal: File,
    before: Termios,
}

impl Quiet {
    fn on(terminal: &File) -> io::Result<Self> {
        let terminal = terminal.try_clone()?;
        let before = tcgetattr(&terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nobody is left to tell when the terminal is gone.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// Reads bytes as they are typed up to Enter; backspace and Ctrl-U take back.
fn line(terminal: &mut impl Read) -> io::Result<Secret> {
    // Never grows, so that no copy stays behind.
    let mut typed = zeroize::Zeroizing::new(Vec::with_capacity(MAX_TYPED));
    let mut byte = [0];
    while terminal.read(&mut byte)? == 1 {
        match byte[0] {
            b'\r' | b'\n' => break,
            CTRL_C => return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted by Ctrl-C")),
            CTRL_D if typed.is_empty() => break,
            CTRL_U => typed.clear(),
            BACKSPACE | DELETE => {
                // A letter of several bytes goes as one.
                while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            other if typed.len() < MAX_TYPED => typed.push(other),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "too much was typed")),
        }
    }
    Ok(Secret::new(typed.to_vec()))
}

const MAX_TYPED: usize = 1024;
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const BACKSPACE: u8 = 8;
const CTRL_U: u8 = 21;
const DELETE: u8 = 127;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_as_at_a_shell() {
        for (typed, expected) in [
            ("abc\n", "abc"),
            ("abc\rdef", "abc"),
            ("abx\x7fc\n", "abc"),
            ("a\u{fc}\x7fbc\n", "abc"),
            ("\x7f\x08abc\n", "abc"),
            ("wrong\x15abc\n", "abc"),
            ("\x04abc\n", ""),
            ("abc", "abc"),
        ] {
            assert_eq!(line(&mut typed.as_bytes()).unwrap().expose(), expected.as_bytes(), "{typed:?}");
        }
        assert!(line(&mut "ab\x03".as_bytes()).is_err());
        assert!(line(&mut "x".repeat(MAX_TYPED + 1).as_bytes()).is_err());
    }
}
