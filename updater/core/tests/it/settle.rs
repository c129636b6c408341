//! The outcome table of design §10.5: every row, and no observation without an answer.

use std::collections::BTreeSet;

use partition_core::{Flags, Slot, Slots, Tries};
use updater_core::records::{By, HistoryEvent, Outcome};
use updater_core::{Cause, Question, Settled, Why, record, settle};

use crate::world::{at, held, intent, pending, release, slots};

/// R = A runs, O = B. Flags are priority, tries, successful.
type Row = (&'static str, Option<Outcome>, Option<&'static str>, Slot, Slots, Settled);

fn rows() -> Vec<Row> {
    pending_rows().into_iter().chain(cut_rows()).chain(quiet_rows()).collect()
}

fn pending_rows() -> Vec<Row> {
    let arm = || Some(pending(intent(By::Arm, Slot::B, "1.1.0")));
    let back = || Some(pending(intent(By::Rollback, Slot::B, "1.0.0")));
    let (same, next, none) = (Some("boot-1"), Some("boot-2"), None);
    let good = (1, 7, true);
    let retired = (0, 0, false);
    vec![
        ("same boot, R runs", arm(), same, Slot::A, slots(good, (2, 3, false)), Settled::Pending),
        ("same boot, flags not there yet", arm(), same, Slot::A, slots(good, retired), Settled::Pending),
        ("same boot, rollback", back(), same, Slot::A, slots(good, (2, 3, true)), Settled::Pending),
        ("target runs, not confirmed", arm(), next, Slot::B, slots(good, (2, 2, false)), Settled::Trial),
        ("target runs on its last try", arm(), next, Slot::B, slots(good, (2, 0, false)), Settled::Trial),
        ("target runs, confirmed", arm(), next, Slot::B, slots(good, (2, 7, true)), Settled::Updated),
        ("rollback target runs", back(), next, Slot::B, slots(good, (2, 2, true)), Settled::Updated),
        ("untouched after a restart", arm(), next, Slot::A, slots(good, (2, 3, false)), Settled::NeverTried),
        ("rollback untouched", back(), next, Slot::A, slots(good, (2, 3, true)), Settled::NeverTried),
        ("an image tells no boots", arm(), none, Slot::A, slots(good, (2, 3, false)), Settled::Pending),
        ("one try spent", arm(), next, Slot::A, slots(good, (2, 2, false)), Settled::RolledBack),
        ("all tries spent", arm(), next, Slot::A, slots(good, (2, 0, false)), Settled::RolledBack),
        ("all tries spent, image", arm(), none, Slot::A, slots(good, (2, 0, false)), Settled::RolledBack),
        (
            "rollback to a slot never confirmed",
            back(),
            next,
            Slot::A,
            slots(good, (2, 1, false)),
            Settled::RolledBack,
        ),
        ("rollback left again", back(), next, Slot::A, slots(good, (2, 1, true)), Settled::RollbackFailed),
        ("cut before the flags", arm(), next, Slot::A, slots(good, retired), Settled::NotArmed),
        (
            "cut before the flags of a rollback",
            back(),
            next,
            Slot::A,
            slots(good, retired),
            Settled::NotArmed,
        ),
        (
            "only one slot",
            arm(),
            next,
            Slot::A,
            Slots::new(Some(Flags::of(1, 7, true)), None),
            Settled::NotArmed,
        ),
        (
            "confirmed by other hands, then left",
            arm(),
            next,
            Slot::A,
            slots(good, (2, 0, true)),
            Settled::FellBack,
        ),
    ]
}

