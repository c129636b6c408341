//! `ci`: everything that must hold before a change lands, in one list.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::{cuts, demo, deny, layers, lengths, links, process, promises, setup, test};

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
        ("setup", Box::new(|| setup::ensure(&[setup::Use::Test, setup::Use::Demo]))),
        ("fmt", cargo(&["fmt", "--all", "--check"])),
        ("layers", Box::new(layers::run)),
        ("lengths", Box::new(lengths::run)),
        ("promises", Box::new(promises::run)),
        ("links", Box::new(links::run)),
        ("deny", Box::new(|| deny::run(&deny_args))),
        ("clippy", cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])),
        ("docs", Box::new(docs)),
        ("cuts", Box::new(|| cuts::run(&cuts::Args::default()))),
        ("demo", Box::new(|| demo::run(&demo::Args::default()))),
        ("test", Box::new(|| test::run(&test::Args::default()))),
        ("unchanged", Box::new(|| unchanged(&before))),
    ];
    if let Some(unknown) = args.only.iter().find(|name| !steps.iter().any(|(step, _)| step == name)) {
        bail!("there is no step {unknown:?}; the steps are {}", names(&steps));
    }
    let mut failed = Vec::new();
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    for (name, step) in steps.iter().filter(|(name, _)| wanted(name)) {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = step();
        let seconds = start.elapsed().as_secs();
        match outcome {
            Ok(()) => println!("== {name}: ok, {seconds} s"),
            Err(error) => {
                println!("== {name}: FAILED, {seconds} s: {error:#}");
                failed.push(*name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    println!("\nAll steps hold.");
    Ok(())
}

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
