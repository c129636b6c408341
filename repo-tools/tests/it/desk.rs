//! A desk with a release on it, where lines of shell run and everything said is kept to be searched for secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::common::write_release;
use crate::interop::read_by_python_tuf;

pub(crate) struct Desk {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) said: Vec<u8>,
    variables: Vec<(&'static str, String)>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap(), said: Vec::new(), variables: Vec::new() };
        write_release(&desk.path("release"), "1.0.0", "1.0.0");
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file with a secret in it, 0600.
    pub(crate) fn private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A variable for the lines that follow.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
    }

    /// Runs a line of shell in which `$U` is the program; nobody sits at a terminal.
    pub(crate) fn run(&mut self, line: &str) -> Output {
        let output = Command::new("setsid")
            .args(["-w", "sh", "-c", line])
            .env("U", env!("CARGO_BIN_EXE_updog-repo"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        self.said.extend(&output.stdout);
        self.said.extend(&output.stderr);
        output
    }

    /// Runs a line that ends so, and returns what it complained of.
    pub(crate) fn ends(&mut self, line: &str, code: i32) -> String {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        said
    }

    /// Runs a line that succeeds, and returns its answer.
    pub(crate) fn done(&mut self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// From nothing to a published repository that this key alone has signed, which the hosts' rules accept.
    pub(crate) fn publishes_with(&mut self, key: &str, name: &str) {
        for line in [
            format!("$U --repo {name} init"),
            format!("$U --repo {name} root add-key '{key}' --role all"),
            format!("$U --repo {name} release add release --level 1"),
            format!("$U --repo {name} sign --key '{key}'"),
            format!("$U --repo {name} publish public-{name}"),
            format!("$U refresh public-{name} --key '{key}' --json"),
            format!("$U validate public-{name} --root {name}/root/1.root.json"),
        ] {
            self.ends(&line, 0);
        }
    }

    /// python-tuf downloads what [`Desk::publishes_with`] published.
    pub(crate) fn is_read_by_python_tuf(&self, name: &str) {
        let work = self.path(&format!("python-{name}"));
        fs::create_dir(&work).unwrap();
        assert!(read_by_python_tuf(&self.path(&format!("public-{name}")), &work) > 1, "{name}");
    }

    /// None of these bytes was said, or lies in one of these folders.
    pub(crate) fn never_said(&self, secrets: &[&[u8]], folders: &[&str]) {
        let mut all = self.said.clone();
        assert!(!all.is_empty(), "nothing to search");
        for folder in folders {
            let before = all.len();
            add(&self.path(folder), &mut all);
            assert!(all.len() > before, "{folder} is empty");
        }
        for secret in secrets {
            assert!(!all.windows(secret.len()).any(|window| window == *secret), "a secret was said or kept");
        }
    }
}

fn add(dir: &Path, all: &mut Vec<u8>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        all.extend(path.as_os_str().as_encoded_bytes());
        if path.is_dir() {
            add(&path, all);
        } else {
            all.extend(fs::read(path).unwrap());
        }
    }
}
