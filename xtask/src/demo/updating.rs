//! From 1.0.0 to 1.1.0, with a kill on the way.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use fixtures::server::Server;

use super::host::{Boot, Host, Show};
use crate::shell::Shell;

/// Bytes a second while the download is to be killed: slow enough to be caught in the middle.
const SLOW: &str = "12M";

pub(super) fn run(shell: &Shell, host: &Host, server: &Server) -> Result<()> {
    shell.say("A host late in the rollout is told when; one of the first hosts is offered the release.");
    shell.show("CONFIG=late.toml updog check")?.expect(11)?.says("1.1.0")?;
    shell.show("updog check")?.expect(0)?.says("1.1.0")?;

    shell.say("The download is killed half-way; the next run keeps what is verified in the slot.");
    let whole = frames_length(shell)?;
    let before = server.bytes_sent();
    killed(shell, whole)?;
    let first = server.bytes_sent() - before;
    let rerun = server.bytes_sent();
    shell.show("updog stage")?.expect(0)?.says("slot B")?;
    let second = server.bytes_sent() - rerun;
    let percent = second * 100 / whole;
    println!(
        "  (served: {} KiB before the kill, {} KiB after it, {percent} % of the frames)",
        first >> 10,
        second >> 10
    );
    ensure!(percent <= 55, "the rerun fetched {percent} % of the frames");

    shell.say("Nothing boots differently yet. Arming is one table write.");
    shell.show("updog status | grep -E 'Slot B|Next'")?.says("(0/0/0)")?.says("Next:   A")?;
    shell.show("updog arm")?.expect(0)?.says("slot B armed")?;
    shell.show("updog status | grep -E 'Slot B|Next'")?.says("(2/3/0)")?.says("Next:   B")?;

    shell.say("Restart: the selector spends a try on B, dm-verity holds, B is confirmed.");
    ensure!(host.boot(shell, Show::Verity)? == Boot::Up, "dm-verity refused 1.1.0");
    host.runs('B', "1.1.0")?;
    shell.show("updog confirm")?.expect(0)?.says("updated")?;
    shell.run("updog check")?.expect(10)?;
    Ok(())
}

/// How long the frames of all images are together.
fn frames_length(shell: &Shell) -> Result<u64> {
    let targets = shell.folder().join("www/targets");
    let mut length = 0;
    for entry in
        std::fs::read_dir(&targets).with_context(|| format!("failed to read {}", targets.display()))?
    {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(".img.zst") {
            length += entry.metadata()?.len();
        }
    }
    ensure!(length > 0, "there are no frames in {}", targets.display());
    Ok(length)
}

/// Runs `stage` and kills it, as a power cut would, when half of the frames are there.
fn killed(shell: &Shell, whole: u64) -> Result<()> {
    let line = format!("updog stage --limit-rate {SLOW}");
    shell.show_line(&format!("{line}   # kill -9 at 50 %"));
    let mut command = shell.command(&format!("exec {line} --json"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let stderr = child.stderr.take().context("no stderr")?;
    for event in BufReader::new(stderr).lines() {
        let event: serde_json::Value = serde_json::from_str(&event?).unwrap_or_default();
        let fetched = event["fetched"].as_u64().unwrap_or(0);
        if fetched * 2 >= whole {
            child.kill()?;
            child.wait()?;
            return Ok(());
        }
    }
    bail!("`{line}` ended with {} before it could be killed", child.wait()?)
}
