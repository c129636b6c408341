//! `conformance`: the official TUF client suite against our client, beside the python-tuf client it brings along.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::process;
use crate::python::Python;
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
    let python = Python::prepare(&target)?;
    process::run(&mut process::cargo(&["build", "--release", "-p", "trust-client", "--example", EXAMPLE]))?;

    let ours = run_suite(&python, &suite, &target.join("release/examples").join(EXAMPLE), &folder)?;
    println!("updog:      {ours}");
    let theirs = run_suite(&python, &suite, &theirs, &folder)?;
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

/// Runs the whole suite against one client. A failed test is a number in the report, not an error here.
fn run_suite(python: &Python, suite: &Path, client: &Path, folder: &Path) -> Result<Report> {
    let xfails = PathBuf::from(format!("{}.xfails", client.display()));
    let file = folder.join("report.json");
    let _ = fs::remove_file(&file);
    let mut command = process::program(&python.bin("pytest")?, &["-q", "tuf_conformance", "--json-report"]);
    command.arg(format!("--json-report-file={}", file.display()));
    command.arg("--entrypoint").arg(client).current_dir(suite);
    // The bundled client starts the first `python` in the path.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = std::iter::once(python.programs()).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(own).context("failed to extend PATH")?);
    let status = command.status().context("failed to start pytest")?;
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => bail!("pytest left no report ({status}): {error}"),
    };
    let report: Report = serde_json::from_str(&text).context("failed to read pytest's report")?;
    Ok(Report { expected_failures: xfails.exists(), ..report })
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
