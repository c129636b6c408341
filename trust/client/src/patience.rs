//! When to try again, and how long to wait before.

use std::time::Duration;

use crate::config::TransportConfig;

/// The tries that are left for one transfer.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    retries: u32,
    backoff: Duration,
    longest_wait: Duration,
    failed: u32,
    since_failure: u64,
}

/// A transfer that got this far since the last failure starts with fresh tries. Much less would let a server that
/// cuts after every byte hold a host for ever.
const PROGRESS: u64 = 64 * 1024;

impl Patience {
    pub(crate) fn new(config: &TransportConfig) -> Self {
        let TransportConfig { retries, backoff, longest_wait, .. } = *config;
        Self { retries, backoff, longest_wait, failed: 0, since_failure: 0 }
    }

    /// Bytes came that had not come before.
    pub(crate) fn progress(&mut self, bytes: u64) {
        self.since_failure = self.since_failure.saturating_add(bytes);
        if self.since_failure >= PROGRESS {
            self.failed = 0;
        }
    }

    /// A try failed: the pause before the next one, or `None` to give up. `jitter` is any number; it spreads hosts
    /// that failed together.
    pub(crate) fn after_failure(&mut self, asked: Option<Duration>, jitter: u64) -> Option<Duration> {
        if self.failed >= self.retries || asked.is_some_and(|wait| wait > self.longest_wait) {
            return None;
        }
        let full = self.backoff.saturating_mul(1 << self.failed.min(16)).min(self.longest_wait);
        self.failed += 1;
        self.since_failure = 0;
        // Between half and all of the pause; a server's wish is a floor.
        let half = full / 2;
        let spread = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).saturating_add(1);
        let pause = half + Duration::from_micros(jitter % spread);
        Some(asked.map_or(pause, |wait| wait + pause.min(Duration::from_secs(1))))
    }
}

/// Kernel randomness for jitter; none is no reason to fail.
pub(crate) fn jitter() -> u64 {
    getrandom::u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(retries: u32) -> Patience {
        Patience::new(&TransportConfig { retries, ..TransportConfig::default() })
    }

    #[test]
    fn pauses_grow_and_stay_within_half_and_full() {
        let mut patience = patience(12);
        let mut full = Duration::from_millis(250);
        for n in 0..12 {
            let pause = patience.after_failure(None, n * 7919).expect("a try is left");
            assert!(pause >= full / 2 && pause <= full, "{n}: {pause:?} of {full:?}");
            full = (full * 2).min(Duration::from_mins(1));
        }
        assert_eq!(patience.after_failure(None, 0), None);
    }

    #[test]
    fn progress_gives_fresh_tries_but_a_trickle_does_not() {
        let mut patience = patience(2);
        for _ in 0..100 {
            patience.progress(PROGRESS);
            assert!(patience.after_failure(None, 0).is_some());
        }
        patience.progress(PROGRESS - 1);
        assert!(patience.after_failure(None, 0).is_some());
        patience.progress(1);
        assert!(patience.after_failure(None, 0).is_none());
    }

    #[test]
    fn a_servers_wish_is_a_floor_and_has_a_limit() {
        assert!(patience(1).after_failure(Some(Duration::from_secs(7)), 3) >= Some(Duration::from_secs(7)));
        assert_eq!(patience(1).after_failure(Some(Duration::from_secs(61)), 3), None);
    }
}
