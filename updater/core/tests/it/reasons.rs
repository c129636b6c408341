//! Every reason is given by something: a word that nothing says is no reason.

use std::collections::BTreeSet;

use updater_core::{Exit, Reason, Refusal};

use crate::{next_step, offer, plan};

/// Words that only the edges can find out; `updater/agent/tests` shows that they are said.
const OF_THE_EDGES: [Reason; 6] =
    [Reason::RunLock, Reason::Clock, Reason::Deferred, Reason::Hook, Reason::Backoff, Reason::Inhibited];

#[test]
fn every_reason_is_reachable() {
    let mut said: BTreeSet<Reason> = plan::refused().into();
    said.extend(
        offer::cases().into_iter().filter_map(|(update, policy, _)| offer::reason("1.0.0", update, &policy)),
    );
    said.insert(offer::failed_before());
    said.extend(next_step::waits());
    let missing: Vec<Reason> = Reason::ALL
        .into_iter()
        .filter(|reason| !said.contains(reason) && !OF_THE_EDGES.contains(reason))
        .collect();
    assert_eq!(missing, [], "nothing says these");
}

#[test]
fn a_refusal_ends_with_the_code_of_its_reason() {
    let expected = |reason| match reason {
        Reason::Wave
        | Reason::Paused
        | Reason::Window
        | Reason::Soak
        | Reason::Deferred
        | Reason::Backoff
        | Reason::Inhibited
        | Reason::Coordinated => Exit::MustWait,
        Reason::Untrusted | Reason::Clock => Exit::Untrusted,
        Reason::Space | Reason::NoIndex | Reason::NotConfirmed | Reason::RunLock | Reason::Hook => {
            Exit::Blocked
        }
        Reason::NeverTried => Exit::Attention,
        _ => Exit::NothingToDo,
    };
    for reason in Reason::ALL {
        assert_eq!(Refusal::new(reason, "x").exit(), expected(reason), "{reason}");
    }
}
