//! One line at a time, on whatever the firmware calls its console: screen and serial line.

use core::fmt::{self, Write as _};

use uefi::{system, table};

/// Shows a line. A console that fails, or none at all, stops nothing.
#[expect(
    unsafe_code,
    reason = "a missing console shows in the system table only, and asking for it would panic"
)]
pub(super) fn say(line: fmt::Arguments<'_>) {
    // SAFETY: the firmware's table stays valid until a kernel takes over, and then nothing of this runs any more.
    let has_console = table::system_table_raw().is_some_and(|table| unsafe {
        let table = table.as_ref();
        !table.stdout.is_null() && !table.boot_services.is_null()
    });
    if has_console {
        system::with_stdout(|console| {
            let _ = console.write_fmt(format_args!("updog-boot: {line}\n"));
        });
    }
}
