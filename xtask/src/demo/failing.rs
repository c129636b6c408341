//! A release that does not boot: its tries are spent, the host comes back by itself and remembers.

use anyhow::{Result, ensure};

use super::host::{Boot, Host, Show};
use super::publishing::publish;
use crate::shell::Shell;

/// The tries of a trial, as configured by default.
const TRIES: u32 = 3;

pub(super) fn run(shell: &Shell, host: &Host) -> Result<()> {
    shell.say("1.2.0 is broken: one byte of its root was changed after the hash tree was made.");
    shell.show_quiet("updog-repo release add ../images/1.2.0 --level 3")?;
    publish(shell)?;
    shell.show("updog apply")?.expect(0)?.says("1.2.0")?;
    for boot in 1..=TRIES {
        let show = if boot == 1 { Show::Verity } else { Show::Selector };
        ensure!(host.boot(shell, show)? == Boot::Refused, "dm-verity let boot {boot} of 1.2.0 pass");
    }
    shell.say("Three boots refused, nobody touched the host: it is back on 1.1.0 and remembers.");
    ensure!(host.boot(shell, Show::Selector)? == Boot::Up, "slot B does not come up any more");
    host.runs('B', "1.1.0")?;
    shell.quiet("updog confirm")?.says("rolled_back")?;
    shell.show("updog status")?.expect(0)?.says("rolled_back: 1.2.0")?;
    shell.show("updog check")?.expect(10)?.says("1.2.0 was rolled back")?;
    shell.quiet("sgdisk -v disk.img")?.says("No problems found")?;
    Ok(())
}
