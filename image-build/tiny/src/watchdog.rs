//! Feeding the watchdog that the initramfs has started.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Fed by a thread of its own, until it is told to stop.
#[derive(Clone, Debug, Default)]
pub struct Feeder {
    starving: Arc<AtomicBool>,
}

impl Feeder {
    /// Starts feeding; `false`: there is no watchdog.
    pub fn start(&self) -> bool {
        let Ok(watchdog) = OpenOptions::new().write(true).open("/dev/watchdog") else { return false };
        let starving = Arc::clone(&self.starving);
        thread::spawn(move || feed(&watchdog, &starving));
        true
    }

    /// No more food. The file stays open, so nothing takes this for an orderly end.
    pub fn starve(&self) {
        self.starving.store(true, Ordering::Relaxed);
    }
}

fn feed(mut watchdog: &File, starving: &AtomicBool) {
    loop {
        if !starving.load(Ordering::Relaxed) {
            let _ = watchdog.write_all(b"\0");
        }
        thread::sleep(EVERY);
    }
}

/// Well below the shortest timeout that makes sense.
const EVERY: Duration = Duration::from_secs(2);
