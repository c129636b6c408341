//! `deb`: the Debian package of the host's programs, by cargo-deb, and what it does in a clean root (docs/packaging.md).

mod boot;
mod checks;
mod root;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::tool::CARGO_DEB;
use crate::workspace::Workspace;
use crate::{process, setup};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Install the package in a clean Debian and use it from there.
    #[arg(long)]
    test: bool,
    /// Boot that Debian as well, with the daemon under its systemd.
    #[arg(long, requires = "test")]
    boot: bool,
    /// How the programs are built.
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Profile {
    /// What is shipped.
    Release,
    /// What tests have built already.
    Dev,
}

/// What `ci` does: the same package around the programs that its tests have built.
pub(crate) fn ci() -> Result<()> {
    let test = process::is_root();
    run(&Args { test, boot: false, profile: Profile::Dev })?;
    if !test {
        println!("NOT RUN: the package in a clean Debian: that needs root");
    }
    Ok(())
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.test && !process::is_root() {
        bail!("a clean Debian cannot be entered: that needs root\nhint: leave out --test, or run it as root");
    }
    setup::ensure(&[setup::Use::Deb])?;
    let target = Workspace::load()?.target_directory;
    let cargo_deb = CARGO_DEB.install(&target)?;
    let started = Instant::now();
    let built = args.profile.build(&target)?;
    pages(&built)?;
    let deb = package(&cargo_deb, args.profile, &target)?;
    println!("{} ({} bytes, {} s)", deb.display(), fs::metadata(&deb)?.len(), started.elapsed().as_secs());
    if args.test {
        return test(args.boot, &target, &deb, &built);
    }
    Ok(())
}

impl Profile {
    /// Builds the programs, and says where they are.
    fn build(self, target: &Path) -> Result<PathBuf> {
        match self {
            Profile::Dev => process::programs(&PROGRAMS),
            Profile::Release => {
                // Their own features and no others: those of tests are not shipped.
                let packages = ["-p", "updog", "-p", "partition-disk", "--bins"];
                process::run(process::cargo(&["build", "--release", "--locked"]).args(packages))?;
                Ok(target.join("release"))
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Profile::Release => "release",
            Profile::Dev => "dev",
        }
    }
}

/// Manual pages and completions beside the programs, where the package looks for them.
fn pages(built: &Path) -> Result<()> {
    let out = built.join("pages");
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("failed to remove {}", out.display()))?;
    }
    let program = process::programs(&["updog-pages"])?.join("updog-pages");
    let program = program.to_str().context("the target folder's path is not UTF-8")?;
    process::run(process::program(program, &["--out"]).arg(&out))?;
    // As Debian wants them, and without a time, so that the same page is the same file.
    let pages = fs::read_dir(out.join("man"))?.map(|page| Ok(page?.path()));
    let pages = pages.collect::<std::io::Result<Vec<_>>>()?;
    process::run(process::program("gzip", &["-9", "--no-name"]).args(pages))
}

/// Packs; says where the package is.
fn package(cargo_deb: &Path, profile: Profile, target: &Path) -> Result<PathBuf> {
    let folder = target.join("deb/package");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let program = cargo_deb.to_str().context("the target folder's path is not UTF-8")?;
    let mut pack = process::program(program, &["--no-build", "--strip", "--locked", "-p", "updog"]);
    pack.args(["--profile", profile.name(), "--output"]).arg(&folder);
    process::run(&mut pack).context("failed to pack")?;
    let mut found = fs::read_dir(&folder)?.collect::<std::io::Result<Vec<_>>>()?;
    match (found.pop(), found.is_empty()) {
        (Some(deb), true) => Ok(deb.path()),
        _ => bail!("cargo-deb left other than one package in {}", folder.display()),
    }
}

fn test(boot: bool, target: &Path, deb: &Path, built: &Path) -> Result<()> {
    let started = Instant::now();
    let root = root::Root::unpack(&target.join("deb"))?;
    println!("a clean {} after {} s", root.suite(), started.elapsed().as_secs());
    checks::run(&root, deb, &built.join("pages"))?;
    if boot {
        checks::step("under systemd", || boot::run(&root))?;
    }
    checks::step("is removed", || checks::removal(&root))?;
    println!("the package holds, {} s", started.elapsed().as_secs());
    root.remove()
}

const PROGRAMS: [&str; 2] = ["updog", "signpost"];
