//! `docs/seen.md` names what there is: every metric, every kind of entry.

use std::collections::BTreeSet;

use updog::journal::Kind;

const DOC: &str = include_str!("../../../../docs/seen.md");
const GOLDEN: &str = include_str!("metrics.golden");

#[test]
fn every_kind_has_an_id_of_its_own_in_the_table() {
    let ids: BTreeSet<&str> = Kind::ALL.into_iter().map(Kind::id).collect();
    assert_eq!(ids.len(), Kind::ALL.len());
    for kind in Kind::ALL {
        let row = format!("| {} | {} |", kind.priority(), kind.id());
        assert_eq!(DOC.matches(&row).count(), 1, "{kind:?}");
        // As sd_journal(3) has it: 128 bits in lower case.
        assert!(
            kind.id().len() == 32 && kind.id().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        );
    }
}

#[test]
fn every_metric_is_in_the_table() {
    let documented = |name: &str| DOC.contains(&format!("`{name}`")) || DOC.contains(&format!("`{name}{{"));
    let mut names = BTreeSet::new();
    for line in GOLDEN.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        names.insert(line.split(' ').next().unwrap());
    }
    assert!(names.len() > 15);
    for name in names {
        assert!(documented(name), "{name}");
    }
}
