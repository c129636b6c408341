//! Records a run: a machine boots from A, updates itself over HTTP, arms, restarts and confirms in B.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fixtures::server::{Faults, Server};

use super::Recorded;
use super::machine::{Attach, Machine};
use crate::process;

/// Builds both releases, publishes the second and lets a machine update to it, all in `folder`, which is made anew. `own` is a
/// folder with the programs to put in.
pub(super) fn record(folder: &Path, own: Option<&Path>) -> Result<Recorded> {
    let builds = ["build", "--quiet", "-p", "updog-repo", "-p", "updog-image"];
    process::run(&mut process::cargo(&builds))?;
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("failed to remove {}", folder.display()))?;
    }
    let programs = std::env::current_exe()?.parent().context("our own program lies in no folder")?.to_owned();
    let yard = Yard { folder: folder.to_owned(), programs };
    std::fs::create_dir_all(yard.at("keys"))?;
    yard.repo(&["init"])?;
    yard.repo(&["key", "new", &yard.text("keys/release.key")?, "--role", "all"])?;
    // The images hold the repository's root, so it is signed before there is a release.
    yard.repo(&["sign", "--key", &yard.text("keys/release.key")?])?;
    std::fs::create_dir_all(yard.at("www"))?;
    let server = Server::start(yard.at("www"), Faults::default()).context("failed to serve")?;
    yard.overlay(&server)?;
    yard.build("1.0.0", own)?;
    yard.build("1.1.0", own)?;
    yard.repo(&["release", "add", &yard.text("1.1.0/release")?, "--level", "3"])?;
    yard.repo(&["sign", "--key", &yard.text("keys/release.key")?])?;
    yard.repo(&["publish", &yard.text("www")?])?;

    let (before, after, log) = (yard.at("before.img"), yard.at("after.img"), yard.at("writes.log"));
    std::fs::rename(yard.at("1.0.0/disk.img"), &before)?;
    let copy = ["--sparse=always", "--reflink=auto"];
    process::run(process::program("cp", &copy).arg(&before).arg(&after))?;
    std::fs::write(&log, "")?;
    update(Machine::start(&after, &Attach::Logged(&log), LIMIT)?)?;
    let releases = ["1.0.0", "1.1.0"].map(|version| yard.at(version).join("release")).to_vec();
    Ok(Recorded { before, log, after: Some(after), releases })
}

/// What is typed and what must be seen.
fn update(mut machine: Machine) -> Result<()> {
    machine.wait_for("TINY up slot=A version=1.0.0 ")?;
    machine.wait_for("TINY health exit=0")?;
    machine.wait_for("TINY ready")?;
    machine.say("run updog apply")?;
    let exit = machine.wait_for("TINY exit=")?;
    ensure!(exit.ends_with("exit=0"), "the update failed ({exit}); the console:\n{}", machine.console());
    machine.say("reboot")?;
    machine.wait_for("TINY up slot=B version=1.1.0 ")?;
    machine.wait_for("TINY health exit=0")?;
    machine.wait_for("TINY ready")?;
    machine.say("poweroff")?;
    machine.ended()
}

/// Where all of it is made.
struct Yard {
    folder: PathBuf,
    programs: PathBuf,
}

impl Yard {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn text(&self, name: &str) -> Result<String> {
        let path = self.at(name);
        path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
    }

    fn repo(&self, words: &[&str]) -> Result<()> {
        let mut command = Command::new(self.programs.join("updog-repo"));
        quietly(command.arg("--repo").arg(self.at("repo")).args(words))
    }

    /// What both releases have over the variant: where the repository is, its root, few tries, a short settling time.
    fn overlay(&self, server: &Server) -> Result<()> {
        let folder = self.at("overlay/usr/share/updog");
        std::fs::create_dir_all(&folder)?;
        std::fs::copy(self.at("repo/root/1.root.json"), folder.join("root.json"))
            .context("failed to copy the repository's root")?;
        // The guest's user network leads to us at 10.0.2.2.
        let url = |path: &str| server.url_of(path).replace("127.0.0.1", "10.0.2.2");
        let config = format!(
            "metadata_base_url = \"{}\"\ntargets_base_url = \"{}\"\nroot = \"/usr/share/updog/root.json\"\n\
             seed = 3\ntries = 1\nconfirmed_tries = 2\n\n[health]\nsettle = \"1s\"\n",
            url("metadata/"),
            url("targets/")
        );
        std::fs::write(folder.join("updog.toml"), config).context("failed to write updog.toml")
    }

    fn build(&self, version: &str, own: Option<&Path>) -> Result<()> {
        let mut command = Command::new(self.programs.join("updog-image"));
        command.current_dir(process::root()).args(["build", "--variant", "tiny", "--arch", "x86_64"]);
        command.args(["--version", version]).arg("--out").arg(self.at(version));
        if let Some(own) = own {
            command.arg("--programs").arg(std::path::absolute(own)?);
        }
        quietly(command.arg("--overlay").arg(self.at("overlay")))
    }
}

/// Runs unseen; what was printed is told when it fails.
fn quietly(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("failed to start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Two boots and an update under emulation take about a minute on two idle cores.
const LIMIT: Duration = Duration::from_mins(8);
