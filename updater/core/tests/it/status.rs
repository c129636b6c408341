//! Five lines, word for word, with A running and with B running.

use partition_core::Slot;
use serde_json::Map;
use updater_core::records::{By, HistoryEvent, Past};
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
