//! What must stand on the console when a state is booted.

use anyhow::{Result, ensure};
use partition_core::Slot;

/// The slot that `choose` named on the host came up with its release, and healthy, on file systems that mount.
pub(super) fn came_up(console: &str, slot: Slot, release: &str) -> Result<()> {
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
