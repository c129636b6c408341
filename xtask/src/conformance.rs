//! `conformance`: the official TUF client suite against our client, beside the python-tuf client it brings along.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::process;
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A checkout of theupdateframework/tuf-conformance.
    #[arg(long, value_name = "DIR")]
    pub(crate) suite: PathBuf,
}

/// Runs the suite twice and compares.
pub(crate) fn run(args: &Args) -> Result<()> {
    let suite = args.suite.canonicalize().context("failed to find the checkout of the suite")?;
    let theirs = suite.join("clients/python-tuf/python_tuf.py");
    ensure!(theirs.is_file(), "expected a checkout of tuf-conformance in {}", suite.display());
    // The suite turns the client's clock with it.
    ensure!(process::is_installed("faketime"), "faketime is missing: cargo xtask setup conformance");

    let target = Workspace::load()?.target_directory;
    let folder = target.join("conformance");
    let python = Python::prepare(&folder.join("venv"))?;
    process::run(&mut process::cargo(&["build", "--release", "-p", "trust-client", "--example", EXAMPLE]))?;

    let ours = python.suite(&suite, &target.join("release/examples").join(EXAMPLE), &folder)?;
    println!("updog:      {ours}");
    let theirs = python.suite(&suite, &theirs, &folder)?;
    println!("python-tuf: {theirs}");
    let ratio = ours.duration / theirs.duration;
    println!("ratio:      {ratio:.2} of python-tuf's time (at most {MOST})");

    let Summary { passed, total, .. } = ours.summary;
    ensure!(
        (passed, total) == (TESTS, TESTS),
        "expected {TESTS} of {TESTS} passed, found {passed} of {total}"
    );
    ensure!(ratio <= MOST, "expected at most {MOST} of python-tuf's time, found {ratio:.2}");
    Ok(())
}

/// A Python of our own, with what the suite needs.
#[derive(Debug)]
struct Python {
    folder: PathBuf,
}

impl Python {
    fn prepare(folder: &Path) -> Result<Self> {
        let python = Self { folder: folder.to_owned() };
        let marker = folder.join("needs");
        let needs = NEEDS.join("\n");
        if fs::read_to_string(&marker).is_ok_and(|found| found == needs) {
            return Ok(python);
        }
        let text = folder.to_str().context("the target folder's path is not UTF-8")?;
        process::run(&mut process::program("python3", &["-m", "venv", "--clear", text]))?;
        let pip = python.bin("pip")?;
        let args: Vec<&str> =
            ["install", "--quiet", "--disable-pip-version-check"].into_iter().chain(NEEDS).collect();
        process::run(&mut process::program(&pip, &args))?;
        // Written last, so that a cut install is done again.
        fs::write(marker, needs).context("failed to mark the Python folder as complete")?;
        Ok(python)
    }

    /// Runs the whole suite against one client. A failed test is a number in the report, not an error here.
    fn suite(&self, suite: &Path, client: &Path, folder: &Path) -> Result<Report> {
        let xfails = PathBuf::from(format!("{}.xfails", client.display()));
        let file = folder.join("report.json");
        let _ = fs::remove_file(&file);
        let mut command = process::program(&self.bin("pytest")?, &["-q", "tuf_conformance", "--json-report"]);
        command.arg(format!("--json-report-file={}", file.display()));
        command.arg("--entrypoint").arg(client).current_dir(suite);
        // The bundled client starts the first `python` in the path.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = std::iter::once(self.folder.join("bin")).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(own).context("failed to extend PATH")?);
        let status = command.status().context("failed to start pytest")?;
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => bail!("pytest left no report ({status}): {error}"),
        };
        let report: Report = serde_json::from_str(&text).context("failed to read pytest's report")?;
        Ok(Report { expected_failures: xfails.exists(), ..report })
    }

    fn bin(&self, name: &str) -> Result<String> {
        let path = self.folder.join("bin").join(name);
        path.into_os_string().into_string().ok().context("the target folder's path is not UTF-8")
    }
}

#[derive(Debug, Deserialize)]
struct Report {
    /// Seconds.
    duration: f64,
    summary: Summary,
    #[serde(skip)]
    expected_failures: bool,
}

#[derive(Debug, Deserialize)]
struct Summary {
    #[serde(default)]
    passed: u32,
    total: u32,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Summary { passed, total } = self.summary;
        let expected = if self.expected_failures { ", some failures expected" } else { "" };
        write!(f, "{passed} of {total} passed in {:.1} s{expected}", self.duration)
    }
}

const EXAMPLE: &str = "tuf-conformance";

/// Tests in version 2.4.0 of the suite.
const TESTS: u32 = 113;

/// The part of python-tuf's time that we allow ourselves.
const MOST: f64 = 0.5;

/// What the suite asks for, pinned.
const NEEDS: [&str; 4] =
    ["tuf==7.0.0", "securesystemslib[crypto]==1.4.0", "pytest==9.1.1", "pytest-json-report==1.5.0"];
