//! The end of a selector with a bug: message, 30 s, cold reset. A failed allocation comes here too.
//!
//! The `uefi` crate's own handler powers the machine off, and nobody would be there to switch it on.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU8, Ordering};

use uefi::Status;
use uefi::runtime::{self, ResetType};
use updog_boot::RESTART_AFTER;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    static TIMES: AtomicU8 = AtomicU8::new(0);
    match TIMES.fetch_add(1, Ordering::Relaxed) {
        0 => {}
        // Saying so has failed as well; no loop is faster than the wait.
        1 => {
            super::stall(RESTART_AFTER);
            runtime::reset(ResetType::COLD, Status::ABORTED, None);
        }
        _ => runtime::reset(ResetType::COLD, Status::ABORTED, None),
    }
    let place = info.location().map_or(("?", 0), |place| (place.file(), place.line()));
    super::restart(format_args!("this is a bug in updog-boot: {} ({}:{})", info.message(), place.0, place.1))
}
