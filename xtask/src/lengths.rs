//! Files stay short enough to read in one sitting.

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// Lines of a Rust file.
const FILE_LIMIT: usize = 400;
/// Lines of a `main.rs`: a thin binary above everything.
const MAIN_LIMIT: usize = 100;
/// Lines of the file in the middle.
const MEDIAN_LIMIT: usize = 150;

/// Fails on a file over its limit, or when files have grown long on the whole.
pub(crate) fn run() -> Result<()> {
    let mut lengths = Vec::new();
    let mut over = Vec::new();
    for path in workspace::tracked(".rs")? {
        let text = std::fs::read_to_string(process::root().join(&path))
            .with_context(|| format!("failed to read {}", path.display()))?;
        let lines = text.lines().count();
        let limit = if path.ends_with("main.rs") { MAIN_LIMIT } else { FILE_LIMIT };
        if lines > limit {
            over.push(format!("{}: {lines} lines, limit {limit}", path.display()));
        }
        lengths.push(lines);
    }
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    if median > MEDIAN_LIMIT {
        over.push(format!("the median is {median} lines, limit {MEDIAN_LIMIT}"));
    }
    if !over.is_empty() {
        bail!("too long:\n  {}", over.join("\n  "));
    }
    println!("{} files, {} lines, median {median}.", lengths.len(), lengths.iter().sum::<usize>());
    Ok(())
}
