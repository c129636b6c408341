//! What README and documents point at is there.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// Fails on a relative link, or a path in backticks below one of our folders, that leads nowhere.
pub(crate) fn run() -> Result<()> {
    let root = process::root();
    let mut count = 0;
    let mut problems = Vec::new();
    for file in workspace::tracked(".md")? {
        let text = std::fs::read_to_string(root.join(&file))
            .with_context(|| format!("failed to read {}", file.display()))?;
        let folder = root.join(&file).parent().map(Path::to_owned).unwrap_or_default();
        let links = links(&text).into_iter().map(|link| (link, folder.join(link)));
        let paths = paths(&text).into_iter().filter(|path| is_ours(&root, path));
        for (name, path) in links.chain(paths.map(|path| (path, root.join(path)))) {
            count += 1;
            if !path.exists() {
                problems.push(format!("{}: {name} is not there", file.display()));
            }
        }
    }
    if !problems.is_empty() {
        bail!("documents point at nothing:\n  {}", problems.join("\n  "));
    }
    println!("{count} links and paths in documents lead somewhere.");
    Ok(())
}

/// The targets of `[text](target)` that are files.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://")).collect()
}

/// What stands in backticks and looks like one path.
fn paths(text: &str) -> Vec<&str> {
    let words = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    // NAME stands for any.
    words.filter(|word| word.contains('/') && word.chars().all(is_plain) && !word.contains("NAME")).collect()
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "/._-".contains(letter)
}

/// Whether its first part is a folder that git knows, such as `docs`.
fn is_ours(root: &Path, path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    !["", ".", "..", "target", ".git"].contains(&first) && root.join(first).is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_paths_are_found() {
        let text =
            "See [a](docs/a.md#part) and [b](https://example.org), `docs/b.md` and `docs/{c,d}` and `plain`.";
        assert_eq!(links(text), ["docs/a.md"]);
        assert_eq!(paths(text), ["docs/b.md"]);
    }
}
