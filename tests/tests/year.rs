//! docs/year.md is what happens: every command of the page, at the time it names, with the output it shows.
//!
//! `updog-repo` and `updog` are the real programs, the hosts ask over HTTP. Only the hosts are played: `ssh early` and
//! `ssh late` run on this machine, each with a configuration and a state folder of its own.
#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use chrono::DateTime;
use fixtures::server::{Faults, Server};

#[test]
fn the_year_goes_as_the_page_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/year.md");
    let page = fs::read_to_string(page).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path().join("public"), Faults::default()).unwrap();
    set_up(dir.path(), server.url().as_str());
    let mut wrong = String::new();
    let mut shelf = Shelf::default();
    for step in steps(&page) {
        let said = step.run(dir.path());
        shelf.date(&dir.path().join("public"), step.at);
        let fine = match step.shown {
            Some(shown) => matches(&shown.lines().collect::<Vec<_>>(), &said.lines().collect::<Vec<_>>()),
            None => !said.contains("(exit "),
        };
        if !fine {
            let lines = step.lines.join("\n");
            write!(
                wrong,
                "\n{}\n{lines}\nshown:\n{}\nsaid:\n{said}",
                step.at,
                step.shown.unwrap_or_default()
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "the page shows something else than what was said:{wrong}");
}

#[test]
fn every_chapter_ends_with_a_look_at_the_repository_and_what_a_host_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/year.md");
    let page = fs::read_to_string(page).unwrap();
    let chapters: Vec<&str> = page.split("\n## ").skip(1).collect();
    assert!(chapters.len() >= 7, "{}", chapters.len());
    let mut before = "";
    for chapter in chapters {
        let title = chapter.lines().next().unwrap();
        let steps = steps(chapter);
        let last = steps.last().unwrap_or_else(|| panic!("{title}: no command"));
        let has = |words: &str| last.lines.iter().any(|line| line.contains(words));
        assert!(has("updog-repo validate") && has(" updog check"), "{title}");
        assert!(last.shown.is_some(), "{title}: the last look is shown");
        for step in &steps {
            assert!(step.at >= before, "{title}: {} is before {before}", step.at);
            before = step.at;
        }
    }
}

#[test]
fn a_page_that_is_wrong_is_found() {
    for (shown, said, fine) in [
        ("a\nb", "a\nb", true),
        ("a", "a\nb", false),
        ("a\nb", "a", false),
        ("a … c", "a b c", true),
        ("a … c", "a b d", false),
        ("…\nb", "a\na\nb", true),
        ("…\nb", "a\na", false),
        ("a …", "b", false),
        ("…", "", true),
    ] {
        let (shown, said): (Vec<_>, Vec<_>) = (shown.lines().collect(), said.lines().collect());
        assert_eq!(matches(&shown, &said), fine, "{shown:?} {said:?}");
    }
}

/// A block of commands, the time they are run at, and the block of output that follows.
struct Step<'a> {
    at: &'a str,
    lines: Vec<&'a str>,
    shown: Option<&'a str>,
}

/// A time in bold sets the clock; a `sh` block is run, and a `text` block right after it is what came of it.
fn steps(page: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut at = "";
    for (number, part) in page.split("```").enumerate() {
        if number % 2 == 0 {
            let bold = part.split("**").skip(1).step_by(2);
            at = bold.filter(|word| word.starts_with("20") && word.ends_with('Z')).last().unwrap_or(at);
            continue;
        }
        let (language, block) = part.split_once('\n').unwrap();
        match language {
            "sh" => steps.push(Step { at, lines: block.lines().collect(), shown: None }),
            "text" => steps.last_mut().unwrap().shown = Some(block),
            _ => {}
        }
    }
    steps
}

