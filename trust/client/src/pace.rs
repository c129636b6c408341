//! The rate limit: one allowance for all transfers of a transport.

use std::num::NonZeroU64;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Spreads bytes over time.
#[derive(Debug)]
pub(crate) struct Pace {
    limit: Option<NonZeroU64>,
    /// When all bytes so far are paid for.
    paid: Mutex<Option<Instant>>,
}

impl Pace {
    pub(crate) fn new(limit: Option<NonZeroU64>) -> Self {
        Self { limit, paid: Mutex::new(None) }
    }

    /// Waits until `bytes` more are within the limit. Not reading is what slows the sender down.
    pub(crate) async fn spend(&self, bytes: u64) {
        let Some(limit) = self.limit else { return };
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(limit.get());
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let until = {
            let mut paid = self.paid.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let now = Instant::now();
            let until = paid.map_or(now, |paid| paid.max(now)) + cost;
            *paid = Some(until);
            until
        };
        sleep_until(until).await;
    }
}
