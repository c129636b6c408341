//! Time since the start, from the processor's own counter: the firmware has none that counts below a second.

use core::time::Duration;

/// A running clock.
pub(super) struct Clock {
    start: u64,
    hertz: Option<u64>,
}

impl Clock {
    pub(super) fn start() -> Clock {
        Clock { start: ticks(), hertz: None }
    }

    pub(super) fn elapsed(&mut self) -> Duration {
        let now = ticks();
        let hertz = *self.hertz.get_or_insert_with(hertz);
        let passed = u128::from(now.saturating_sub(self.start)) * 1_000_000 / u128::from(hertz.max(1));
        Duration::from_micros(u64::try_from(passed).unwrap_or(u64::MAX))
    }
}

/// The time stamp counter.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "there is no safe way to read a processor's counter")]
fn ticks() -> u64 {
    // SAFETY: every x86_64 processor has the counter, and firmware runs where it may be read.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Measured against the firmware's wait: what the processor says about itself is missing in many of them.
#[cfg(target_arch = "x86_64")]
fn hertz() -> u64 {
    let before = ticks();
    uefi::boot::stall(Duration::from_millis(MEASURED_MILLIS));
    ticks().saturating_sub(before) * (1000 / MEASURED_MILLIS)
}

#[cfg(target_arch = "x86_64")]
const MEASURED_MILLIS: u64 = 5;

/// The generic timer's virtual counter.
#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "there is no safe way to read a processor's counter")]
fn ticks() -> u64 {
    let ticks: u64;
    // SAFETY: reads a register that every ARMv8 processor has and UEFI leaves readable; touches nothing else.
    unsafe { core::arch::asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack)) };
    ticks
}

/// As the firmware has set it.
#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "there is no safe way to read a processor's counter")]
fn hertz() -> u64 {
    let hertz: u64;
    // SAFETY: as for `ticks`.
    unsafe { core::arch::asm!("mrs {}, cntfrq_el0", out(reg) hertz, options(nomem, nostack)) };
    hertz
}