impl Step<'_> {
    /// What the lines say: standard output, errors and hints, and how a line ended that did not end well.
    fn run(&self, dir: &Path) -> String {
        let mut said = String::new();
        for line in &self.lines {
            let path = format!("{}:{}", dir.join("bin").display(), std::env::var("PATH").unwrap());
            let output = Command::new("sh")
                .args(["-c", line])
                .env("PATH", path)
                .env("NOW", self.at)
                .current_dir(dir)
                .output()
                .unwrap();
            said += &String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            for line in errors.lines().filter(|line| !is_progress(line)) {
                writeln!(said, "{line}").unwrap();
            }
            match output.status.code().unwrap() {
                0 => {}
                code => writeln!(said, "(exit {code})").unwrap(),
            }
        }
        said
    }
}

/// The file server's clock: `prune` asks when a file was written.
#[derive(Default)]
struct Shelf(BTreeMap<PathBuf, SystemTime>);

impl Shelf {
    /// What a step wrote was written at the step's time.
    fn date(&mut self, public: &Path, at: &str) {
        let at: SystemTime = DateTime::parse_from_rfc3339(at).unwrap().into();
        for part in ["metadata", "targets"].map(|part| public.join(part)) {
            for entry in fs::read_dir(part).into_iter().flatten() {
                let entry = entry.unwrap();
                let written = entry.metadata().unwrap().modified().unwrap();
                if self.0.get(&entry.path()) != Some(&written) {
                    fs::File::open(entry.path()).unwrap().set_modified(at).unwrap();
                    self.0.insert(entry.path(), at);
                }
            }
        }
    }
}

fn is_progress(line: &str) -> bool {
    line.ends_with(" bytes") && line.contains(": ") || line == "refreshing the trusted metadata."
}

/// `…` in a line stands for some of it, as a line for some lines.
fn matches(shown: &[&str], said: &[&str]) -> bool {
    match (shown.split_first(), said.split_first()) {
        (None, None) => true,
        (Some((&"…", rest)), _) => (0..=said.len()).any(|skipped| matches(rest, &said[skipped..])),
        (None, Some(_)) | (Some(_), None) => false,
        (Some((line, rest)), Some((found, left))) => same(line, found) && matches(rest, left),
    }
}

fn same(shown: &str, said: &str) -> bool {
    let Some((start, end)) = shown.split_once('…') else { return shown == said };
    said.strip_prefix(start).is_some_and(|rest| {
        rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| same(end, &rest[at..]))
    })
}

/// Seven releases, the programs at the page's time, and two hosts that were shipped with 1.0.0.
fn set_up(dir: &Path, url: &str) {
    for version in ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "2.0.0", "2.1.0"] {
        fixtures::release::write(&dir.join("out").join(version), version, version).unwrap();
    }
    fs::create_dir_all(dir.join("bin/real")).unwrap();
    fs::create_dir(dir.join("public")).unwrap();
    for program in ["updog", "updog-repo"] {
        symlink(env!("CARGO_BIN_EXE_programs"), dir.join("bin/real").join(program)).unwrap();
    }
    script(dir, "updog-repo", r#"exec "$(dirname "$0")/real/updog-repo" --clock "$NOW" "$@""#);
    let host = r#"host=$1; shift 2
exec "$(dirname "$0")/real/updog" --clock "$NOW" --config "$host/updog.toml" --state "$host/state" --os-release os-release "$@""#;
    script(dir, "ssh", host);
    fs::write(dir.join("os-release"), "VARIANT_ID=tiny\nVERSION_ID=1.0.0\n").unwrap();
    for (host, seed) in [("early", 100), ("late", 1900)] {
        let root = dir.join(host).join("root.json");
        let config = format!(
            "metadata_base_url = \"{url}metadata/\"\ntargets_base_url = \"{url}targets/\"\nroot = \"{}\"\nseed = {seed}\nvariant = \"tiny\"\narch = \"x86_64\"\nretries = 0\n",
            root.display()
        );
        fs::create_dir(dir.join(host)).unwrap();
        fs::write(dir.join(host).join("updog.toml"), config).unwrap();
    }
}

fn script(dir: &Path, name: &str, text: &str) {
    let path = dir.join("bin").join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}