/// Cuts between intent and flags over a slot that was confirmed before.
fn cut_rows() -> Vec<Row> {
    let arm = || Some(pending(intent(By::Arm, Slot::B, "1.1.0")));
    let back = || Some(pending(intent(By::Rollback, Slot::B, "1.0.0")));
    let (next, good) = (Some("boot-2"), (1, 7, true));
    vec![
        (
            "cut before the flags, good fallback",
            back(),
            next,
            Slot::A,
            slots((2, 7, true), good),
            Settled::NotArmed,
        ),
        (
            "the same, its tries worn",
            back(),
            next,
            Slot::A,
            slots((2, 7, true), (1, 2, true)),
            Settled::NotArmed,
        ),
        (
            "cut before arming what was confirmed",
            arm(),
            next,
            Slot::A,
            slots((2, 7, true), good),
            Settled::NotArmed,
        ),
        (
            "the same, then A wears out",
            back(),
            next,
            Slot::B,
            slots((2, 0, true), (1, 6, true)),
            Settled::FellBack,
        ),
    ]
}

fn quiet_rows() -> Vec<Row> {
    let home = |slot| Some(Outcome { confirmed: Some(slot), ..Outcome::default() });
    let next = Some("boot-2");
    let (good, retired) = ((1, 7, true), (0, 0, false));
    vec![
        (
            "nothing pending, elsewhere",
            home(Slot::B),
            next,
            Slot::A,
            slots(good, (2, 0, true)),
            Settled::FellBack,
        ),
        (
            "an unreadable intent, left",
            home(Slot::A),
            next,
            Slot::A,
            slots(good, (2, 0, false)),
            Settled::RolledBack,
        ),
        (
            "nothing pending, at home",
            home(Slot::A),
            next,
            Slot::A,
            slots(good, (1, 7, true)),
            Settled::Steady,
        ),
        (
            "armed by other hands, on trial",
            home(Slot::B),
            next,
            Slot::A,
            slots((2, 2, false), good),
            Settled::Trial,
        ),
        ("lost, on trial", None, next, Slot::A, slots((2, 2, false), good), Settled::Trial),
        ("lost, factory", None, next, Slot::A, slots(good, retired), Settled::Steady),
        ("lost, armed", None, next, Slot::A, slots(good, (2, 3, false)), Settled::NeverTried),
        ("lost, tried and left", None, next, Slot::A, slots(good, (2, 0, false)), Settled::RolledBack),
        ("lost, both confirmed", None, next, Slot::A, slots((2, 7, true), good), Settled::Unknown),
        (
            "the running slot is not on the disk",
            None,
            next,
            Slot::A,
            Slots::new(None, None),
            Settled::Unknown,
        ),
    ]
}

fn ask(outcome: Option<&Outcome>, boot_id: Option<&str>, running: Slot, slots: &Slots) -> Settled {
    settle(&Question { outcome, running, slots, boot_id, tries: Tries::default() })
}

#[test]
fn every_row_of_the_table() {
    for (name, outcome, boot_id, running, slots, expected) in rows() {
        assert_eq!(ask(outcome.as_ref(), boot_id, running, &slots), expected, "{name}");
    }
}

#[test]
fn every_answer_is_in_a_row() {
    let answers: BTreeSet<&str> = rows().iter().map(|row| row.5.as_str()).collect();
    assert_eq!(answers, Settled::ALL.into_iter().map(Settled::as_str).collect());
}

/// Whatever the flags: once an ending is recorded, nothing is left to end.
#[test]
fn an_ending_is_told_once() {
    let records = rows().into_iter().filter_map(|row| row.1).collect::<Vec<_>>();
    let mut endings = 0;
    for bits in 0..1_u32 << 12 {
        let part = |shift: u32, width: u32| u8::try_from(bits >> shift & ((1 << width) - 1)).unwrap();
        let a = (part(0, 2), part(2, 3), part(5, 1) == 1);
        let b = (part(6, 2), part(8, 3), part(11, 1) == 1);
        for outcome in &records {
            for running in Slot::ALL {
                let slots = slots(a, b);
                let settled = ask(Some(outcome), Some("boot-2"), running, &slots);
                let recorded = record(outcome, settled, running, None, at("2026-01-03T00:00:00Z"));
                if settled.ending().is_none() {
                    assert_eq!(recorded.outcome, *outcome);
                    assert!(recorded.history.is_none() && recorded.failure.is_none());
                    continue;
                }
                endings += 1;
                assert!(recorded.history.is_some());
                let again = ask(Some(&recorded.outcome), Some("boot-2"), running, &slots);
                assert_eq!(
                    again.ending(),
                    None,
                    "{settled} then {again}: {outcome:?} {slots:?} running {running}"
                );
            }
        }
    }
    assert!(endings > 10_000, "{endings}");
}

