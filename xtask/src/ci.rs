//! `ci`: everything that must hold before a change lands, in one list.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{cuts, deb, demo, deny, layers, lengths, links, process, promises, same_bytes, setup, test, vm};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder laid out as the `RustSec` advisory database.
    #[arg(long, value_name = "DIR")]
    db: Option<PathBuf>,
    /// Only these steps, by name.
    #[arg(value_name = "STEP")]
    only: Vec<String>,
}

/// Runs every step, also after one has failed, and names the failed ones at the end.
pub(crate) fn run(args: &Args) -> Result<()> {
    let deny_args = deny::Args { db: args.db.clone() };
    let before = changes()?;
    let steps: Vec<(&str, Step<'_>)> = vec![
        ("setup", Box::new(prepared)),
        ("fmt", cargo(&["fmt", "--all", "--check"])),
        ("layers", Box::new(layers::run)),
        ("lengths", Box::new(lengths::run)),
        ("promises", Box::new(promises::run)),
        ("links", Box::new(links::run)),
        ("deny", Box::new(|| deny::run(&deny_args))),
        ("clippy", cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])),
        ("selector", Box::new(selector)),
        ("docs", Box::new(docs)),
        ("build", Box::new(test::build)),
        ("cuts", Box::new(|| cuts::run(&cuts::Args::default()))),
        ("test", Box::new(test::own)),
        // Each once, unmeasured: what is measured must run.
        ("parts", cargo(&["test", "--workspace", "--locked", "--bench", "parts"])),
        ("interop", Box::new(test::interop)),
        // Builds the image's programs, which the demo and the machines then find built.
        ("same-bytes", Box::new(same_bytes::ci)),
        ("deb", Box::new(deb::ci)),
        ("demo", Box::new(|| demo::run(&demo::Args::default()))),
        ("qemu", Box::new(vm::ci)),
        ("qemu-log", Box::new(cuts::recorded_now)),
        ("unchanged", Box::new(|| unchanged(&before))),
    ];
    if let Some(unknown) = args.only.iter().find(|name| !steps.iter().any(|(step, _)| step == name)) {
        bail!("there is no step {unknown:?}; the steps are {}", names(&steps));
    }
    let mut failed = Vec::new();
    let mut took = Vec::new();
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    for (name, step) in steps.iter().filter(|(name, _)| wanted(name)) {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = step();
        let seconds = start.elapsed().as_secs();
        took.push((*name, start.elapsed()));
        match outcome {
            Ok(()) => println!("== {name}: ok, {seconds} s"),
            Err(error) => {
                println!("== {name}: FAILED, {seconds} s: {error:#}");
                failed.push(*name);
            }
        }
    }
    println!("\n{}", minutes(&took));
    let all: Duration = took.iter().map(|(_, time)| *time).sum();
    if all > LIMIT {
        failed.push("all of it takes longer than 75 minutes");
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    println!("\nAll steps hold.");
    Ok(())
}

fn prepared() -> Result<()> {
    setup::ensure(&[setup::Use::Test, setup::Use::Demo, setup::Use::Deb])?;
    setup::for_machines()
}

/// The firmware's half of the selector, which is no part of a host's workspace build.
fn selector() -> Result<()> {
    for target in ["x86_64-unknown-uefi", "aarch64-unknown-uefi"] {
        let args = ["clippy", "--release", "-p", "updog-boot", "--target", target, "--locked"];
        process::run(process::cargo(&args).args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

/// What each part took, in the parts that the time is divided by.
fn minutes(took: &[(&str, Duration)]) -> String {
    let of = |wanted: &str| took.iter().filter(|(step, _)| part(step) == wanted).map(|(_, time)| *time).sum();
    let shown = |time: Duration| format!("{:.1} min", time.as_secs_f64() / 60.0);
    let parts = PARTS.iter().map(|(name, limit)| format!("{name} {} of {limit}", shown(of(name))));
    let all = took.iter().map(|(_, time)| *time).sum();
    let parts = parts.collect::<Vec<_>>().join(", ");
    format!("{parts}; in all {} of {}", shown(all), LIMIT.as_secs() / 60)
}

fn part(step: &str) -> &'static str {
    match step {
        "setup" => "setup",
        "clippy" | "selector" | "docs" | "build" | "same-bytes" => "build, clippy and docs",
        "test" | "cuts" | "parts" => "tests",
        "interop" => "interop",
        "qemu" | "qemu-log" => "QEMU",
        _ => "rest",
    }
}

/// Each with its share of the [`LIMIT`] in minutes. A part may borrow from another; a busy machine is no fault.
const PARTS: [(&str, u32); 6] =
    [("setup", 8), ("build, clippy and docs", 25), ("tests", 10), ("interop", 5), ("QEMU", 20), ("rest", 5)];

/// In all, so that a slower machine still ends before its 90 minutes are over.
const LIMIT: Duration = Duration::from_mins(75);

type Step<'a> = Box<dyn Fn() -> Result<()> + 'a>;

fn names(steps: &[(&str, Step<'_>)]) -> String {
    steps.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn cargo<'a>(args: &'a [&'a str]) -> Step<'a> {
    Box::new(|| process::run(&mut process::cargo(args)))
}

fn docs() -> Result<()> {
    let args = ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"];
    // Private items are documented, so links to them lead somewhere.
    process::run(process::cargo(&args).env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links"))
}

/// What differs from the last commit.
fn changes() -> Result<String> {
    process::output(&mut process::program("git", &["diff", "HEAD"]))
}

/// Generated files are committed: the steps above leave the tree as it was.
fn unchanged(before: &str) -> Result<()> {
    let after = changes()?;
    if after != before {
        process::run(&mut process::program("git", &["--no-pager", "diff", "--stat", "--exit-code"]))?;
        bail!("the checks changed files");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_counts_once() {
        let took =
            ["setup", "docs", "clippy", "test", "qemu", "fmt"].map(|step| (step, Duration::from_secs(90)));
        assert_eq!(
            minutes(&took),
            "setup 1.5 min of 8, build, clippy and docs 3.0 min of 25, tests 1.5 min of 10, interop 0.0 min of 5, QEMU 1.5 min of 20, \
             rest 1.5 min of 5; in all 9.0 min of 75"
        );
        let parts = ["setup", "build", "cuts", "interop", "qemu", "links"].map(part);
        assert_eq!(parts, PARTS.map(|(name, _)| name));
    }
}
