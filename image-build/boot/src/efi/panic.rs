//! The end of a selector with a bug: message, 30 s, cold reset. A failed allocation comes here too.
//!
//! The `uefi` crate's own handler powers the machine off, and nobody would be there to switch it on.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use uefi::Status;
use uefi::runtime::{self, ResetType};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    static AGAIN: AtomicBool = AtomicBool::new(false);
    if AGAIN.swap(true, Ordering::Relaxed) {
        // Saying so or waiting has failed as well.
        runtime::reset(ResetType::COLD, Status::ABORTED, None);
    }
    let place = info.location().map_or(("?", 0), |place| (place.file(), place.line()));
    super::restart(format_args!("this is a bug in updog-boot: {} ({}:{})", info.message(), place.0, place.1))
}
