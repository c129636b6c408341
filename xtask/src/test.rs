//! `test`: all tests, with one closing line over all of them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::needs::{Asked, Ran};
use crate::python::Python;
use crate::workspace::Workspace;
use crate::{process, setup};

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Passed on to `cargo test`, such as `-p waves`; the whole workspace when left out.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    // Doc tests come with it.
    let all = args.rest.is_empty().then(|| "--workspace".to_owned());
    let words: Vec<String> = all.iter().chain(&args.rest).cloned().collect();
    tested(&words, if all.is_some() { Asked::All } else { Asked::Some })
}

/// For `ci`: builds them.
pub(crate) fn build() -> Result<()> {
    process::run(&mut process::cargo(&["test", "--workspace", "--no-run"]))
}

/// For `ci`: all but those that [`interop`] runs.
pub(crate) fn own() -> Result<()> {
    let skip = PEERS.iter().flat_map(|peer| ["--skip", peer]);
    let words: Vec<String> = ["--workspace", "--"].into_iter().chain(skip).map(str::to_owned).collect();
    tested(&words, Asked::Own)
}

/// For `ci`: those against other implementations.
pub(crate) fn interop() -> Result<()> {
    let words: Vec<String> =
        ["--workspace", "--tests", "--"].iter().chain(&PEERS).map(|word| (*word).to_owned()).collect();
    tested(&words, Asked::Interop)
}

fn tested(words: &[String], asked: Asked) -> Result<()> {
    setup::ensure(&[setup::Use::Test])?;
    let target = Workspace::load()?.target_directory;
    let (python, moto) = (Python::prepare(&target)?, Python::with_moto(&target)?);
    let schemathesis = Python::with_schemathesis(&target)?.bin("schemathesis")?;
    let mut command = process::cargo(&["test", "--no-fail-fast"]);
    command.env("UPDOG_SCHEMATHESIS", schemathesis);
    command.args(words).env("UPDOG_PYTHON", python.bin("python")?).env("UPDOG_MOTO", moto.bin("python")?);
    let mut ran = Ran::default();
    let (mut count, mut passed) = counted(&mut command, &mut ran)?;
    if matches!(asked, Asked::All | Asked::Own) {
        match loop_devices() {
            Ok(()) => {
                // Of the whole workspace: with the features of its crate alone all libraries would be built again.
                let test = ["test", "--workspace", "--test", "block_device"];
                let words = ["--", "--ignored", "--test-threads=1"];
                let (more, held) = counted(process::cargo(&test).args(words), &mut ran)?;
                // The run above has counted them as skipped.
                count.ignored = count.ignored.saturating_sub(more.passed + more.failed);
                count.passed += more.passed;
                count.failed += more.failed;
                passed &= held;
            }
            Err(why) => println!(
                "NOT RUN: the tests on real block devices (partition/disk/tests/block_device.rs): {why:#}"
            ),
        }
    }
    println!("{ran}");
    println!("tests: {} passed, {} failed, {} skipped", count.passed, count.failed, count.ignored);
    if !passed {
        bail!("tests failed");
    }
    if count.passed == 0 {
        bail!("no test ran");
    }
    let lacks = ran.lacks(asked);
    if !lacks.is_empty() {
        bail!("no test ran with {}: expected one of each at least", lacks.join(", "));
    }
    Ok(())
}

/// In the names of the tests that read what others wrote, or have others read what we wrote: python-tuf, sgdisk.
const PEERS: [&str; 2] = ["interop", "sgdisk"];

/// Whether loop devices can be had: they need root and a kernel that has them.
fn loop_devices() -> Result<()> {
    let free =
        Command::new("losetup").arg("--find").stderr(Stdio::null()).output().context("losetup is missing")?;
    if !free.status.success() {
        bail!("this user or kernel has no loop devices");
    }
    let device = String::from_utf8_lossy(&free.stdout).trim().to_owned();
    let name = device.rsplit('/').next().unwrap_or_default();
    if !Path::new("/sys/block").join(name).is_dir() {
        bail!("/sys/block does not show {device}");
    }
    std::fs::File::options()
        .write(true)
        .open(&device)
        .with_context(|| format!("failed to open {device} for writing"))?;
    Ok(())
}

/// What the `test result:` lines of one run add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Count {
    fn add(&mut self, line: &str) {
        let Some((_, rest)) = line.split_once("test result: ") else { return };
        let figure = |word: &str| -> u64 {
            let before = rest.split(word).next().filter(|before| before.len() < rest.len());
            before.and_then(|before| before.split_whitespace().last()?.parse().ok()).unwrap_or(0)
        };
        self.passed += figure(" passed");
        self.failed += figure(" failed");
        self.ignored += figure(" ignored");
    }
}

/// Runs, shows the output as it comes, and adds it up.
fn counted(command: &mut Command, ran: &mut Ran) -> Result<(Count, bool)> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("failed to start cargo test")?;
    let mut count = Count::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.context("failed to read the output of cargo test")?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            count.add(&line);
            ran.add(&line);
        }
    }
    let status = child.wait().context("failed to wait for cargo test")?;
    Ok((count, status.success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_add_up() {
        let mut count = Count::default();
        count.add(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        count.add(
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 9s",
        );
        count.add("test waves::open ... ok");
        assert_eq!(count, Count { passed: 15, failed: 2, ignored: 1 });
    }
}