#[test]
fn a_rolled_back_release_is_remembered_by_its_id() {
    let outcome = pending(intent(By::Arm, Slot::B, "1.1.0"));
    let now = at("2026-01-03T00:00:00Z");
    let recorded = record(&outcome, Settled::RolledBack, Slot::A, None, now);
    let failure = recorded.failure.unwrap();
    assert_eq!((failure.release, failure.at), (release("1.1.0"), now));
    assert_eq!(recorded.outcome.last.unwrap().outcome, HistoryEvent::RolledBack);
    assert_eq!(recorded.outcome.intent, None);
    // The others brand nothing (P5).
    for settled in [Settled::NotArmed, Settled::FellBack, Settled::RollbackFailed, Settled::Updated] {
        assert_eq!(record(&outcome, settled, Slot::A, None, now).failure, None, "{settled}");
    }
}

/// One cause, in every record that tells of the ending.
#[test]
fn the_cause_goes_into_every_record() {
    let outcome = pending(intent(By::Arm, Slot::B, "1.1.0"));
    let now = at("2026-01-03T00:00:00Z");
    let cause = Cause { why: Why::Health("net".to_owned()), detail: Some("no route".to_owned()) };
    for settled in [Settled::RolledBack, Settled::RollbackFailed, Settled::FellBack] {
        let recorded = record(&outcome, settled, Slot::A, Some(&cause), now);
        let (last, line) = (recorded.outcome.last.unwrap(), recorded.history.unwrap());
        for (word, detail) in [(last.cause, last.detail), (line.cause, line.detail)] {
            assert_eq!(
                (word.as_deref(), detail.as_deref()),
                (Some("health:net"), Some("no route")),
                "{settled}"
            );
        }
        let branded = recorded.failure.map(|failure| failure.cause);
        let expected = (settled == Settled::RolledBack).then(|| "was rolled back: health:net".to_owned());
        assert_eq!(branded, expected, "{settled}");
    }
}

#[test]
fn what_was_left_by_rollback_is_not_offered_again_at_once() {
    let mut outcome = pending(intent(By::Rollback, Slot::B, "1.0.0"));
    outcome.holds.set(Slot::A, Some(held("1.1.0")));
    let recorded = record(&outcome, Settled::Updated, Slot::B, None, at("2026-01-03T00:00:00Z"));
    assert_eq!(recorded.failure.map(|failure| failure.release), Some(release("1.1.0")));
    assert_eq!(recorded.proved, Some(held("1.0.0")));
    assert_eq!(recorded.outcome.confirmed, Some(Slot::B));
}

/// A rollback that was cut before its flags, and much later a slot that goes bad by itself: nobody is branded (P5).
#[test]
fn a_stale_intent_brands_nothing() {
    let mut outcome = pending(intent(By::Rollback, Slot::B, "1.0.0"));
    outcome.holds.set(Slot::A, Some(held("1.1.0")));
    let slots = slots((2, 0, true), (1, 6, true));
    let settled = ask(Some(&outcome), Some("boot-9"), Slot::B, &slots);
    let recorded = record(&outcome, settled, Slot::B, None, at("2026-01-03T00:00:00Z"));
    assert_eq!((settled, recorded.failure), (Settled::FellBack, None));
    let last = recorded.outcome.last.unwrap();
    assert_eq!((last.slot, last.held), (Slot::A, Some(held("1.1.0"))));
}
