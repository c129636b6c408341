//! Every code and every reason stands in `docs/exit-codes.md`, with the code that it ends with, and nothing else does.

use std::collections::BTreeMap;

use updater_core::{Exit, Reason};

const DOC: &str = include_str!("../../../../docs/exit-codes.md");

/// First and second cell of every row of a table, by the first.
fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    DOC.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        Some((cells.next()?, cells.next()?))
    })
}

#[test]
fn every_code_is_documented_and_no_other() {
    let documented: Vec<u8> = rows().filter_map(|(code, _)| code.parse().ok()).collect();
    assert_eq!(documented, Exit::ALL.map(Exit::code));
}

#[test]
fn every_reason_is_documented_with_its_code_and_no_other() {
    let word = |cell: &'static str| cell.strip_prefix('`')?.strip_suffix('`');
    let documented: BTreeMap<&str, u8> =
        rows().filter_map(|(cell, code)| Some((word(cell)?, code.parse().ok()?))).collect();
    let expected: BTreeMap<&str, u8> =
        Reason::ALL.map(|reason| (reason.as_str(), Exit::from(reason).code())).into();
    assert_eq!(documented, expected);
}

/// Reasons are words of one table: said twice, one of them would be wrong one day.
#[test]
fn no_reason_is_documented_twice() {
    let words = rows().filter(|(cell, _)| cell.starts_with('`')).count();
    assert_eq!(words, Reason::ALL.len());
}
