//! `interop`: the `tuftool` program reads what we publish, and our programs take what it makes. By hand, for its build is
//! long; CI does the same with python-tuf and with the library that tuftool is made of.

mod published;
mod taken;

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use fixtures::server::{Faults, Server};
use release::Digest;

use crate::shell::Shell;
use crate::tool::TUFTOOL;
use crate::workspace::Workspace;
use crate::{process, setup};

pub(crate) fn run() -> Result<()> {
    setup::ensure(&[setup::Use::Interop])?;
    let target = Workspace::load()?.target_directory;
    let tuftool = TUFTOOL.install(&target)?;
    let programs = process::programs(&["updog", "updog-repo"])?;

    let started = Instant::now();
    let run = target.join("interop");
    if run.exists() {
        fs::remove_dir_all(&run).with_context(|| format!("failed to remove {}", run.display()))?;
    }
    let shell = Shell::new(run)?;
    shell.program("tuftool", &tuftool.display().to_string())?;
    shell.program("updog-repo", &programs.join("updog-repo").display().to_string())?;
    let host = "--config host.toml --booted A --boot-id boot-1";
    shell.program("updog", &format!("{} {host}", programs.join("updog").display()))?;
    for version in ["1.0.0", "1.1.0"] {
        fixtures::release::write(&shell.folder().join(version), version, version)?;
    }

    let mut shown = Shown(0);
    println!("# tuftool {} reads what updog-repo publishes.", TUFTOOL.version);
    published::run(&shell, &mut shown)?;
    println!("# updog and updog-repo take what tuftool {} makes.", TUFTOOL.version);
    taken::run(&shell, &mut shown)?;
    println!("# {} s, in {}.", started.elapsed().as_secs(), process::shown(shell.folder()));
    println!("INTEROP OK: {} shown", shown.0);
    Ok(())
}

/// Counts what was shown.
#[derive(Debug)]
struct Shown(u32);

impl Shown {
    /// Says it; for what has just been found to hold.
    fn that(&mut self, claim: impl Display) {
        self.0 += 1;
        println!("ok: {claim}");
    }
}

/// A repository over HTTP, below the shell's folder.
fn serve(shell: &Shell, folder: &str) -> Result<Server> {
    let path = shell.folder().join(folder);
    Server::start(&path, Faults::default()).with_context(|| format!("failed to serve {}", path.display()))
}

/// Fails unless each file of `found` is, byte for byte, the one that `published` has under its digest and this name.
/// Returns how many there are.
fn compare(shell: &Shell, found: &str, published: &str) -> Result<usize> {
    let published = shell.folder().join(published);
    let mut count = 0;
    for entry in
        fs::read_dir(shell.folder().join(found)).with_context(|| format!("failed to read {found}"))?
    {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a name is not UTF-8")?;
        let bytes = read(&path)?;
        let original = published.join(format!("{}.{name}", Digest::of(&bytes)));
        ensure!(read(&original)? == bytes, "{found}/{name} is not what was published");
        count += 1;
    }
    Ok(count)
}

/// A copy of a repository in which one byte is another of each file whose name ends so.
fn damaged(shell: &Shell, from: &str, to: &str, end: &str) -> Result<()> {
    shell.quiet(&format!("rm -rf {to} && cp -r {from} {to}"))?;
    let mut count = 0;
    for part in ["metadata", "targets"] {
        for entry in fs::read_dir(shell.folder().join(to).join(part))? {
            let file = entry?.path();
            if !file.to_string_lossy().ends_with(end) {
                continue;
            }
            let mut bytes = read(&file)?;
            let middle = bytes.len() / 2;
            *bytes.get_mut(middle).with_context(|| format!("{} is empty", file.display()))? ^= 1;
            fs::write(&file, bytes).with_context(|| format!("failed to write {}", file.display()))?;
            count += 1;
        }
    }
    ensure!(count > 0, "expected a file that ends in {end} in {to}");
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}
