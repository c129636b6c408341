//! An apt of our own: its folders, its sources, nothing of the machine's but how to reach the network.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{Error, Mirror};
use crate::Arch;
use crate::lock::Wanted;

/// An apt that believes itself on an empty machine of the wanted release and architecture. Its folder goes with it.
#[derive(Debug)]
pub(super) struct Apt {
    folder: TempDir,
    arch: Arch,
}

impl Apt {
    /// Writes its configuration below `work`. Nothing is fetched yet.
    pub(super) fn new(wanted: &Wanted, arch: Arch, mirror: &Mirror, work: &Path) -> Result<Apt, Error> {
        // Both stand in files of apt's, whose quoting knows no escapes.
        let keyring = mirror.keyring().map(|path| ("--keyring", path));
        for (option, path) in keyring.into_iter().chain([("--out", work)]) {
            let text = path.to_str().unwrap_or("\n");
            if text.contains(['"', '\n']) || option == "--keyring" && text.contains([' ', '\t', '[', ']']) {
                return Err(Error::AptPath { option, path: path.to_owned() });
            }
        }
        fs::create_dir_all(work).map_err(|source| Error::Write { path: work.to_owned(), source })?;
        let folder = tempfile::Builder::new().prefix("apt-").tempdir_in(work);
        let folder = folder.map_err(|source| Error::Write { path: work.to_owned(), source })?;
        let apt = Apt { folder, arch };
        for name in ["etc/preferences.d", "etc/auth.conf.d", "lists/partial", "archives/partial"] {
            let path = apt.path(name);
            fs::create_dir_all(&path).map_err(|source| Error::Write { path, source })?;
        }
        apt.write("etc/sources.list", &sources(&wanted.suite, mirror))?;
        apt.write("status", &status(&wanted.without))?;
        apt.write("nothing", "")?;
        let network = Command::new("apt-config").arg("dump").output();
        let network = network.map_err(|source| Error::Run { program: "apt-config", source })?;
        apt.write("apt.conf", &apt.configuration(&String::from_utf8_lossy(&network.stdout)))?;
        Ok(apt)
    }

    /// Fetches the package lists.
    pub(super) fn update(&self) -> Result<Output, Error> {
        self.run("apt-get", ["-q", "update"])
    }

    /// What would be installed on the empty machine; with [`Installed::Nothing`] also what `without` names.
    pub(super) fn simulate(&self, names: &[String], installed: Installed) -> Result<Output, Error> {
        let status = match installed {
            Installed::Without => "status",
            Installed::Nothing => "nothing",
        };
        let status = format!("Dir::State::status={}", self.path(status).display());
        let words = ["-q", "--simulate", "-o", &*status, "install", "--"];
        self.run("apt-get", words.into_iter().chain(names.iter().map(String::as_str)))
    }

    /// The stanzas of these packages in the lists, each `NAME:ARCH=VERSION`.
    pub(super) fn show(&self, names: &[String]) -> Result<Output, Error> {
        self.run("apt-cache", ["show", "--"].into_iter().chain(names.iter().map(String::as_str)))
    }

    fn run<'a>(
        &self,
        program: &'static str,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Result<Output, Error> {
        let mut command = Command::new(program);
        command.args(words.into_iter().map(OsStr::new)).env("APT_CONFIG", self.path("apt.conf"));
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        command.output().map_err(|source| Error::Run { program, source })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.path(name);
        fs::write(&path, text).map_err(|source| Error::Write { path, source })
    }

    /// apt reads this first; it keeps apt from reading the machine's. `machine` is what `apt-config dump` says there.
    fn configuration(&self, machine: &str) -> String {
        let folder = self.folder.path().display();
        let arch = self.arch.debian();
        let mut text: String =
            machine.lines().filter(|line| is_network(line)).flat_map(|line| [line, "\n"]).collect();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "Dir \"{folder}/\";\nDir::Etc \"{folder}/etc/\";\nDir::Etc::parts \"/dev/null\";\n\
             Dir::Etc::main \"/dev/null\";\nDir::State \"{folder}/\";\nDir::State::lists \"{folder}/lists/\";\n\
             Dir::State::status \"{folder}/status\";\nDir::Cache \"{folder}/\";\n\
             APT::Architecture \"{arch}\";\nAPT::Architectures {{ \"{arch}\"; }};\n\
             APT::Install-Recommends \"false\";\nAPT::Install-Suggests \"false\";\n\
             APT::Sandbox::User \"root\";\nAPT::Update::Error-Mode \"any\";\nAcquire::Languages \"none\";\n"
        );
        text
    }
}

/// What the empty machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Installed {
    /// The packages a recipe takes as installed.
    Without,
    /// Nothing.
    Nothing,
}

/// How this machine reaches an archive, and how strict it is about times; never that signatures may be missing.
fn is_network(line: &str) -> bool {
    let key = line.split(' ').next().unwrap_or_default();
    let own = ["http", "https", "Retries", "Check-Valid-Until", "Check-Date", "ForceIPv4", "ForceIPv6"];
    let kept = |rest: &str| own.iter().any(|name| rest.split("::").next() == Some(name));
    key.strip_prefix("Acquire::").is_some_and(kept)
}

fn sources(suite: &str, mirror: &Mirror) -> String {
    let keyring = mirror
        .keyring()
        .map(Path::to_owned)
        .or_else(|| KEYRINGS.iter().map(PathBuf::from).find(|path| path.exists()));
    let option = keyring.map_or_else(String::new, |path| format!("[signed-by={}] ", path.display()));
    let (archive, security) = (mirror.archive(), mirror.security());
    format!(
        "deb {option}{archive} {suite} main\ndeb {option}{archive} {suite}-updates main\n\
         deb {option}{security} {suite}-security main\n"
    )
}

/// A dpkg database that has these packages, in a version that satisfies whatever asks for them.
fn status(without: &[String]) -> String {
    let stanza = |name: &String| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: all\nMulti-Arch: foreign\n\
             Version: 9999\nMaintainer: nobody\nDescription: left out\n\n"
        )
    };
    without.iter().map(stanza).collect()
}

/// The archive's keys, as Debian 13 and 12 keep them.
const KEYRINGS: &[&str] =
    &["/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_s_network_counts_and_nothing_that_weakens_trust() {
        for (line, kept) in [
            ("Acquire::http::Proxy \"http://p:1\";", true),
            ("Acquire::https::CAInfo \"/ca\";", true),
            ("Acquire::Check-Date \"false\";", true),
            ("Acquire::Retries \"3\";", true),
            ("Acquire::AllowInsecureRepositories \"1\";", false),
            ("Acquire::IndexTargets::deb \"\";", false),
            ("APT::Update::Post-Invoke-Success:: \"rm\";", false),
            ("Dir::Etc \"etc/apt\";", false),
            ("Acquire \"\";", false),
        ] {
            assert_eq!(is_network(line), kept, "{line}");
        }
    }
}
