//! Booting a state, and what must then stand on the console.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use partition_core::Slot;

use crate::vm::{Attach, Firmware, Kind, Machine, Setup};

/// Boots the disk; what it writes is thrown away.
pub(super) fn boot(disk: &Path, slot: Slot, release: &str) -> Result<()> {
    let firmware = Firmware::new(Kind::X86_64, disk.with_extension("vars.fd"), None)?;
    let attach = Attach::Snapshot;
    let setup = Setup { disk, attach, firmware: &firmware, memory: 512, port: None, limit: LIMIT };
    let mut machine = Machine::start(&setup)?;
    machine.wait_for("TINY ready")?;
    came_up(machine.console(), slot, release)
}

/// The slot that `choose` named on the host came up with its release, and healthy, on file systems that mount.
fn came_up(console: &str, slot: Slot, release: &str) -> Result<()> {
    let lines = || console.lines().map(str::trim);
    let up = format!("TINY up slot={slot} version={release} ");
    ensure!(lines().any(|line| line.starts_with(&up)), "expected {up:?} on the console");
    for wanted in ["TINY health exit=0", "TINY ready"] {
        ensure!(lines().any(|line| line == wanted), "expected {wanted:?} on the console");
    }
    let volatile = lines().find(|line| line.starts_with("TINY volatile"));
    ensure!(volatile.is_none(), "a file system did not come back: {}", volatile.unwrap_or_default());
    Ok(())
}

/// One boot under emulation takes 15 to 25 s on two idle cores.
const LIMIT: Duration = Duration::from_mins(3);

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "updog-boot: slot B starts: …\r\nTINY up slot=B version=1.1.0 boot=0f\r\nTINY | slot B (1.1.0) \
                           confirmed\r\nTINY health exit=0\r\nTINY ready\r\n";

    #[test]
    fn silence_and_bad_news_are_failures() {
        came_up(CONSOLE, Slot::B, "1.1.0").unwrap();
        assert!(came_up("", Slot::B, "1.1.0").is_err());
        assert!(came_up(CONSOLE, Slot::A, "1.1.0").is_err());
        assert!(came_up(CONSOLE, Slot::B, "1.0.0").is_err());
        assert!(came_up(&CONSOLE.replace("exit=0", "exit=12"), Slot::B, "1.1.0").is_err());
        assert!(came_up(&CONSOLE.replace("TINY ready", ""), Slot::B, "1.1.0").is_err());
        assert!(came_up(&format!("{CONSOLE}TINY volatile var"), Slot::B, "1.1.0").is_err());
    }
}
