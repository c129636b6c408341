//! The gate: from what checks said to what is done.

use partition_core::{Slot, SlotSet, Slots, choose};
use proptest::prelude::*;
use updater_core::health::{Checked, Failing, Fault, Found, Gate, Stays, Verdict, decide, verdict};

use crate::world::slots;

fn passed(name: &str) -> Checked {
    Checked { name: name.to_owned(), found: Found::Passed }
}

fn failed(name: &str) -> Checked {
    Checked { name: name.to_owned(), found: Found::Failed("ended with exit status: 1".to_owned()) }
}

fn failing(name: &str) -> Failing {
    Failing { fault: Fault::Health(name.to_owned()), detail: "ended with exit status: 1".to_owned() }
}

#[test]
fn the_first_failure_is_the_verdict() {
    assert_eq!(verdict([]), Verdict::Healthy);
    assert_eq!(verdict([passed("a"), passed("b")]), Verdict::Healthy);
    assert_eq!(verdict([passed("a"), failed("b"), failed("c")]), Verdict::Unhealthy(failing("b")));
}

/// P4 and P5: only a trial is left for its health, and only when there is somewhere to go.
#[test]
fn p4_p5_what_the_gate_does() {
    let bad = || Verdict::Unhealthy(failing("net"));
    let rows: [(&str, Slots, Slot, Gate); 6] = [
        ("trial", slots((1, 7, true), (2, 2, false)), Slot::B, Gate::RecordAndRestart(failing("net"))),
        ("its last try", slots((1, 7, true), (2, 0, false)), Slot::B, Gate::RecordAndRestart(failing("net"))),
        (
            "confirmed",
            slots((1, 7, true), (2, 6, true)),
            Slot::B,
            Gate::Withhold(failing("net"), Stays::Confirmed),
        ),
        (
            "alone and confirmed",
            slots((1, 7, true), (0, 0, false)),
            Slot::A,
            Gate::Withhold(failing("net"), Stays::Confirmed),
        ),
        (
            "alone on trial",
            slots((0, 0, false), (2, 2, false)),
            Slot::B,
            Gate::Withhold(failing("net"), Stays::NowhereElse),
        ),
        (
            "rollback's target, never confirmed",
            slots((1, 2, false), (2, 1, false)),
            Slot::B,
            Gate::RecordAndRestart(failing("net")),
        ),
    ];
    for (name, slots, running, expected) in rows {
        assert_eq!(decide(&slots, running, bad()), expected, "{name}");
        assert_eq!(decide(&slots, running, Verdict::Healthy), Gate::Confirm, "{name}");
    }
}

#[test]
fn words_for_records() {
    assert_eq!(failing("net").to_string(), "health:net: ended with exit status: 1");
    assert_eq!(Fault::Verity.to_string(), "verity");
    assert_eq!(verdict([failed("a b/\u{1b}[2J")]), Verdict::Unhealthy(failing("a_b___2J")));
}

proptest! {
    /// A restart is only ever asked for where the selector finds something else, and never on a confirmed slot.
    #[test]
    fn no_restart_that_leads_nowhere(a in (0_u8..4, 0_u8..4, any::<bool>()), b in (0_u8..4, 0_u8..4, any::<bool>())) {
        let slots = slots(a, b);
        for running in Slot::ALL {
            let way_out = choose(&slots, SlotSet::EMPTY.with(running)).is_some();
            let confirmed = slots.get(running).is_some_and(partition_core::Flags::successful);
            let gate = decide(&slots, running, Verdict::Unhealthy(failing("x")));
            prop_assert_eq!(matches!(gate, Gate::RecordAndRestart(_)), way_out && !confirmed);
        }
    }

    /// Whatever a check is called, its name is one word of a record.
    #[test]
    fn a_name_is_a_word(name in ".{0,300}") {
        let Verdict::Unhealthy(failing) = verdict([failed(&name)]) else { panic!("it failed") };
        let word = failing.fault.to_string();
        prop_assert!(word.starts_with("health:") && word.len() <= 262);
        prop_assert!(word.chars().all(|letter| letter.is_ascii_graphic()), "{}", word);
    }
}
