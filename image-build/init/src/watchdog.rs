//! The watchdog: from here on, a machine in which nothing happens restarts.
#![expect(unsafe_code, reason = "timeouts are set and asked for by ioctl only")]

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::ioctl::{self, Direction, Getter, Opcode, Updater};

use crate::console::say;

/// Opened, and so counting down.
#[derive(Debug)]
pub(crate) struct Watchdog {
    file: File,
    timeout: Timeout,
}

/// When it restarts the machine.
#[derive(Debug)]
enum Timeout {
    /// As the driver has taken it, in seconds, which may be another number than was asked for.
    Set(i32),
    /// The driver's own, in seconds.
    Refused(i32, io::Error),
    /// The driver does not say.
    Unknown(io::Error),
}

impl Watchdog {
    /// `None`: no driver has brought one yet.
    pub(crate) fn open(timeout: Duration) -> io::Result<Option<Watchdog>> {
        match OpenOptions::new().write(true).open(NODE) {
            Ok(file) => Ok(Some(Watchdog::of(file, timeout))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // The node is there before its driver is.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// It counts since it was opened, whatever the driver thinks of our timeout: closing it now would at best leave a
    /// machine without, at worst one that nobody feeds.
    fn of(file: File, timeout: Duration) -> Watchdog {
        let seconds = i32::try_from(timeout.as_secs()).unwrap_or(i32::MAX);
        let timeout = match set_timeout(&file, seconds) {
            Ok(seconds) => Timeout::Set(seconds),
            Err(refused) => match timeout_of(&file) {
                Ok(seconds) => Timeout::Refused(seconds, refused),
                Err(_) => Timeout::Unknown(refused),
            },
        };
        let mut watchdog = Watchdog { file, timeout };
        watchdog.feed();
        watchdog
    }

    /// Starts its count again. Where that fails it restarts the machine, which then has to have been told.
    pub(crate) fn feed(&mut self) {
        if let Err(error) = self.file.write_all(b"\0") {
            say(&format!("failed to feed the watchdog: {error}"));
        }
    }

    /// Feeds from a thread until the answer is dropped, at most for `limit`: while one driver is loaded, or one disk read, nobody
    /// else does.
    pub(crate) fn keep_fed(&self, limit: Duration) -> io::Result<Fed> {
        let mut file = self.file.try_clone()?;
        let (stop, stopped) = mpsc::channel::<()>();
        let end = Instant::now() + limit;
        let thread = thread::Builder::new().spawn(move || {
            while Instant::now() < end && stopped.recv_timeout(FEED_EVERY) == Err(RecvTimeoutError::Timeout) {
                // What it cannot do is said where it is done by hand.
                let _ = file.write_all(b"\0");
            }
        })?;
        Ok(Fed { stop: Some(stop), thread: Some(thread) })
    }

    /// A last meal before the root's init. The file is closed as that one starts, without the magic `V`, so a driver with
    /// magic close goes on counting, and an init that never opens it restarts the machine. A driver without magic close
    /// stops there, and counts again from when the next init opens it.
    pub(crate) fn hand_on(&mut self) {
        self.feed();
    }
}

/// A watchdog that is fed by a thread.
#[derive(Debug)]
pub(crate) struct Fed {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Fed {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Its copy of the file would keep the driver from being handed on.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Display for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.timeout {
            Timeout::Set(seconds) => write!(f, "watchdog: {seconds} s"),
            Timeout::Refused(seconds, error) => {
                write!(f, "watchdog: {seconds} s of its own: failed to set its timeout: {error}")
            }
            Timeout::Unknown(error) => {
                write!(f, "watchdog: counts, for how long is unknown: failed to set its timeout: {error}")
            }
        }
    }
}

/// Answers with the timeout that the driver has made of it.
fn set_timeout(file: &File, mut seconds: i32) -> io::Result<i32> {
    // SAFETY: WDIOC_SETTIMEOUT reads and writes one int, which outlives the call.
    unsafe { ioctl::ioctl(file, Updater::<SET_TIMEOUT, i32>::new(&mut seconds)) }?;
    Ok(seconds)
}

fn timeout_of(file: &File) -> io::Result<i32> {
    // SAFETY: WDIOC_GETTIMEOUT writes one int, which is what the getter makes room for.
    Ok(unsafe { ioctl::ioctl(file, Getter::<GET_TIMEOUT, i32>::new()) }?)
}

/// Shorter than any timeout: a second is the least.
const FEED_EVERY: Duration = Duration::from_millis(400);
const NODE: &str = "/dev/watchdog";
/// `WDIOC_SETTIMEOUT`, `_IOWR('W', 6, int)`
const SET_TIMEOUT: Opcode = ioctl::opcode::from_components(Direction::ReadWrite, b'W', 6, 4);
/// `WDIOC_GETTIMEOUT`, `_IOR('W', 7, int)`
const GET_TIMEOUT: Opcode = ioctl::opcode::from_components(Direction::Read, b'W', 7, 4);

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A file refuses both ioctls, as the poorest driver does.
    #[test]
    fn one_that_refuses_our_timeout_is_kept_and_fed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("watchdog");
        let mut watchdog = Watchdog::of(File::create(&path).unwrap(), Duration::from_mins(1));
        assert_eq!(fs::read(&path).unwrap(), b"\0");
        watchdog.feed();
        watchdog.hand_on();
        // Without a magic V.
        assert_eq!(fs::read(&path).unwrap(), b"\0\0\0");
        assert!(watchdog.to_string().starts_with("watchdog: counts, "), "{watchdog}");
    }

    #[test]
    fn a_thread_feeds_until_it_is_dropped_or_its_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("watchdog");
        let watchdog = Watchdog::of(File::create(&path).unwrap(), Duration::from_mins(1));
        let meals = || fs::read(&path).unwrap().len();
        let fed = watchdog.keep_fed(Duration::from_mins(1)).unwrap();
        let start = Instant::now();
        while meals() < 3 {
            assert!(start.elapsed() < Duration::from_secs(20), "hungry");
            thread::sleep(Duration::from_millis(20));
        }
        drop(fed);
        let before = meals();
        thread::sleep(2 * FEED_EVERY);
        assert_eq!(meals(), before);
        let fed = watchdog.keep_fed(Duration::ZERO).unwrap();
        thread::sleep(2 * FEED_EVERY);
        assert_eq!(meals(), before);
        drop(fed);
    }

    #[test]
    fn the_timeout_that_holds_is_told() {
        let refused = || io::Error::from(io::ErrorKind::InvalidInput);
        for (timeout, told) in [
            (Timeout::Set(60), "watchdog: 60 s"),
            (Timeout::Refused(30, refused()), "watchdog: 30 s of its own: failed to set its timeout: "),
        ] {
            let watchdog = Watchdog { file: File::open("/dev/null").unwrap(), timeout };
            assert!(watchdog.to_string().starts_with(told), "{watchdog}");
        }
    }

    #[test]
    fn opcodes_are_the_headers() {
        assert_eq!((SET_TIMEOUT, GET_TIMEOUT), (0xc004_5706, 0x8004_5707));
    }
}
