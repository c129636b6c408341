//! `same-bytes`: an image built twice, here and as somebody else would build it, compared file by file.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workspace::Workspace;
use crate::{process, setup};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which image, with all programs in it built anew.
    #[arg(long, default_value = "tiny")]
    variant: String,
    #[arg(long, default_value = "x86_64")]
    arch: String,
}

/// What `ci` compares.
pub(crate) fn ci() -> Result<()> {
    run(&Args { variant: "tiny".to_owned(), arch: "x86_64".to_owned() })
}

pub(crate) fn run(args: &Args) -> Result<()> {
    setup::ensure(&[setup::Use::Test])?;
    setup::for_machines()?;
    let program = process::programs(&["updog-image"])?.join("updog-image");
    let folder = Workspace::load()?.target_directory.join("same-bytes");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    let (here, elsewhere) = (folder.join("here"), Elsewhere { folder: folder.join("else where/deep") });

    let start = Instant::now();
    process::run(&mut build(&program, args, &here))?;
    println!("built here in {} s", start.elapsed().as_secs());
    let start = Instant::now();
    let out = elsewhere.build(&program, args)?;
    println!("built elsewhere in {} s: {ELSEWHERE}", start.elapsed().as_secs());

    let (ours, theirs) = (digests(&here)?, digests(&out)?);
    ensure!(!ours.is_empty(), "build.json names no file");
    for (name, digest) in &ours {
        let same = theirs.iter().any(|other| (&other.0, &other.1) == (name, digest));
        println!("{} {name}", if same { "same " } else { "OTHER" });
    }
    ensure!(ours == theirs, "the two builds differ: compare {} and {}", here.display(), out.display());
    println!("{} files, the same bytes", ours.len());
    fs::remove_dir_all(&folder).with_context(|| format!("failed to remove {}", folder.display()))
}

fn build(program: &Path, args: &Args, out: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["build", "--variant", &args.variant, "--arch", &args.arch, "--out"]).arg(out);
    command
}

/// Another checkout, with nothing of this one's builds.
struct Elsewhere {
    folder: PathBuf,
}

impl Elsewhere {
    fn build(&self, program: &Path, args: &Args) -> Result<PathBuf> {
        let Elsewhere { folder } = self;
        let (source, bin, out) = (folder.join("source"), folder.join("bin"), folder.join("out"));
        checkout(&source)?;
        tomorrow(&bin)?;
        let cargo_home = folder.join("cargo");
        symlink(home("CARGO_HOME", ".cargo")?, &cargo_home)?;

        let mut command = Command::new("sh");
        // Only root can give the machine another name.
        let rename = if process::is_root() {
            "exec unshare --uts sh -c 'hostname elsewhere && exec \"$@\"' -"
        } else {
            "exec"
        };
        command.args(["-c", &format!("umask 077 && {rename} \"$@\""), "-"]).arg(program);
        command.args(["build", "--variant", &args.variant, "--arch", &args.arch, "--out"]).arg(&out);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(bin).chain(std::env::split_paths(&path));
        command.current_dir(&source).env("PATH", std::env::join_paths(path)?);
        command.env("RUSTUP_HOME", home("RUSTUP_HOME", ".rustup")?).env("CARGO_HOME", &cargo_home);
        command.env("CARGO_TARGET_DIR", folder.join("target")).env("HOME", folder);
        command.envs([
            ("TZ", "Asia/Tokyo"),
            ("LANG", "de_DE.UTF-8"),
            ("USER", "other"),
            ("LOGNAME", "other"),
        ]);
        process::run(&mut command)?;
        Ok(out)
    }
}

/// The files that git knows or would, as they are now.
fn checkout(to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let script = "git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --ignore-failed-read -c | tar -x -C \"$0\"";
    process::run(process::program("sh", &["-c", script]).arg(to))
}

/// A folder with the programs that build, each under a clock a day later: they get an environment of their own, so that
/// what is set around the whole build does not reach them. rustc is not among them: it hangs under faketime, as programs
/// with an allocator of their own do.
fn tomorrow(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    // The library alone: its wrapper leaves a semaphore behind when it is killed, and trips over it later.
    let preload =
        process::output(&mut process::program("faketime", &["-f", "+1d", "printenv", "LD_PRELOAD"]))?;
    let clock = format!("LD_PRELOAD='{}' FAKETIME=+1d", preload.trim());
    for name in ["musl-gcc", "mkfs.erofs", "veritysetup", "mke2fs", "mformat", "mmd", "mcopy", "xz", "depmod"]
    {
        let program = process::path_of(name).with_context(|| format!("{name} is missing"))?;
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{clock} exec '{}' \"$@\"\n", program.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Where cargo or rustup keeps its files.
fn home(variable: &str, below: &str) -> Result<PathBuf> {
    let set = std::env::var_os(variable).map(PathBuf::from);
    let usual = || Some(PathBuf::from(std::env::var_os("HOME")?).join(below));
    set.or_else(usual).with_context(|| format!("neither {variable} nor HOME is set"))
}

/// Names and digests of what was built.
fn digests(out: &Path) -> Result<Vec<(String, Value)>> {
    let path = out.join("build.json");
    let text = fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let built: Value = serde_json::from_slice(&text)?;
    let files = built["files"].as_object().context("build.json has no files")?;
    Ok(files.iter().map(|(name, file)| (name.clone(), file.clone())).collect())
}

const ELSEWHERE: &str = "another folder, umask, time zone, language, host name, user name, home and cargo home, a clock a day later";
