//! Feeding the watchdog that the initramfs has started.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
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
        self.start_at(Path::new("/dev/watchdog"), EVERY)
    }

    fn start_at(&self, path: &Path, every: Duration) -> bool {
        let Ok(watchdog) = OpenOptions::new().write(true).open(path) else { return false };
        let starving = Arc::clone(&self.starving);
        thread::spawn(move || feed(&watchdog, &starving, every));
        true
    }

    /// No more food. The file stays open, so nothing takes this for an orderly end.
    pub fn starve(&self) {
        self.starving.store(true, Ordering::Relaxed);
    }
}

fn feed(mut watchdog: &File, starving: &AtomicBool, every: Duration) {
    loop {
        if !starving.load(Ordering::Relaxed) {
            let _ = watchdog.write_all(b"\0");
        }
        thread::sleep(every);
    }
}

/// Well below the shortest timeout that makes sense.
const EVERY: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_fed_until_it_starves() {
        let (folder, every) = (tempfile::tempdir().unwrap(), Duration::from_millis(5));
        let (path, feeder) = (folder.path().join("watchdog"), Feeder::default());
        assert!(!feeder.start_at(&path, every));
        File::create(&path).unwrap();
        assert!(feeder.start_at(&path, every));
        let meals = || std::fs::metadata(&path).unwrap().len();
        while meals() < 3 {
            thread::sleep(every);
        }
        // stop::now() holds a clone.
        feeder.clone().starve();
        thread::sleep(every * 40);
        let last = meals();
        thread::sleep(every * 40);
        assert_eq!(meals(), last);
    }
}
