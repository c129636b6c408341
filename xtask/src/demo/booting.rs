//! The real boot: an emulated machine with firmware of its own updates itself, then gets a release that panics.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::shell::Shell;
use crate::vm::{Attach, Firmware, Kind, Machine, Make, Setup, Yard, copy};
use crate::workspace::Workspace;

/// Builds three releases of the test image, then boots the first and lets it go its way.
pub(super) fn run(shell: &Shell, programs: Option<&Path>) -> Result<()> {
    shell.say(
        "And the real boot: firmware, our slot selector, Debian's kernel, dm-verity, in an emulated machine.",
    );
    let folder = Workspace::load()?.target_directory.join("demo/boot");
    let yard = Yard::new(folder.clone(), Kind::X86_64, programs)?;
    let panics = Make::BAD[0];
    for release in [Make::FACTORY, Make::GOOD, panics] {
        shell.show_line(&format!(
            "updog-image build --variant tiny --arch x86_64 --version {}",
            release.version
        ));
        yard.build(&[release], &[])?;
    }
    yard.publish(&[Make::GOOD, panics])?;
    let server = yard.serve()?;
    let disk = folder.join("disk.img");
    copy(&yard.at(Make::FACTORY.version).join("disk.img"), &disk)?;
    let firmware = Firmware::new(Kind::X86_64, folder.join("vars.fd"), None)?;
    let port = Some(server.port());
    let setup =
        Setup { disk: &disk, attach: Attach::Plain, firmware: &firmware, memory: 512, port, limit: LIMIT };

    shell.say("It starts from slot A, checks itself, and confirms.");
    let started = Instant::now();
    let mut guest = Guest { shell, machine: Machine::start(&setup)?, shown: 0 };
    guest.comes_up('A', Make::FACTORY.version)?;
    println!("  (confirmed after {} s, firmware included)", started.elapsed().as_secs());

    shell.say("It fetches 1.1.0 from a server, writes slot B, reads it back, arms it, restarts.");
    guest.runs(&format!("updog apply --to {}", Make::GOOD.version))?;
    guest.restarts()?;
    guest.comes_up('B', Make::GOOD.version)?;

    shell.say("1.2.0 panics as soon as it is up. Nobody touches the machine; it comes back by itself.");
    guest.runs(&format!("updog apply --to {}", panics.version))?;
    guest.restarts()?;
    guest.sees(&format!("TINY up slot=A version={} ", panics.version))?;
    guest.comes_up('B', Make::GOOD.version)?;
    let status = guest.runs("updog status")?;
    ensure!(
        status.contains("rolled_back (panic): 1.2.0 in slot A"),
        "status does not say what happened:\n{status}"
    );
    guest.machine.say("poweroff")?;
    guest.machine.ended().map(drop)
}

/// The machine, and how much of its console was shown.
struct Guest<'a> {
    shell: &'a Shell,
    machine: Machine,
    shown: usize,
}

impl Guest<'_> {
    /// Waits for the words; shows what the selector, the initramfs and the system said up to there.
    fn sees(&mut self, words: &str) -> Result<()> {
        self.machine.wait_for(words)?;
        let console = self.machine.console();
        for line in console.get(self.shown..).unwrap_or_default().lines().filter_map(told) {
            println!("  {line}");
        }
        self.shown = console.len();
        Ok(())
    }

    /// The slot starts, is found healthy and confirms.
    fn comes_up(&mut self, slot: char, version: &str) -> Result<()> {
        self.sees(&format!("TINY up slot={slot} version={version} "))?;
        self.sees("TINY health exit=0")?;
        self.sees("TINY ready")
    }

    /// Runs a program in the guest, which must succeed; what it said.
    fn runs(&mut self, line: &str) -> Result<String> {
        self.shell.show_line(&format!("{line}   # in the guest"));
        let from = self.shown;
        self.machine.say(&format!("run {line}"))?;
        self.sees("TINY exit=")?;
        let said = self.machine.console().get(from..).unwrap_or_default().to_owned();
        let exit = said.lines().last().context("the guest said nothing")?;
        ensure!(exit.ends_with("exit=0"), "{line:?} failed:\n{said}");
        Ok(said)
    }

    fn restarts(&mut self) -> Result<()> {
        self.shell.show_line("reboot   # in the guest");
        self.machine.say("reboot")
    }
}

/// A line worth showing, without the marks that only listeners need.
fn told(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.starts_with("updog-boot: warning") || line.contains(" MiB of ") {
        return None;
    }
    let ours = line.starts_with("updog-boot: ") || line.starts_with("updog-init: slot");
    let up = line.strip_prefix("TINY ").filter(|rest| rest.starts_with("up slot="));
    line.strip_prefix("TINY | ").or(up).or(ours.then_some(line))
}

/// Five boots under emulation, one of them after a panic's ten seconds, and two updates.
const LIMIT: Duration = Duration::from_mins(6);

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn only_what_tells_the_story_is_shown() {
        assert_eq!(told("updog-boot: jump after 492 ms\r"), Some("updog-boot: jump after 492 ms"));
        assert_eq!(told("TINY | slot B armed: 1.1.0"), Some("slot B armed: 1.1.0"));
        assert_eq!(told("TINY up slot=B version=1.1.0 boot=0"), Some("up slot=B version=1.1.0 boot=0"));
        assert_eq!(told("TINY exit=0"), None);
        assert_eq!(told("TINY | write: 1.00 MiB of 18.24 MiB."), None);
        assert_eq!(told("updog-boot: warning: built with test keys"), None);
        assert_eq!(told("[    0.5] Linux"), None);
        assert_eq!(told("run updog status"), None);
    }
}
