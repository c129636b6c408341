//! Five lines, word for word, with A running and with B running.

use chrono::DateTime;
use partition_core::Slot;
use proptest::prelude::*;
use serde_json::Map;
use updater_core::records::{By, Held, HistoryEvent, Intent, Past};
use updater_core::{Cause, Settled, Status, Why};

use crate::world::{at, held, intent, slots};

fn past(outcome: HistoryEvent, slot: Slot, version: &str) -> Past {
    Past {
        outcome,
        slot,
        at: at("2026-01-02T03:04:05Z"),
        held: Some(held(version)),
        cause: None,
        detail: None,
        extra: Map::new(),
    }
}

fn a_runs() -> Status {
    Status {
        running: Some(Slot::A),
        slots: slots((1, 7, true), (0, 0, false)),
        holds: [Some(held("1.0.0")), None],
        staged: None,
        settled: Settled::Steady,
        cause: None,
        intent: None,
        last: None,
    }
}

fn b_runs() -> Status {
    Status {
        running: Some(Slot::B),
        slots: slots((1, 7, true), (2, 2, false)),
        holds: [Some(held("1.0.0")), Some(held("1.1.0"))],
        settled: Settled::Trial,
        intent: Some(intent(By::Arm, Slot::B, "1.1.0")),
        ..a_runs()
    }
}

#[test]
fn five_lines_word_for_word() {
    let armed = Status {
        slots: slots((1, 7, true), (2, 3, false)),
        holds: [Some(held("1.0.0")), Some(held("1.1.0"))],
        settled: Settled::Pending,
        intent: Some(intent(By::Arm, Slot::B, "1.1.0")),
        ..a_runs()
    };
    let staged = Status {
        holds: [Some(held("1.0.0")), Some(held("1.1.0"))],
        staged: Some((Slot::B, held("1.1.0"))),
        ..a_runs()
    };
    let confirmed = Status {
        slots: slots((1, 7, true), (2, 7, true)),
        settled: Settled::Steady,
        intent: None,
        last: Some(past(HistoryEvent::Updated, Slot::B, "1.1.0")),
        ..b_runs()
    };
    let left = Status {
        slots: slots((2, 0, false), (1, 6, true)),
        holds: [Some(held("1.2.0")), Some(held("1.1.0"))],
        settled: Settled::RolledBack,
        intent: Some(intent(By::Arm, Slot::A, "1.2.0")),
        ..confirmed.clone()
    };
    let told = Status {
        cause: Some(Cause { why: Why::Unloadable, detail: Some("signature".to_owned()) }),
        last: Some(Past {
            cause: Some("health:10-net".to_owned()),
            ..past(HistoryEvent::RolledBack, Slot::A, "1.2.0")
        }),
        ..left.clone()
    };
    let lost = Status {
        running: None,
        slots: slots((0, 0, false), (0, 0, true)),
        holds: [None, None],
        settled: Settled::Unknown,
        ..a_runs()
    };
    let texts =
        [a_runs(), staged, armed, b_runs(), confirmed, left, told, lost].map(|status| status.to_string());
    assert_eq!(texts.join("\n\n") + "\n", include_str!("status.golden"));
    for text in texts {
        assert_eq!(text.lines().count(), 5);
    }
}

#[test]
fn json_says_the_same() {
    let data = b_runs().data();
    assert_eq!(data["running"], "B");
    assert_eq!(data["next"], "B");
    assert_eq!(data["outcome"], "trial");
    assert_eq!(data["slots"]["B"]["version"], "1.1.0");
    assert_eq!(data["slots"]["B"]["tries"], 2);
    assert_eq!(data["slots"]["A"]["state"], "confirmed");
}

fn any_flags() -> impl Strategy<Value = (u8, u8, bool)> {
    (0u8..16, 0u8..16, any::<bool>())
}

fn any_held() -> impl Strategy<Value = Option<Held>> {
    prop::option::of(any::<String>().prop_map(|version| Held { version, release: None }))
}

fn any_slot() -> impl Strategy<Value = Slot> {
    prop_oneof![Just(Slot::A), Just(Slot::B)]
}

fn any_cause() -> impl Strategy<Value = Option<Cause>> {
    let why = prop_oneof![Just(Why::Unloadable), any::<String>().prop_map(Why::Health), Just(Why::Unknown)];
    prop::option::of((why, prop::option::of(any::<String>())).prop_map(|(why, detail)| Cause { why, detail }))
}

prop_compose! {
    fn any_past()(
        word in any::<String>(),
        slot in any_slot(),
        secs in -8_000_000_000_000i64..8_000_000_000_000,
        held in any_held(),
        cause in prop::option::of(any::<String>()),
    ) -> Past {
        let at = DateTime::from_timestamp(secs, 0).unwrap();
        Past { at, held, cause, ..past(HistoryEvent::Other(word), slot, "1.0.0") }
    }
}

prop_compose! {
    fn any_status()(
        running in prop::option::of(any_slot()),
        (a, b) in (any_flags(), any_flags()),
        holds in [any_held(), any_held()],
        staged in prop::option::of((any_slot(), any::<String>())),
        settled in prop::sample::select(Settled::ALL.to_vec()),
        cause in any_cause(),
        intent in prop::option::of((prop_oneof![Just(By::Arm), Just(By::Rollback)], any_slot(), any_held())),
        last in prop::option::of(any_past()),
    ) -> Status {
        Status {
            running,
            slots: slots(a, b),
            holds,
            staged: staged.map(|(slot, version)| (slot, Held { version, release: None })),
            settled,
            cause,
            intent: intent.map(|(by, slot, held)| Intent { held, ..intent_of(by, slot) }),
            last,
        }
    }
}

fn intent_of(by: By, slot: Slot) -> Intent {
    intent(by, slot, "1.1.0")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever stands in the records: five lines to paste, none of which steers a terminal or breaks.
    #[test]
    fn every_state_is_five_short_lines(status in any_status()) {
        let text = status.to_string();
        prop_assert_eq!(text.lines().count(), 5, "{:?}", text);
        for (line, name) in text.split('\n').zip(["Slot A: ", "Slot B: ", "Next:   ", "Update: ", "Last:   "]) {
            prop_assert!(line.starts_with(name), "{:?}", line);
            prop_assert!(!line.chars().any(char::is_control), "{:?}", line);
            let columns: usize = line.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum();
            prop_assert!(columns < 200, "{} {:?}", columns, line);
        }
        prop_assert!(!status.update().contains('\n'));
    }
}
