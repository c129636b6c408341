//! Restart and power off, in order: programs first, then file systems, then the machine.
#![expect(unsafe_code, reason = "no safe wrapper signals every process at once")]

use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::sync;
use rustix::mount::{UnmountFlags, unmount};
use rustix::process::{Pid, Signal, kill_process};
use rustix::system::{RebootCommand, reboot};
use signal_hook::consts::{SIGTERM, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::say::say;
use crate::watchdog::Feeder;

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// And begins again.
    Restart,
    /// For good.
    PowerOff,
}

/// Asks PID 1: SIGTERM for a restart, SIGUSR2 for power off, as small inits do.
pub fn ask(stop: Stop) -> Result<(), String> {
    let signal = match stop {
        Stop::Restart => Signal::TERM,
        Stop::PowerOff => Signal::USR2,
    };
    kill_process(Pid::INIT, signal).map_err(|errno| format!("failed to signal PID 1: {errno}"))
}

/// PID 1's ear for [`ask()`].
pub fn listen(feeder: &Feeder) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGUSR2])?;
    let feeder = feeder.clone();
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            now(if signal == SIGUSR2 { Stop::PowerOff } else { Stop::Restart }, &feeder);
        }
    });
    Ok(())
}

/// Stops the machine. From here on nobody feeds the watchdog, so that a disk on which the last writes hang ends in a reset.
pub fn now(stop: Stop, feeder: &Feeder) -> ! {
    feeder.starve();
    match stop {
        Stop::Restart => say("TINY restart"),
        Stop::PowerOff => say("TINY power off"),
    }
    // SAFETY: kill(2) with -1 signals every process but this one; no memory is involved.
    unsafe { libc::kill(-1, libc::SIGTERM) };
    thread::sleep(BETWEEN_SIGNALS);
    // SAFETY: as above.
    unsafe { libc::kill(-1, libc::SIGKILL) };
    sync();
    for folder in ["/var/lib/updog", "/var", "/private"] {
        // Lazy: whoever still holds a file there is about to be gone too.
        let _ = unmount(Path::new(folder), UnmountFlags::DETACH);
    }
    sync();
    let command = match stop {
        Stop::Restart => RebootCommand::Restart,
        Stop::PowerOff => RebootCommand::PowerOff,
    };
    loop {
        if let Err(errno) = reboot(command) {
            say(&format!("TINY the kernel refuses to stop: {errno}"));
        }
        thread::sleep(Duration::from_secs(1));
    }
}

const BETWEEN_SIGNALS: Duration = Duration::from_millis(200);
