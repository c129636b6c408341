//! `bench daemon`: what the idle daemon holds in memory.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use fixtures::disk::DiskSpec;

use super::{Bar, tell};
use crate::process;
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How often it is measured.
    #[arg(long, default_value_t = 3)]
    runs: usize,
}

pub(super) fn run(args: &Args) -> Result<()> {
    process::run(&mut process::cargo(&["build", "--release", "-p", "updog", "--locked"]))?;
    let target = Workspace::load()?.target_directory;
    let (program, folder) = (target.join("release/updog"), target.join("bench/daemon"));
    fs::create_dir_all(&folder)?;
    let mut resident = Vec::new();
    for _ in 0..args.runs {
        resident.push(measured(&program, &folder)?);
    }
    tell(&[Bar {
        what: "idle daemon, after 100 answers and a turn, RSS",
        unit: "MiB",
        found: resident,
        limit: 16.0,
    }])
}

/// MiB after it has answered and taken a turn.
fn measured(program: &Path, folder: &Path) -> Result<f64> {
    let socket = folder.join("api.sock");
    let disk = folder.join("disk.img");
    fs::write(&disk, DiskSpec::default().build())?;
    let config = format!("[serve]\nsocket = {:?}\ninterval = \"10s\"\n", socket.display().to_string());
    fs::write(folder.join("updog.toml"), config)?;
    fs::write(folder.join("os-release"), "VARIANT_ID=tiny\nVERSION_ID=1.0.0\n")?;
    let path = |name: &str| folder.join(name);
    let mut daemon = Started(
        Command::new(program)
            .arg("--config")
            .arg(path("updog.toml"))
            .arg("--disk")
            .arg(&disk)
            .arg("--state")
            .arg(path("state"))
            .arg("--os-release")
            .arg(path("os-release"))
            .args(["--booted", "A", "serve"])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("failed to start the daemon")?,
    );
    let begun = Instant::now();
    while answer(&socket).is_err() {
        ensure!(begun.elapsed() < PATIENCE, "the daemon does not answer");
        if let Some(status) = daemon.0.try_wait()? {
            bail!("the daemon ended with {status}");
        }
        thread::sleep(Duration::from_millis(50));
    }
    for _ in 0..100 {
        answer(&socket)?;
    }
    // The first turn comes after ten seconds; it fails, since there is no repository, which is a turn too.
    while begun.elapsed() < Duration::from_secs(25) {
        thread::sleep(Duration::from_millis(500));
    }
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.0.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib / 1024.0)
}

fn answer(socket: &Path) -> Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(b"GET /v1/status HTTP/1.1\r\nhost: updog\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    Ok(())
}

/// Ended by its number when it goes.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
