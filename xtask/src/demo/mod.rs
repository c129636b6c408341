//! `demo`: the whole route on a real disk image with real file systems, every claim checked.

mod images;
mod shell;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{process, setup};
use images::RELEASES;
use shell::Shell;

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Result<()> {
    setup::ensure(&[setup::Use::Demo])?;
    let started = Instant::now();
    let demo = Workspace::load()?.target_directory.join("demo");
    for release in &RELEASES {
        release.make(&demo, true)?;
    }
    println!("DEMO OK, {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}
