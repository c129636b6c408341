//! Records a run: a machine boots from A, updates itself over HTTP, arms, restarts and confirms in B.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Recorded;
use crate::vm::{Attach, Firmware, Kind, Machine, Make, Setup, Yard, copy};

/// Builds both releases, publishes the second and lets a machine update to it, all in `folder`, which is made anew. `own` is a
/// folder with the programs to put in.
pub(super) fn record(folder: &Path, own: Option<&Path>) -> Result<Recorded> {
    let yard = Yard::new(folder.to_owned(), Kind::X86_64, own)?;
    yard.build(&[Make::FACTORY, Make::GOOD], &[])?;
    yard.publish(&[Make::GOOD])?;
    let server = yard.serve()?;

    let (before, after, log) = (yard.at("before.img"), yard.at("after.img"), yard.at("writes.log"));
    std::fs::rename(yard.at(Make::FACTORY.version).join("disk.img"), &before)?;
    copy(&before, &after)?;
    std::fs::write(&log, "").with_context(|| format!("failed to make {}", log.display()))?;
    let firmware = Firmware::new(Kind::X86_64, yard.at("vars.fd"), None)?;
    update(Machine::start(&Setup {
        disk: &after,
        attach: Attach::Logged(&log),
        firmware: &firmware,
        memory: 512,
        port: Some(server.port()),
        limit: LIMIT,
    })?)?;
    let releases = [Make::FACTORY, Make::GOOD].map(|make| yard.at(make.version).join("release")).to_vec();
    Ok(Recorded { before, log, after: Some(after), releases })
}

/// What is typed and what must be seen.
fn update(mut machine: Machine) -> Result<()> {
    machine.wait_for("TINY up slot=A version=1.0.0 ")?;
    machine.wait_for("TINY health exit=0")?;
    machine.wait_for("TINY ready")?;
    machine.run("updog apply")?;
    machine.say("reboot")?;
    machine.wait_for("TINY up slot=B version=1.1.0 ")?;
    machine.wait_for("TINY health exit=0")?;
    machine.wait_for("TINY ready")?;
    machine.say("poweroff")?;
    machine.ended().map(drop)
}

/// Two boots and an update under emulation take about a minute on two idle cores.
const LIMIT: Duration = Duration::from_mins(8);
