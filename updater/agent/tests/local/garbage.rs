//! Any bytes for a configuration or a record: an answer, never a panic.

use std::fs;

use proptest::prelude::*;
use updog::config::{Strictness, load};
use updog::state::State;

/// Bytes, and text that is nearly right.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let words =
        "(seed|tries|mirrors|stall|[a-z]{1,6})( = |=|\\.)(-?[0-9]{1,20}|\"[^\"]{0,9}\"|\\[\\]|\\{\\}|true)\n";
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(words, 0..5).prop_map(|lines| lines.concat().into_bytes()),
        "\\{\"format\":1,\"[a-z]{1,9}\":[-0-9a-z\"{}\\[\\],:]{0,40}\\}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn a_configuration_of_any_bytes_has_an_answer(bytes in bytes()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("updog.toml");
        fs::write(&path, &bytes).unwrap();
        // A local verb always gets settings to work with.
        prop_assert!(load(Some(&path), Strictness::Lenient).is_ok());
        let strict = load(Some(&path), Strictness::Strict);
        let known = load(Some(&path), Strictness::Known);
        prop_assert!(strict.is_err() || known.is_ok(), "what a strict verb takes, arm takes");
    }

    #[test]
    fn records_of_any_bytes_have_an_answer(bytes in bytes()) {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path());
        fs::create_dir(folder.path().join("staged")).unwrap();
        for name in ["outcome.json", "failed.json", "history.jsonl", "seed", "staged/staged.json", "checked.json", "reports.json", "excerpt.json"] {
            fs::write(folder.path().join(name), &bytes).unwrap();
        }
        let _ = (state.outcome(), state.failed(), state.history(), state.staged(), state.looked(), state.reports(), state.excerpt());
        prop_assert!(state.seed(None).is_ok());
        let line = updater_core::records::HistoryLine::new(
            crate::host::NOW.parse().unwrap(),
            updater_core::records::HistoryEvent::Armed,
        );
        state.add_history(&line).unwrap();
        prop_assert_eq!(state.history().pop(), Some(line));
    }
}
