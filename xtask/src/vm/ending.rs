//! Why QEMU ends: its control channel says it (QMP, events `SHUTDOWN`).

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// What became of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It restarts, or its watchdog or firmware restarts it.
    Restart,
    /// It has switched itself off.
    Off,
    /// QEMU was ended from outside, or said nothing.
    Unknown,
}

/// Where one QEMU is listened to.
#[derive(Debug)]
pub(super) struct Control {
    /// Of a socket that is in no folder, so that no path is too long.
    name: String,
    said: Receiver<Ending>,
}

impl Control {
    pub(super) fn listen() -> Result<Control> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("updog-xtask-{}-{count}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name)?;
        let listener = UnixListener::bind_addr(&address).context("failed to listen for QEMU")?;
        let (send, said) = channel();
        std::thread::spawn(move || {
            let Ok((mut stream, _)) = listener.accept() else { return };
            if writeln!(stream, "{{\"execute\": \"qmp_capabilities\"}}").is_err() {
                return;
            }
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if let Some(ending) = ending(&line)
                    && send.send(ending).is_err()
                {
                    return;
                }
            }
        });
        Ok(Control { name, said })
    }

    /// For QEMU's command line.
    pub(super) fn words(&self) -> [String; 4] {
        let socket = format!("socket,id=control,path={},abstract=on", self.name);
        ["-chardev".into(), socket, "-mon".into(), "chardev=control,mode=control".into()]
    }

    /// Of a QEMU whose console is closed.
    pub(super) fn ending(&self) -> Ending {
        self.said.recv_timeout(LAST_WORDS).unwrap_or(Ending::Unknown)
    }
}

/// What one line says of it, if anything.
fn ending(line: &str) -> Option<Ending> {
    let event: Value = serde_json::from_str(line).ok()?;
    if event["event"] != "SHUTDOWN" {
        return None;
    }
    Some(match event["data"]["reason"].as_str() {
        Some("guest-reset") => Ending::Restart,
        Some("guest-shutdown") => Ending::Off,
        _ => Ending::Unknown,
    })
}

/// It has said it before it closed its console.
const LAST_WORDS: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_told_apart() {
        let event = |reason: &str| {
            format!("{{\"event\": \"SHUTDOWN\", \"data\": {{\"guest\": true, \"reason\": \"{reason}\"}}}}")
        };
        assert_eq!(ending(&event("guest-reset")), Some(Ending::Restart));
        assert_eq!(ending(&event("guest-shutdown")), Some(Ending::Off));
        assert_eq!(ending(&event("host-signal")), Some(Ending::Unknown));
        for other in ["{\"QMP\": {}}", "{\"return\": {}}", "{\"event\": \"RESET\", \"data\": {}}", "{", ""] {
            assert_eq!(ending(other), None, "{other}");
        }
    }
}
