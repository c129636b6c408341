//! What scenarios need before they start: a repository, images, and disks that have come some way.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fixtures::server::{Faults, Server};

use super::firmware::{Firmware, Kind};
use super::machine::{Attach, Machine, SERVER, Setup};
use super::secure;
use crate::process;

/// A folder with all of it.
#[derive(Debug)]
pub(crate) struct Yard {
    folder: PathBuf,
    programs: PathBuf,
    kind: Kind,
    /// The image programs; `None`: cargo builds them.
    own: Option<PathBuf>,
}

/// One release of the test image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Make {
    pub(crate) version: &'static str,
    /// More words for its command line.
    cmdline: &'static str,
    /// Whether a health check of it fails.
    sick: bool,
}

impl Make {
    pub(super) const fn new(version: &'static str, cmdline: &'static str, sick: bool) -> Make {
        Make { version, cmdline, sick }
    }

    /// What leaves the factory.
    pub(crate) const FACTORY: Make = Make::new("1.0.0", "", false);
    /// A good update.
    pub(crate) const GOOD: Make = Make::new("1.1.0", "", false);
    /// Updates that come to grief after they were started.
    pub(crate) const BAD: [Make; 4] = [
        Make::new("1.2.0", "tiny.do=panic", false),
        Make::new("1.3.0", "tiny.do=exit", false),
        Make::new("1.4.0", "tiny.do=hang updog.watchdog=15", false),
        Make::new("1.5.0", "", true),
    ];
}

