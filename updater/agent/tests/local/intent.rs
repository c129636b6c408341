//! The intent is durable before the flags are: whatever a cut leaves, somebody knows.

use std::fs;

use crate::host::{Host, flags};

#[test]
fn a_cut_between_intent_and_flags_is_found_as_not_armed() {
    let mut host = Host::new();
    let before = host.bytes();
    host.arm("1.1.0");
    // The flags of before the one table write; the record of before it too, but written.
    let armed = host.bytes();
    assert_ne!(before, armed);
    host.set((1, 7, true), (0, 0, false));
    host.restart();
    assert_eq!(host.json(&["status"])["data"]["outcome"], "not_armed");
    assert!(host.updog(&["confirm"]).stdout.contains("not_armed"));
    assert_eq!(host.json(&["status"])["data"]["outcome"], "steady");
    // It can still be armed: nothing was lost.
    assert_eq!(host.updog(&["arm"]).code, 0);
}

/// Without the record no flags are written; the other order would leave an update that is nobody's.
#[test]
fn arm_writes_no_flags_when_the_intent_cannot_be_kept() {
    let host = Host::new();
    host.stage("1.1.0");
    fs::create_dir(host.state().join("outcome.json.partial")).unwrap();
    let before = host.bytes();
    let said = host.updog(&["arm"]);
    assert_eq!(said.code, 40, "{said:?}");
    assert_eq!(host.bytes(), before);
}

#[test]
fn arm_reads_the_slot_back_and_refuses_one_that_differs() {
    let host = Host::new();
    host.stage("1.1.0");
    let mut bytes = host.bytes();
    let needle = release::Digest::of(b"1.1.0 root");
    let at = bytes.windows(32).rposition(|window| window == needle.bytes()).unwrap();
    bytes[at] ^= 1;
    fs::write(host.disk(), &bytes).unwrap();
    let said = host.updog(&["arm"]);
    assert_eq!(said.code, 40, "{said:?}");
    assert!(said.stderr.contains("failed to verify slot B root"), "{said:?}");
    assert_eq!(flags(&host.slots()), "1/7/1 0/0/0");
    assert_eq!(host.bytes(), bytes);
}

/// The record is only a claim.
#[test]
fn arm_believes_no_record_that_its_indexes_do_not_bear_out() {
    let host = Host::new();
    host.stage("1.1.0");
    let path = host.state().join("staged/staged.json");
    let claimed = fs::read_to_string(&path).unwrap();
    let other = release::ReleaseId::new(release::Digest::of(b"other"));
    let release: serde_json::Value = serde_json::from_str(&claimed).unwrap();
    let forged = claimed.replace(release["release"].as_str().unwrap(), &other.to_string());
    fs::write(&path, forged).unwrap();
    assert_eq!(host.updog(&["arm"]).code, 10);
    fs::write(&path, claimed.replace("\"slot\": \"B\"", "\"slot\": \"A\"")).unwrap();
    assert_eq!(host.updog(&["arm"]).code, 10);
    assert_eq!(flags(&host.slots()), "1/7/1 0/0/0");
}

#[test]
fn history_is_bounded() {
    let host = Host::new();
    let line = r#"{"format":1,"at":"2026-01-02T03:04:05Z","event":"armed","slot":"B"}"#;
    fs::write(host.state().join("history.jsonl"), format!("{line}\n").repeat(700)).unwrap();
    host.arm("1.1.0");
    let text = fs::read_to_string(host.state().join("history.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 500);
    assert!(text.lines().last().unwrap().contains("1.1.0"));
}

/// The record knows how many tries were given; the configuration may say something else by now, or nothing.
#[test]
fn an_armed_slot_stays_armed_when_the_configuration_is_lost() {
    let mut host = Host::new();
    let config = fs::read_to_string(host.config()).unwrap();
    fs::write(host.config(), format!("{config}tries = 5\n")).unwrap();
    host.arm("1.1.0");
    assert_eq!(flags(&host.slots()), "1/7/1 2/5/0");
    fs::remove_file(host.config()).unwrap();
    host.boot += 1;
    assert_eq!(host.json(&["status"])["data"]["outcome"], "never_tried");
    assert_eq!(host.updog(&["confirm"]).code, 0);
    assert_eq!(flags(&host.slots()), "1/7/1 2/5/0");
    // Three left of five is not untouched.
    host.set((1, 6, true), (2, 3, false));
    assert_eq!(host.updog(&["confirm"]).code, 0);
    assert_eq!(flags(&host.slots()), "1/7/1 0/0/0");
}

/// `confirm` needs no run lock, and still never writes over the intent of an `arm` beside it.
#[test]
fn records_written_side_by_side_lose_nothing() {
    use updater_core::records::{By, HistoryEvent, HistoryLine, Intent, Wish};
    let folder = tempfile::tempdir().unwrap();
    let at = crate::host::NOW.parse().unwrap();
    let rounds = 40;
    std::thread::scope(|scope| {
        let confirm = scope.spawn(|| {
            let state = updog::state::State::new(folder.path());
            for round in 0..rounds {
                let version = updater_core::records::Held { version: format!("1.0.{round}"), release: None };
                state.mark_home(partition_core::Slot::A, Some(version)).unwrap();
                state.add_history(&HistoryLine::new(at, HistoryEvent::Updated)).unwrap();
            }
        });
        let state = updog::state::State::new(folder.path());
        for round in 0..rounds {
            let intent = Intent {
                by: By::Arm,
                wish: Wish::Hand,
                target: partition_core::Slot::B,
                tries: 3,
                boot_id: Some(round.to_string()),
                at,
                held: None,
                fallback: false,
                extra: serde_json::Map::new(),
            };
            state.write_intent(intent.clone(), None).unwrap();
            state.add_history(&HistoryLine::new(at, HistoryEvent::Armed)).unwrap();
            assert_eq!(state.outcome().unwrap().intent, Some(intent), "round {round}");
        }
        confirm.join().unwrap();
    });
    assert_eq!(updog::state::State::new(folder.path()).history().len(), 2 * rounds);
}

/// An answer is about the intent that was asked about; one that `arm` has written since is still pending.
#[test]
fn an_answer_does_not_end_an_intent_that_came_after_the_question() {
    use updater_core::records::{By, Intent, Wish};
    let folder = tempfile::tempdir().unwrap();
    let at = crate::host::NOW.parse().unwrap();
    let state = updog::state::State::new(folder.path());
    let intent = |boot: &str| Intent {
        by: By::Arm,
        wish: Wish::Hand,
        target: partition_core::Slot::B,
        tries: 3,
        boot_id: Some(boot.to_owned()),
        at,
        held: None,
        fallback: false,
        extra: serde_json::Map::new(),
    };
    state.write_intent(intent("two"), None).unwrap();
    let settle = |about: &Intent| {
        let (settled, about) = (updater_core::Settled::RolledBack, Some(about.clone()));
        let ending = updog::state::Ending { settled, cause: None, about };
        state.settle(&ending, partition_core::Slot::A, at).unwrap();
    };
    settle(&intent("one"));
    assert_eq!(state.outcome().unwrap().intent, Some(intent("two")));
    assert!(state.history().is_empty());
    settle(&intent("two"));
    assert_eq!(state.outcome().unwrap().intent, None);
    assert_eq!(state.history().len(), 1);
}
