//! Manual pages: one of the program, one of each verb.

use std::io::{self, Write as _};

use clap::Command;
use clap_mangen::Man;

use crate::facts::{self, Fact};

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The name of its file, as in `updog-check.1`.
    pub name: String,
    /// roff.
    pub text: Vec<u8>,
}

/// The pages of a program. What the command line hides has none.
pub fn pages(program: &Command) -> io::Result<Vec<Page>> {
    let mut program = program.clone().disable_help_subcommand(true);
    program.build();
    let mut all = Vec::new();
    add(&program, &mut all)?;
    let names: Vec<String> = all.iter().map(|(name, _)| name.clone()).collect();
    let page =
        |(name, text): (String, Vec<u8>)| Page { text: closed(text, &name, &names), name: file(&name) };
    Ok(all.into_iter().map(page).collect())
}

/// A page of this command and of each below it, with its name.
fn add(command: &Command, all: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let man = Man::new(command.clone()).section(SECTION);
    let mut text = title(&name).into_bytes();
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.get_subcommands().any(|below| !below.is_hide_set()) {
        man.render_subcommands_section(&mut text)?;
    }
    all.push((name, text));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        add(below, all)?;
    }
    Ok(())
}

/// Of the same release the same page: the date is that of the changelog.
fn title(name: &str) -> String {
    let date = released(include_str!("../changelog")).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    format!(".TH \"{}\" \"{SECTION}\" \"{date}\" \"updog {version}\" \"updog\"\n", escaped(name))
}

/// The day of the newest entry, as in `2026-11-02`.
fn released(changelog: &str) -> Option<String> {
    let closing = changelog.lines().find(|line| line.starts_with(" -- "))?;
    let (_, date) = closing.split_once(">  ")?;
    let (_, date) = date.split_once(", ")?;
    let mut words = date.split(' ');
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Some(format!("{year}-{month:02}-{day:0>2}"))
}

/// The page with what all pages of its program end with.
fn closed(mut text: Vec<u8>, name: &str, names: &[String]) -> Vec<u8> {
    let signpost = name.starts_with("signpost");
    let (exit, files) = if signpost {
        (facts::signpost_exit_codes(), facts::signpost_files())
    } else {
        (facts::exit_codes(), facts::files())
    };
    list(&mut text, "EXIT STATUS", &exit);
    if name == "updog" {
        list(&mut text, "REASONS", &facts::reasons());
    }
    list(&mut text, "FILES", &files);
    let others = names.iter().map(String::as_str).chain([if signpost { "updog" } else { "signpost" }]);
    let others: Vec<String> = others
        .filter(|other| *other != name)
        .map(|other| format!("\\fB{}\\fR({SECTION})", escaped(other)))
        .collect();
    section(&mut text, "SEE ALSO");
    // Writing to memory cannot fail.
    let _ = writeln!(text, "{}", others.join(",\n"));
    text
}

fn list(text: &mut Vec<u8>, title: &str, facts: &[Fact]) {
    section(text, title);
    for (word, meaning) in facts {
        let _ = writeln!(text, ".TP\n\\fB{}\\fR\n{}", escaped(word), escaped(meaning));
    }
}

fn section(text: &mut Vec<u8>, title: &str) {
    let _ = writeln!(text, ".SH \"{title}\"");
}

/// What roff would take for its own.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn file(name: &str) -> String {
    format!("{name}.{SECTION}")
}

const SECTION: &str = "1";
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_a_changelog_is_read() {
        let log = "updog (2-1) unstable; urgency=low\n\n  * Two.\n\n -- A <a@b>  Sat, 05 Dec 2026 01:02:03 +0000\n\n\
                   updog (1-1) unstable; urgency=low\n\n -- A <a@b>  Mon, 02 Nov 2026 12:00:00 +0000\n";
        assert_eq!(released(log).as_deref(), Some("2026-12-05"));
        for odd in ["", " -- A <a@b>", " -- A <a@b>  Sat, 05 Dez 2026 01:02:03 +0000"] {
            assert_eq!(released(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn nothing_is_taken_for_a_request() {
        assert_eq!(escaped(".TH -a \\"), "\\&.TH \\-a \\e");
    }
}
