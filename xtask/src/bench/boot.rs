//! How long images take to build and to boot, against the bars of docs/image.md.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Bar, tell};
use crate::vm::{Attach, Firmware, Kind, Machine, Make, Setup, Yard, copy};
use crate::workspace::Workspace;
use crate::{process, setup};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A folder with the image's programs for `x86_64`, instead of building them.
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: u32,
}

pub(super) fn run(args: &Args) -> Result<()> {
    setup::for_machines()?;
    let folder = Workspace::load()?.target_directory.join("bench/boot");
    let own = args.programs.as_deref();
    let tiny = Builds::new(&folder, Kind::X86_64, own)?.measure(args.runs)?;
    let container = Builds::new(&folder, Kind::Container, own)?.measure(args.runs)?;
    let x86 = boots(&folder, Kind::X86_64, own, args.runs)?;
    let arm = boots(&folder, Kind::Aarch64, None, args.runs)?;
    tell(&[
        Bar { what: "tiny, x86_64: build, programs built", unit: "s", found: tiny, limit: 10.0 },
        Bar { what: "container, x86_64: build, programs built", unit: "s", found: container, limit: 90.0 },
        Bar { what: "tiny, x86_64: power on to confirmed", unit: "s", found: x86.confirmed, limit: 25.0 },
        Bar { what: "selector, x86_64: start to jump", unit: "s", found: x86.selector, limit: 0.8 },
        Bar { what: "selector, aarch64: start to jump", unit: "s", found: arm.selector, limit: 1.5 },
    ])
}

/// Builds of one variant, everything fetched and compiled before.
struct Builds {
    program: PathBuf,
    out: PathBuf,
    kind: Kind,
    own: Option<PathBuf>,
}

impl Builds {
    fn new(folder: &Path, kind: Kind, own: Option<&Path>) -> Result<Builds> {
        let program = process::programs(&["updog-image"])?.join("updog-image");
        let own = own.map(std::path::absolute).transpose()?;
        let builds = Builds { program, out: folder.join(format!("build-{}", kind.name())), kind, own };
        builds.once()?;
        Ok(builds)
    }

    fn once(&self) -> Result<f64> {
        let mut command = std::process::Command::new(&self.program);
        command.current_dir(process::root());
        command.args(["build", "--variant", self.kind.variant(), "--arch", self.kind.arch()]);
        command.arg("--out").arg(&self.out);
        if let Some(own) = &self.own {
            command.arg("--programs").arg(own);
        }
        let start = Instant::now();
        process::run(&mut command)?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn measure(&self, runs: u32) -> Result<Vec<f64>> {
        (0..runs).map(|_| self.once()).collect()
    }
}

/// Seconds, an entry per run.
#[derive(Debug, Default)]
struct Boots {
    /// From power on until an armed slot is confirmed.
    confirmed: Vec<f64>,
    /// From the selector's start until it jumps, by its own clock.
    selector: Vec<f64>,
}

fn boots(folder: &Path, kind: Kind, own: Option<&Path>, runs: u32) -> Result<Boots> {
    let yard = Yard::new(folder.join(format!("yard-{}", kind.name())), kind, own)?;
    yard.build(&[Make::FACTORY, Make::GOOD], &[])?;
    yard.publish(&[Make::GOOD])?;
    let server = yard.serve()?;
    let armed = yard.armed(Make::GOOD, server.port())?;
    let mut boots = Boots::default();
    for _ in 0..runs {
        let disk = folder.join("disk.img");
        copy(&armed, &disk)?;
        let firmware = Firmware::new(kind, folder.join("vars.fd"), None)?;
        let start = Instant::now();
        let mut machine = Machine::start(&Setup {
            disk: &disk,
            attach: Attach::Plain,
            firmware: &firmware,
            memory: kind.memory(),
            port: Some(server.port()),
            limit: LIMIT,
        })?;
        boots.selector.push(jump(&machine.wait_for("updog-boot: jump after ")?)?);
        machine.wait_for("confirmed: updated")?;
        boots.confirmed.push(start.elapsed().as_secs_f64());
        std::fs::remove_file(&disk)?;
    }
    Ok(boots)
}

/// Seconds, of the selector's line.
fn jump(line: &str) -> Result<f64> {
    let time = line.split_once("jump after ").and_then(|(_, rest)| rest.strip_suffix(" ms"));
    let milliseconds: f64 =
        time.and_then(|time| time.parse().ok()).with_context(|| format!("no time in {line:?}"))?;
    Ok(milliseconds / 1000.0)
}

const LIMIT: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selectors_time_is_read() {
        assert!((jump("updog-boot: jump after 454 ms").unwrap() - 0.454).abs() < 1e-9);
        jump("updog-boot: jump after a while").unwrap_err();
    }
}
