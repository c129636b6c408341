//! A clean Debian in a folder, of the release that this machine runs: what was linked here runs there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::{Context, Result, bail};

use crate::process;

/// The folder, and what runs in it. Needs root.
#[derive(Debug)]
pub(super) struct Root {
    folder: PathBuf,
    suite: String,
}

impl Root {
    /// Unpacks it below this folder; it is fetched once.
    pub(super) fn unpack(below: &Path) -> Result<Root> {
        let suite = suite(&fs::read_to_string("/etc/os-release").context("failed to read /etc/os-release")?)?;
        fs::create_dir_all(below)?;
        let tar = below.join(format!("{suite}.tar"));
        if !tar.is_file() {
            let partial = below.join("partial.tar");
            // What the package asks for is there, so that dpkg alone can install it.
            let mut fetch =
                process::program("mmdebstrap", &["--quiet", "--variant=minbase", "--include=systemd"]);
            process::run(fetch.arg(&suite).arg(&partial))?;
            fs::rename(&partial, &tar)?;
        }
        let root = Root { folder: below.join("root"), suite };
        root.clear()?;
        fs::create_dir_all(&root.folder)?;
        process::run(Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&root.folder))?;
        Ok(root)
    }

    /// Which Debian it is.
    pub(super) fn suite(&self) -> &str {
        &self.suite
    }

    /// A file in it, by its path there.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path.trim_start_matches('/'))
    }

    /// A command that runs in it, with `/proc` of its own mount namespace; nothing stays mounted.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let script = "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(&self.folder).args(words);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        command
    }

    /// Runs to its end, which must be a good one; both streams.
    pub(super) fn said(&self, words: &[&str]) -> Result<String> {
        let output = self.command(words).output().with_context(|| format!("failed to start {words:?}"))?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if !output.status.success() {
            bail!("{} ended with {}: {said}", words.join(" "), output.status);
        }
        Ok(said)
    }

    /// Starts what ends later.
    pub(super) fn start(&self, words: &[&str]) -> Result<Child> {
        self.command(words).spawn().with_context(|| format!("failed to start {words:?}"))
    }

    /// Removes the folder.
    pub(super) fn remove(self) -> Result<()> {
        self.clear()
    }

    fn clear(&self) -> Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("failed to remove {}", self.folder.display()))
            }
            _ => Ok(()),
        }
    }
}

/// Debian's name for the release, from os-release.
fn suite(os_release: &str) -> Result<String> {
    let value = |key: &str| {
        let found = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        found.map(|value| value.trim_matches('"').to_owned())
    };
    match (value("ID").as_deref(), value("VERSION_CODENAME")) {
        (Some("debian"), Some(suite)) => Ok(suite),
        (id, _) => bail!("expected Debian, found {}", id.unwrap_or("a system without a name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_and_a_stranger_refused() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nVERSION_CODENAME=trixie\nID=debian\n";
        assert_eq!(suite(debian).ok().as_deref(), Some("trixie"));
        for strange in ["ID=ubuntu\nVERSION_CODENAME=noble\n", "ID=debian\n", ""] {
            assert!(suite(strange).is_err(), "{strange:?}");
        }
    }
}
