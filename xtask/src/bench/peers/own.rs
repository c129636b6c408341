//! updog, from a repository that `updog-repo` has published.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use release::Digest;

use super::device::Before;
use super::entrant::{After, Entrant, Family};
use super::ground::Ground;
use super::pair::{NEW, OLD};
use super::row::Sample;
use crate::release_folder::VARIANT;

pub(super) const FULL: &str = "updog full";
pub(super) const RESUME: &str = "updog resume";
pub(super) const AGAIN: &str = "updog no-op";
pub(super) const DELTA: &str = "updog delta";
pub(super) const DELTA_FOREIGN: &str = "updog delta, foreign slot";
pub(super) const IDLE: &str = "updog idle check";

pub(super) const FAMILY: Family = Family {
    name: "updog",
    make,
    entrants: &[
        Entrant {
            name: FULL,
            note: "read back",
            before: Before::Foreign,
            after: After::New,
            run: |ground| fresh(ground, "full").and_then(|()| ground.measure(&stage("full"))),
        },
        Entrant {
            name: RESUME,
            note: "killed when half was fetched; read back",
            before: Before::Foreign,
            after: After::New,
            run: resume,
        },
        Entrant {
            name: DELTA,
            note: "slot B holds the old image; read back",
            before: Before::Older,
            after: After::New,
            run: |ground| fresh(ground, "delta").and_then(|()| ground.measure(&stage("delta"))),
        },
        Entrant {
            name: DELTA_FOREIGN,
            note: "read back",
            before: Before::Foreign,
            after: After::New,
            run: |ground| fresh(ground, "delta").and_then(|()| ground.measure(&stage("delta"))),
        },
        Entrant {
            name: AGAIN,
            note: "after the update by delta; read back",
            before: Before::Kept,
            after: After::New,
            run: |ground| ground.measure(&stage("delta")),
        },
        Entrant {
            name: IDLE,
            note: "nothing new, a cold process with its store",
            before: Before::Kept,
            after: After::Untouched,
            run: idle,
        },
    ],
};

/// Two repositories: one with the new release alone, one with both and a delta between them.
fn make(ground: &Ground) -> Result<()> {
    // Another build packs otherwise.
    let program = ground.programs.join("updog-repo");
    let bytes = std::fs::read(&program).with_context(|| format!("failed to read {}", program.display()))?;
    let key = Digest::of(&bytes).to_string();
    ground.once("own", &key, |ground| {
        let repo = "cd own && updog-repo --repo repo";
        let run = |line: &str| ground.shell.quiet(&format!("{repo} {line}"));
        let release = |version: &str| ground.pair.release(version).display().to_string();
        let level = ground.level;
        run("init")?;
        std::fs::create_dir_all(ground.path("own/keys"))?;
        run("key new keys/release.key --role all")?;
        run(&format!("release add {} --level {level}", release(NEW)))?;
        run("sign --key keys/release.key")?;
        run("publish full")?;
        run(&format!("release add {} --level {level}", release(OLD)))?;
        run(&format!("delta add --version {NEW} --from {OLD} --level {level}"))?;
        run("sign --key keys/release.key")?;
        run("publish delta").map(drop)
    })?;
    for (name, version) in [("old", OLD), ("new", NEW)] {
        ground.write(&format!("{name}-release"), &format!("VARIANT_ID={VARIANT}\nVERSION_ID={version}\n"))?;
    }
    for name in ["full", "delta"] {
        ground.write(&format!("{name}.toml"), &config(ground, name, "old"))?;
    }
    ground.write("idle.toml", &config(ground, "delta", "new"))
}

fn config(ground: &Ground, repository: &str, release: &str) -> String {
    let url = |folder: &str| ground.server.url_of(&format!("own/{repository}/{folder}/"));
    let path = |name: &str| ground.path(name).display().to_string();
    format!(
        "metadata_base_url = {:?}\ntargets_base_url = {:?}\nroot = {:?}\nos_release = {:?}\ndisk = {:?}\nstate = {:?}\nseed = 7\n",
        url("metadata"),
        url("targets"),
        path("own/repo/root/1.root.json"),
        path(&format!("{release}-release")),
        ground.device.disk(),
        path("state"),
    )
}

fn stage(config: &str) -> String {
    updog(config, "stage")
}

fn updog(config: &str, words: &str) -> String {
    // The program itself and not a shell before it: what is started is what is measured.
    format!("updog --config {config}.toml --booted A --boot-id bench {words}")
}

/// A host that has never looked.
fn fresh(ground: &Ground, config: &str) -> Result<()> {
    let state = ground.path("state");
    if state.exists() {
        std::fs::remove_dir_all(&state)?;
    }
    // The repository must be there before the clock starts.
    ground.shell.run(&updog(config, "check"))?.expect(0)?;
    std::fs::remove_dir_all(&state).context("failed to forget what was looked up")
}

/// A look at a repository that has nothing new, after another.
fn idle(ground: &Ground) -> Result<Sample> {
    ground.shell.run(&updog("idle", "check"))?.expect(10)?;
    let line = format!("sh -c '{}; test $? = 10'", updog("idle", "check"));
    ground.measure(&line)
}

fn resume(ground: &Ground) -> Result<Sample> {
    fresh(ground, "full")?;
    let whole = std::fs::metadata(ground.pair.whole())?.len();
    let mut command = ground.shell.command(&format!("exec {}", updog("full", "stage --json")));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let stderr = child.stderr.take().context("no stderr")?;
    for event in BufReader::new(stderr).lines() {
        let event: serde_json::Value = serde_json::from_str(&event?).unwrap_or_default();
        if event["fetched"].as_u64().unwrap_or(0) * 2 >= whole {
            child.kill()?;
            child.wait()?;
            return ground.measure(&stage("full"));
        }
    }
    bail!("updog stage ended with {} before it could be killed", child.wait()?)
}
