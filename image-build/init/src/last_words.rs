//! What the kernel says last, kept over a restart.

use std::fs;

use crate::console::say;

/// Lets any restart leave the kernel's last lines in pstore, as a panic does: dm-verity restarts the machine on a bad
/// block, and the other slot should be able to tell that from a hang. Only when the other slot may be next, since each
/// such record is written to the firmware's flash.
pub(crate) fn keep_on_restart() {
    if let Err(error) = fs::write(ALWAYS, "Y") {
        say(&format!("a restart will not tell why: failed to write {ALWAYS}: {error}"));
    }
}

const ALWAYS: &str = "/sys/module/printk/parameters/always_kmsg_dump";
