//! The seed: drawn once, kept, and not the same on two clones of one image.

use std::collections::BTreeSet;
use std::fs;

use updog::state::State;

use crate::host::{Host, write};

#[test]
fn two_clones_of_one_image_get_two_seeds() {
    // One image, started on many machines: only the random source tells them apart. 24 machines all with one seed of 2048
    // would be a chance of 10^-76; that any two of a pair agree is one in 2048, so a pair proves nothing by itself.
    let seeds: BTreeSet<u32> = (0..24)
        .map(|_| {
            let clone = tempfile::tempdir().unwrap();
            State::new(clone.path()).seed(None).unwrap().into()
        })
        .collect();
    assert!(seeds.len() > 12, "{seeds:?}");
    assert!(seeds.iter().all(|seed| *seed < 2048));
}

#[test]
fn a_seed_is_kept_and_the_configured_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::new(folder.path().join("made/by/it"));
    let first = state.seed(None).unwrap();
    for _ in 0..10 {
        assert_eq!(state.seed(None).unwrap(), first);
    }
    let configured = waves::Seed::new(7).unwrap();
    assert_eq!(state.seed(Some(configured)).unwrap(), configured);
    assert_eq!(state.seed(None).unwrap(), first);
    assert!(state.notes().is_empty());
}

#[test]
fn garbage_for_a_seed_is_replaced_with_a_note() {
    let host = Host::new();
    for garbage in ["", "4096", "-1", "seven", "\u{0}"] {
        write(host.state().join("seed"), garbage);
        let state = State::new(host.state());
        let seed = state.seed(None).unwrap();
        assert_eq!(state.notes().len(), 1, "{garbage:?}");
        assert_eq!(fs::read_to_string(host.state().join("seed")).unwrap(), format!("{seed}\n"));
    }
}
