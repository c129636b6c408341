//! What Debian wants to know of a release.

use std::fs;

use crate::packaged;

/// The first line of a changelog names the version that is built.
#[test]
fn the_changelog_begins_with_this_version() {
    let log = fs::read_to_string(packaged("changelog")).unwrap();
    let first = log.lines().next().unwrap();
    assert_eq!(first, format!("updog ({}-1) unstable; urgency=medium", env!("CARGO_PKG_VERSION")));
}