impl Yard {
    /// Makes the folder anew, with keys and a repository that has a root. `own` is a folder with programs to put in.
    pub(crate) fn new(folder: PathBuf, kind: Kind, own: Option<&Path>) -> Result<Yard> {
        let programs = process::programs(&["updog-repo", "updog-image"])?;
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("failed to remove {}", folder.display()))?;
        }
        let own = own.map(std::path::absolute).transpose()?;
        let yard = Yard { folder, programs, kind, own };
        std::fs::create_dir_all(yard.at("keys"))?;
        std::fs::create_dir_all(yard.at("www"))?;
        yard.repo(&["init"])?;
        yard.repo(&["key", "new", &yard.text("keys/release.key")?, "--role", "all"])?;
        // The images hold the repository's root, so it is signed before there is a release.
        yard.repo(&["sign", "--key", &yard.text("keys/release.key")?])?;
        Ok(yard)
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
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

    /// Builds releases of `tiny`.
    pub(crate) fn build(&self, releases: &[Make], more: &[&str]) -> Result<()> {
        for make in releases {
            let overlay = self.overlay(make)?;
            let mut command = Command::new(self.programs.join("updog-image"));
            command.current_dir(process::root());
            command.args(["build", "--variant", self.kind.variant(), "--arch", self.kind.arch()]).args(more);
            command.args(["--version", make.version]).arg("--out").arg(self.at(make.version));
            command.arg("--overlay").arg(overlay);
            if !make.cmdline.is_empty() {
                command.args(["--cmdline", make.cmdline]);
            }
            if let Some(own) = &self.own {
                command.arg("--programs").arg(own);
            }
            self.image(command)?;
        }
        Ok(())
    }

    /// Builds an image from the packages that are locked in the tree. Where the mirror has dropped one of them, which a
    /// point release of Debian does and no change to the tree, a fresh lock beside the images takes its place.
    fn image(&self, mut command: Command) -> Result<()> {
        let fresh = self.at("fresh.lock");
        if fresh.exists() {
            return quietly(command.arg("--lock").arg(fresh));
        }
        match quietly(&mut command) {
            Err(error) if error.to_string().contains(GONE) => {
                println!(
                    "WARNING: {error:#}\nWARNING: these images are built from a fresh lock, {}; the lock in the tree \
                     needs \"updog-image build --variant {} --arch {} --update-lock\"",
                    process::shown(&fresh),
                    self.kind.variant(),
                    self.kind.arch()
                );
                quietly(command.arg("--update-lock").arg("--lock").arg(fresh))
            }
            built => built,
        }
    }

    /// What the firmware of its machines remembers when they are new; `None`: nothing.
    pub(super) fn variables(&self) -> Option<PathBuf> {
        (self.kind == Kind::SecureBoot).then(|| secure::variables(self))
    }

    /// Shows these releases to hosts.
    pub(crate) fn publish(&self, releases: &[Make]) -> Result<()> {
        for make in releases {
            let folder = self.text(&format!("{}/release", make.version))?;
            self.repo(&["release", "add", &folder, "--level", "1"])?;
        }
        self.repo(&["sign", "--key", &self.text("keys/release.key")?])?;
        self.repo(&["publish", &self.text("www")?])
    }

    /// Shows one release more, in an hour's rollout from so many seconds from now on; `None`: open for all.
    pub(super) fn publish_later(&self, version: &str, opens_in: Option<i64>) -> Result<()> {
        let folder = self.text(&format!("{version}/release"))?;
        self.repo(&["release", "add", &folder, "--level", "1"])?;
        if let Some(seconds) = opens_in {
            let opens = chrono::Utc::now() + chrono::TimeDelta::seconds(seconds);
            let opens = opens.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            let file = self.at("wave.toml");
            std::fs::write(&file, WAVE).context("failed to write wave.toml")?;
            let (variant, arch) = (self.kind.variant(), self.kind.arch());
            let name = ["--version", version, "--variant", variant, "--arch", arch, "--start-at", &opens];
            self.repo(&[&["waves", "set", &self.text("wave.toml")?], &name[..]].concat())?;
        }
        self.repo(&["sign", "--key", &self.text("keys/release.key")?])?;
        self.repo(&["publish", &self.text("www")?])
    }

    pub(crate) fn serve(&self) -> Result<Server> {
        Server::start(self.at("www"), Faults::default()).context("failed to serve the repository")
    }

    /// What a release has over the variant: where the repository is, its root, few tries, a short settling time.
    fn overlay(&self, make: &Make) -> Result<PathBuf> {
        let overlay = self.at(&format!("overlay-{}", make.version));
        let folder = overlay.join("usr/share/updog");
        std::fs::create_dir_all(&folder)?;
        std::fs::copy(self.at("repo/root/1.root.json"), folder.join("root.json"))
            .context("failed to copy the repository's root")?;
        let config = format!(
            "metadata_base_url = \"http://{SERVER}/metadata/\"\ntargets_base_url = \"http://{SERVER}/targets/\"\n\
             root = \"/usr/share/updog/root.json\"\nseed = 3\ntries = 1\nconfirmed_tries = 2\n\n\
             [health]\nsettle = \"1s\"\n"
        );
        std::fs::write(folder.join("updog.toml"), config).context("failed to write updog.toml")?;
        std::fs::write(overlay.join("usr/share/ballast"), vec![0xa5; 64 << 10])
            .context("failed to write ballast")?;
        if make.sick {
            let checks = overlay.join("usr/lib/updog/health.d");
            std::fs::create_dir_all(&checks)?;
            // Any program that fails will do, and this one does without a machine to look at.
            std::os::unix::fs::symlink("/usr/bin/signpost", checks.join("10-sick"))?;
        }
        Ok(overlay)
    }

    /// A disk on which this release is armed.
    pub(crate) fn armed(&self, make: Make, port: u16) -> Result<PathBuf> {
        self.disk(&From::Armed(make.version.to_owned()), port)
    }

    /// A disk that has come this far, made once.
    pub(super) fn disk(&self, from: &From, port: u16) -> Result<PathBuf> {
        let (name, before, commands): (String, PathBuf, Vec<String>) = match from {
            From::Fresh => return Ok(self.at(Make::FACTORY.version).join("disk.img")),
            From::Armed(version) => {
                let apply = format!("updog apply --to {version}");
                (format!("armed-{version}.img"), self.disk(&From::Fresh, port)?, vec![apply])
            }
            From::Updated => {
                let armed = From::Armed(Make::GOOD.version.to_owned());
                ("updated.img".to_owned(), self.disk(&armed, port)?, Vec::new())
            }
        };
        let disk = self.at(&name);
        if disk.exists() {
            return Ok(disk);
        }
        let partial = disk.with_extension("partial");
        copy(&before, &partial)?;
        let firmware = Firmware::new(self.kind, disk.with_extension("vars"), self.variables().as_deref())?;
        let (disk_now, attach, limit) = (&*partial, Attach::Plain, Duration::from_mins(4));
        let setup =
            Setup { disk: disk_now, attach, firmware: &firmware, memory: 512, port: Some(port), limit };
        let mut machine = Machine::start(&setup)?;
        machine.wait_for("TINY health exit=0")?;
        machine.wait_for("TINY ready")?;
        for command in &commands {
            machine.run(command)?;
        }
        machine.say("poweroff")?;
        machine.ended()?;
        std::fs::rename(&partial, &disk)?;
        Ok(disk)
    }
}

/// Which disk a scenario starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum From {
    /// As it leaves the factory.
    Fresh,
    /// The release is armed in B, by an update over HTTP from within A.
    Armed(String),
    /// The good release was armed, tried and confirmed in B.
    Updated,
}

/// Copies a disk, holes and all.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    process::run(process::program("cp", &["--sparse=always", "--reflink=auto"]).arg(from).arg(to))
}

/// Runs unseen; what was printed is told when it fails.
pub(super) fn quietly(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("failed to start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Everybody within an hour; the host of the yard, with seed 3, in its sixth second.
const WAVE: &str =
    "end_after = \"1 hour\"\n\n[[waves]]\nstart_after = \"0 minutes\"\nfleet_percentage = 100\n";
/// What `updog-image` says of a locked package that the mirror has dropped.
const GONE: &str = "no longer has this version";

#[cfg(test)]
mod tests {
    use super::GONE;

    #[test]
    fn the_words_are_those_of_the_tool() {
        let errors = crate::process::root().join("image-build/tool/src/packages/error.rs");
        assert!(std::fs::read_to_string(errors).unwrap().contains(GONE));
    }
}
