//! `demo`: the whole route on a real disk image with real file systems, every claim checked.

mod booting;
mod failing;
mod host;
mod images;
mod publishing;
mod updating;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::shell::Shell;
use crate::workspace::Workspace;
use crate::{process, setup};
use host::Host;
use images::RELEASES;

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// The short story: stop before the real boot.
    #[arg(long)]
    no_boot: bool,
    /// A folder with the image's programs, instead of building them.
    #[arg(long, value_name = "DIR", conflicts_with = "no_boot")]
    programs: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    setup::ensure(&[setup::Use::Demo])?;
    if !args.no_boot {
        setup::for_machines()?;
    }
    process::programs(&["updog", "updog-repo", "updog-image", "signpost"])?;

    let started = Instant::now();
    let demo = Workspace::load()?.target_directory.join("demo");
    make_releases(&demo)?;
    let shell = fresh(&demo.join("run"))?;
    let release = publishing::first(&shell)?;
    let host = Host::new(&shell, &release.url())?;
    updating::run(&shell, &host, &release)?;
    failing::run(&shell, &host)?;
    if !args.no_boot {
        booting::run(&shell, args.programs.as_deref())?;
    }

    println!("# {} s. The host is left in {}.", started.elapsed().as_secs(), process::shown(shell.folder()));
    println!("DEMO OK");
    Ok(())
}

/// Made once and kept: packages do not change under a demo.
fn make_releases(demo: &Path) -> Result<()> {
    println!("# Releases of a real root file system: Debian packages in erofs under a dm-verity tree.");
    for (at, release) in RELEASES.iter().enumerate() {
        release.make(demo, at == 0)?;
    }
    Ok(())
}

/// A new folder to play in; its programs are our own.
fn fresh(run: &Path) -> Result<Shell> {
    if run.exists() {
        std::fs::remove_dir_all(run).with_context(|| format!("failed to remove {}", run.display()))?;
    }
    let shell = Shell::new(run.to_owned())?;
    let xtask = std::env::current_exe().context("failed to find our own program")?;
    let programs = xtask.parent().context("our own program lies in no folder")?.display().to_string();
    let boot = "--booted \"$(cat booted)\" --boot-id \"$(cat boot-id)\"";
    shell.program("updog", &format!("{programs}/updog --config \"${{CONFIG:-host.toml}}\" {boot}"))?;
    shell.program("updog-repo", &format!("{programs}/updog-repo --repo repo"))?;
    shell.program("updog-image", &format!("{programs}/updog-image"))?;
    shell.program("signpost", &format!("{programs}/signpost --disk disk.img"))?;
    shell.program("firmware", &format!("{} firmware disk.img --load load", xtask.display()))?;
    let root_hash = "\"$(mtype -i load/boot.img ::root-hash)\"";
    shell.program("verity", &format!("veritysetup verify load/root.img load/hash.img {root_hash}"))?;
    Ok(shell)
}
