//! How long the host has been up.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Since it was started, by a clock that nobody sets and that goes on while the host is suspended.
pub(crate) fn uptime() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}
