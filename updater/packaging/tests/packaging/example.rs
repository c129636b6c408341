//! The example configuration: every key, once, with the default that `config show` prints.

use std::collections::BTreeMap;
use std::fs;

use toml::Value;
use updog::config::{self, Merged, Settings, Strictness};

use crate::packaged;

fn text() -> String {
    fs::read_to_string(packaged("updog.toml.example")).unwrap()
}

/// `# words` are for people; `#key = value` is a line of TOML that says nothing yet.
fn with_all_keys() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(key) if !key.is_empty() && !key.starts_with(' ') => key.to_owned(),
        _ => line.to_owned(),
    };
    text().lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Each key with the words above it.
fn keys() -> Vec<(String, String)> {
    let (text, mut section, mut words, mut keys) = (text(), String::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("#[").and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
            words.clear();
        } else if let Some(word) = line.strip_prefix("# ") {
            words.push(word.to_owned());
        } else if let Some((key, _)) = line.strip_prefix('#').and_then(|rest| rest.split_once(" = ")) {
            keys.push((format!("{section}{key}"), words.join(" ")));
            words.clear();
        } else {
            assert!(line.is_empty(), "{line:?}");
            words.clear();
        }
    }
    keys
}

#[test]
fn as_it_is_it_says_nothing() {
    assert!(text().parse::<toml::Table>().unwrap().is_empty());
}

#[test]
fn every_key_is_there_once_with_its_default() {
    let found = keys();
    let with_all: toml::Table = with_all_keys().parse().unwrap();
    let value = |key: &str| -> &Value {
        match key.split_once('.') {
            Some((section, key)) => &with_all[section][key],
            None => &with_all[key],
        }
    };
    let words: BTreeMap<&str, &str> = found.iter().map(|(key, words)| (&**key, &**words)).collect();
    assert_eq!(words.len(), found.len(), "no key is there twice");
    let shown = Merged::default().show(&Settings::defaults());
    assert_eq!(found.len(), shown.len());
    for shown in shown {
        let key = shown.key;
        let words = *words.get(key).unwrap_or_else(|| panic!("{key} is missing"));
        assert!(words.len() > 10 && words.ends_with('.'), "{key}: {words:?}");
        match shown.value {
            // That of the machine that this is built for.
            Some(_) if key == "arch" => assert!(value(key).is_str()),
            Some(default) => {
                assert_eq!(*value(key), default, "{key}");
                assert!(!words.contains("Not set"), "{key}");
            }
            None => {
                assert!(words.contains("Not set"), "{key} has no default, and does not say so: {words:?}");
            }
        }
    }
}

/// Examples of values without a default are understood too.
#[test]
fn all_of_it_is_a_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("updog.toml");
    fs::write(&file, with_all_keys()).unwrap();
    let loaded = config::load(Some(&file), Strictness::Strict).unwrap();
    assert!(loaded.notes.is_empty(), "{:?}", loaded.notes);
    assert!(loaded.merged.show(&config::Fragment::default()).iter().all(|shown| shown.value.is_some()));
    // A word that is no key is found.
    fs::write(&file, with_all_keys().replace("retries", "retrys")).unwrap();
    assert!(config::load(Some(&file), Strictness::Strict).is_err());
}
