//! The manual pages: one for each verb, and mandoc finds nothing to warn of.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use updater_core::{Exit, Reason};
use updog_packaging::manual::{Page, pages};

use crate::said;

fn all() -> Vec<Page> {
    updog_packaging::programs().iter().flat_map(|program| pages(program).unwrap()).collect()
}

#[test]
fn every_verb_has_a_page() {
    let found: BTreeSet<String> = all().into_iter().map(|page| page.name).collect();
    let mut expected = BTreeSet::new();
    for program in updog_packaging::programs() {
        let name = program.get_name();
        expected.insert(format!("{name}.1"));
        let verbs = program.get_subcommands().filter(|verb| !verb.is_hide_set());
        expected.extend(verbs.map(|verb| format!("{name}-{}.1", verb.get_name())));
    }
    // The one verb of two words.
    expected.insert("updog-config-show.1".to_owned());
    assert_eq!(found, expected);
    assert!(found.contains("updog-serve.1") && found.contains("signpost-status.1"), "{found:?}");
}

#[test]
fn mandoc_finds_nothing_to_warn_of() {
    let dir = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for page in all() {
        paths.push(dir.path().join(&page.name));
        fs::write(paths.last().unwrap(), &page.text).unwrap();
    }
    let lint = |paths: &[std::path::PathBuf]| {
        said(Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).args(paths))
    };
    let (well, words) = lint(&paths);
    assert!(well && words.is_empty(), "{words}");
    // It is one that warns.
    fs::write(&paths[0], [&all()[0].text[..], b".SH\n.XX\n"].concat()).unwrap();
    let (well, words) = lint(&paths[..1]);
    assert!(!well && !words.is_empty(), "{words}");
}

#[test]
fn a_page_says_what_it_should() {
    let dir = tempfile::tempdir().unwrap();
    for page in all() {
        let path = dir.path().join(&page.name);
        fs::write(&path, &page.text).unwrap();
        let (well, shown) = said(Command::new("mandoc").args(["-T", "ascii"]).arg(&path));
        // Without what prints bold on paper.
        let shown: String = unstruck(&shown);
        assert!(well, "{}: {shown}", page.name);
        for title in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "FILES", "SEE ALSO"] {
            assert!(shown.lines().any(|line| line == title), "{} has no {title}:\n{shown}", page.name);
        }
        if page.name.starts_with("updog") {
            let has = |word: &str| shown.lines().any(|line| line.split_whitespace().next() == Some(word));
            assert!(Exit::ALL.iter().all(|exit| has(&exit.code().to_string())), "{}", page.name);
            let reasons = Reason::ALL.iter().all(|reason| has(reason.as_str()));
            assert_eq!(reasons, page.name == "updog.1", "{}", page.name);
            assert!(has("/etc/updog.toml") && shown.contains("--json"), "{}", page.name);
        }
    }
}

/// A letter over itself is a bold one, over `_` an underlined one.
fn unstruck(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        if letter == '\u{8}' {
            plain.pop();
        } else {
            plain.push(letter);
        }
    }
    plain
}
