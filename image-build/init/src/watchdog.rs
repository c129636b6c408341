//! The watchdog: from here on, a machine in which nothing happens restarts.
#![expect(unsafe_code, reason = "a timeout is set by ioctl only")]

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::time::Duration;

use rustix::ioctl::{self, Direction, Opcode, Updater};

/// Opened, and so counting down.
#[derive(Debug)]
pub(crate) struct Watchdog(File);

impl Watchdog {
    /// `None`: no driver has brought one yet.
    pub(crate) fn open(timeout: Duration) -> Option<io::Result<Watchdog>> {
        match OpenOptions::new().write(true).open(NODE) {
            Ok(file) => Some(Watchdog(file).set(timeout)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // The node is there before its driver is.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => None,
            Err(error) => Some(Err(error)),
        }
    }

    fn set(mut self, timeout: Duration) -> io::Result<Watchdog> {
        let mut seconds = i32::try_from(timeout.as_secs()).unwrap_or(i32::MAX);
        // SAFETY: WDIOC_SETTIMEOUT reads and writes one int, which outlives the call.
        unsafe { ioctl::ioctl(&self.0, Updater::<SET_TIMEOUT, i32>::new(&mut seconds)) }?;
        self.feed()?;
        Ok(self)
    }

    /// Starts its count again.
    pub(crate) fn feed(&mut self) -> io::Result<()> {
        self.0.write_all(b"\0")
    }

    /// Lets the root's init open it. Closing without the magic `V` does not stop it: if that init never gets so far, the
    /// machine restarts.
    pub(crate) fn hand_on(mut self) {
        let _ = self.feed();
    }
}

const NODE: &str = "/dev/watchdog";
/// `WDIOC_SETTIMEOUT`, `_IOWR('W', 6, int)`
const SET_TIMEOUT: Opcode = ioctl::opcode::from_components(Direction::ReadWrite, b'W', 6, 4);
