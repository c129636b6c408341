//! What each error says to do can be done, and the page lists every word that a script may get.

use std::collections::BTreeSet;

use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::cli::{Args, Ending};

/// The source of the hints; every command in them stands between escaped quotes.
const HINTS: &[&str] = &[
    include_str!("hint.rs"),
    include_str!("../keys/error.rs"),
    include_str!("../request/fault.rs"),
    include_str!("../delta/refusal.rs"),
    include_str!("../intent/error.rs"),
    include_str!("../store/s3/fault.rs"),
];

#[test]
fn every_variant_decides() {
    let variants: Vec<&str> = include_str!("mod.rs")
        .split_once("pub enum Error {")
        .and_then(|(_, rest)| rest.split_once("\n}\n"))
        .map(|(body, _)| body.lines().filter_map(variant).collect())
        .unwrap();
    assert!(variants.len() > 60, "{variants:?}");
    for (what, source) in [("exit", include_str!("exit.rs")), ("hint", HINTS[0])] {
        let body = source.split_once(&format!("pub fn {what}(&self)")).unwrap().1;
        let body = body.split_once("\n    }\n").unwrap().0;
        assert!(!body.contains("_ =>"), "{what} lets a new error through");
        for variant in &variants {
            let named =
                [format!("Self::{variant} "), format!("Self::{variant}("), format!("Self::{variant}\n")];
            assert!(named.iter().any(|name| body.contains(name)), "{what} of {variant}");
        }
    }
    // Their own words say what is expected, or nobody but us can act; whoever adds to them says so here.
    let silent =
        HINTS[0].split_once("let text = match self {").unwrap().1.split_once("return None").unwrap().0;
    let silent: Vec<&str> =
        silent.split("Self::").skip(1).filter_map(|name| name.split(' ').next()).collect();
    assert_eq!(silent, ["Usage", "Pack", "Delta", "Encode", "GenerateKey"]);
}

fn variant(line: &str) -> Option<&str> {
    let name = line.strip_prefix("    ")?;
    let end = name.find([' ', '(', ',']).unwrap_or(name.len());
    let name = name.get(..end)?;
    let word = name.chars().all(char::is_alphanumeric) && name.starts_with(char::is_uppercase);
    word.then_some(name)
}

#[test]
fn every_command_of_a_hint_is_one_that_is_understood() {
    let mut tried = 0;
    for command in HINTS.iter().flat_map(|source| commands(source)) {
        let words: Vec<String> = command.split_whitespace().map(typed).collect();
        if let Err(error) = Args::command().try_get_matches_from(&words) {
            // A verb alone is the name of the verb, not what to type.
            let is_name =
                words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            assert!(is_name && error.kind() == ErrorKind::MissingRequiredArgument, "{command}: {error}");
        }
        tried += 1;
    }
    assert!(tried >= 15, "{tried} commands found");
}

/// The commands in the texts of a source, as they are said.
fn commands(source: &str) -> Vec<String> {
    let quoted = source.split("\\\"").skip(1).step_by(2);
    quoted.filter(|text| text.starts_with("updog-repo ")).map(str::to_owned).collect()
}

/// A word as somebody would type it.
fn typed(word: &str) -> String {
    match word {
        "V" => "1.0.0",
        "{role}" | "ROLES" => "targets",
        "{}" | "{place}" => "somewhere",
        "N" | "{found}" => "2",
        _ => return word.to_owned(),
    }
    .to_owned()
}

/// The words after `"reason"` are a promise to scripts: the page lists them all, and no other.
#[test]
fn the_page_lists_every_exit_code_and_every_reason() {
    let page = include_str!("../../../docs/repository.md");
    let (_, section) = page.split_once("## Exit codes and `--json`").unwrap();
    let codes = section.split_once("`--json`").unwrap().0;
    for exit in updater_core::Exit::ALL {
        let code = exit.code();
        assert!(codes.contains(&format!("{code} ")), "exit {code} in {codes}");
        let about = Args::command().get_long_about().unwrap().to_string().replace('\n', " ");
        assert!(about.contains(&format!(" {code} ")), "exit {code} in --help");
    }
    let listed =
        section.split_once("`reason`").unwrap().1.split_once(':').unwrap().1.split_once('.').unwrap().0;
    let listed: BTreeSet<&str> =
        listed.split([',', '\n']).map(str::trim).filter(|word| !word.is_empty()).collect();
    let errors = [include_str!("exit.rs"), include_str!("../keys/error.rs")].map(reasons_of);
    let said: BTreeSet<&str> =
        errors.into_iter().flat_map(words).chain(Ending::ALL.map(Ending::word)).collect();
    assert_eq!(listed, said);
}

/// The body of the function that gives the word.
fn reasons_of(source: &str) -> &str {
    source.split_once("pub fn reason(&self)").unwrap().1.split_once("\n    }\n").unwrap().0
}

/// The words between quotes that are a reason.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}
