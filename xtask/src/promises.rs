//! The README's table of promises names tests; this checks that they exist.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::process;

/// How many promises the design makes: P1 to P10.
const PROMISES: usize = 10;

/// Fails when a promise has no test, or names one that is not there.
pub(crate) fn run() -> Result<()> {
    let path = process::root().join("README.md");
    let readme =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let named = named(&readme);
    let mut problems = Vec::new();
    for number in 1..=PROMISES {
        if named.get(&number).is_none_or(Vec::is_empty) {
            problems.push(format!("P{number}: no test is named"));
        }
    }
    for (number, tests) in &named {
        for (file, test) in tests {
            let text = std::fs::read_to_string(process::root().join(file)).unwrap_or_default();
            if !has_test(&text, test) {
                problems.push(format!("P{number}: {file} has no test {test}"));
            }
        }
    }
    if !problems.is_empty() {
        bail!("the README promises what no test proves:\n  {}", problems.join("\n  "));
    }
    println!("{} promises, {} tests named.", named.len(), named.values().map(Vec::len).sum::<usize>());
    Ok(())
}

/// Rows whose first cell starts with P and a number; in backticks a file, then its tests, then perhaps another file.
fn named(readme: &str) -> BTreeMap<usize, Vec<(String, String)>> {
    let mut named: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for row in readme.lines().filter(|line| line.starts_with("| P")) {
        let number =
            row.trim_start_matches("| P").split(|c: char| !c.is_ascii_digit()).next().map(str::parse);
        let Some(Ok(number)) = number else { continue };
        let mut file = "";
        for word in row.split('`').skip(1).step_by(2) {
            if word.contains('/') {
                file = word;
            } else {
                named.entry(number).or_default().push((file.to_owned(), word.to_owned()));
            }
        }
    }
    named
}

/// Whether a function of this name carries a test attribute, or stands in a `proptest!` block.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let starts = [format!("fn {name}("), format!("async fn {name}(")];
    lines.iter().enumerate().any(|(at, line)| {
        let above = &lines[at.saturating_sub(4)..at];
        let is_test =
            above.iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"));
        is_test && starts.iter().any(|start| line.starts_with(start.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_files_and_their_tests() {
        let row = "| P3 | text | `a/b.rs` `one`, `two`; `c/d.rs` `three` |\n| Peer | x |";
        let pairs = [("a/b.rs", "one"), ("a/b.rs", "two"), ("c/d.rs", "three")];
        let expected = pairs.map(|(file, test)| (file.to_owned(), test.to_owned())).to_vec();
        assert_eq!(named(row), BTreeMap::from([(3, expected)]));
    }

    #[test]
    fn a_function_without_the_attribute_is_no_test() {
        let text = "#[test]\n#[expect(x)]\nfn real() {}\n\n\n\nfn helper() {}\n";
        assert!(has_test(text, "real"));
        assert!(!has_test(text, "helper"));
        assert!(!has_test(text, "rea"));
    }
}
