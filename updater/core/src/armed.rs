//! Whether what is armed is still what is wanted: days of closed windows may lie between arming and the restart.

use crate::records::{By, Pending, Wish};
use crate::{Mode, Reason, Refusal, Sight};

/// What becomes of what is armed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    /// The host restarts into it, when it may.
    Wanted,
    /// Nobody has asked the repository about it yet.
    Unknown,
    /// It is disarmed.
    Unwanted,
    /// It stays armed, and the host does not restart into it for now.
    Waits(Refusal),
    /// It stays armed, and when to restart is for others to say.
    Left(Refusal),
    /// The same, though it was taken back.
    TakenBack(Refusal),
}

/// What becomes of it. `slot`: "slot B is armed".
pub(crate) fn wanted(pending: Option<Pending>, sight: &Sight, mode: Mode, slot: &str) -> Armed {
    match pending {
        Some(Pending { by: By::Rollback, .. }) => {
            Armed::Left(Refusal::new(Reason::ByHand, format!("{slot} by rollback")))
        }
        _ if mode < Mode::Apply => {
            Armed::Left(mode.leaves(&format!("{slot}, and the restart is left to others")))
        }
        // Without a record nobody knows which release it is.
        None => Armed::Wanted,
        Some(Pending { by: By::Arm, wish, release }) => match (sight, wish) {
            (Sight::Unknown, _) => Armed::Unknown,
            (Sight::Seen { offer: Ok(offer), .. }, _) if release == Some(*offer) => Armed::Wanted,
            (Sight::Seen { armed: Some(refusal), .. }, Wish::Hand) if refusal.reason == Reason::Yanked => {
                Armed::TakenBack(Refusal::new(Reason::Yanked, format!("{slot} by hand, but {refusal}")))
            }
            // What is typed is done, and not undone.
            (Sight::Seen { .. } | Sight::Unreachable, Wish::Hand) => {
                Armed::Left(Refusal::new(Reason::ByHand, format!("{slot} by hand")))
            }
            (Sight::Seen { offer: Ok(_), .. }, Wish::Auto) if release.is_some() => Armed::Unwanted,
            (Sight::Seen { armed: Some(refusal), .. }, Wish::Auto) => still(refusal),
            // It was trusted when it was armed, and nothing is known against it.
            (Sight::Seen { armed: None, .. } | Sight::Unreachable, Wish::Auto) => Armed::Wanted,
        },
    }
}

/// What a rule means for a release that `auto` has armed and that it would not take any more.
#[expect(clippy::match_same_arms, reason = "an arm for each reason why")]
fn still(refusal: &Refusal) -> Armed {
    match refusal.reason {
        // It is not for this host, or not any more, and waiting does not change that.
        Reason::Yanked
        | Reason::Locked
        | Reason::Variant
        | Reason::Arch
        | Reason::MaxVersion
        | Reason::NotNewer
        | Reason::Floor
        | Reason::FailedBefore => Armed::Unwanted,
        // It will be wanted again; until then nobody has to write it anew.
        Reason::Paused | Reason::Wave | Reason::Soak => Armed::Waits(refusal.clone()),
        // Asked before a slot is written; this one is written and read back.
        Reason::Space | Reason::NoIndex => Armed::Wanted,
        // Of the host, not of a release. Should one be said of it all the same, the host does not restart into it.
        Reason::Window
        | Reason::NotConfirmed
        | Reason::RunLock
        | Reason::Mode
        | Reason::ByHand
        | Reason::NeverTried
        | Reason::Coordinated
        | Reason::Deferred
        | Reason::Hook
        | Reason::Backoff
        | Reason::Inhibited
        | Reason::Untrusted
        | Reason::Clock => Armed::Waits(refusal.clone()),
    }
}

#[cfg(test)]
mod tests {
    use release::{Digest, ReleaseId};

    use super::*;

    fn become_of(wish: Wish, armed: Option<Reason>, offer: Option<&str>) -> Armed {
        let release = |name: &str| ReleaseId::new(Digest::of(name.as_bytes()));
        let pending = Pending { by: By::Arm, wish, release: Some(release("1.1.0")) };
        let offer = offer.map(release).ok_or_else(|| Refusal::new(Reason::NotNewer, "no"));
        let sight = Sight::Seen { offer, armed: armed.map(|reason| Refusal::new(reason, "test")) };
        wanted(Some(pending), &sight, Mode::Apply, "slot B is armed")
    }

    /// Nothing that a rule is against is restarted into, unless it is one that writing alone is about.
    #[test]
    fn every_reason_against_what_auto_armed_counts() {
        let gone =
            ["yanked", "locked", "variant", "arch", "max_version", "not_newer", "floor", "failed_before"];
        for reason in Reason::ALL {
            let found = become_of(Wish::Auto, Some(reason), None);
            let expected = match reason {
                _ if gone.contains(&reason.as_str()) => Armed::Unwanted,
                Reason::Space | Reason::NoIndex => Armed::Wanted,
                _ => Armed::Waits(Refusal::new(reason, "test")),
            };
            assert_eq!(found, expected, "{reason}");
        }
        assert_eq!(become_of(Wish::Auto, None, None), Armed::Wanted);
        assert_eq!(become_of(Wish::Auto, None, Some("1.1.0")), Armed::Wanted);
        assert_eq!(become_of(Wish::Auto, None, Some("1.2.0")), Armed::Unwanted);
    }

    /// What a hand has armed is restarted into when it is what `auto` would take, and else left to that hand.
    #[test]
    fn what_a_hand_has_armed_is_never_undone() {
        let left = |found| match found {
            Armed::Left(refusal) => {
                refusal.reason == Reason::ByHand && refusal.detail == "slot B is armed by hand"
            }
            Armed::TakenBack(refusal) => refusal.detail == "slot B is armed by hand, but test",
            _ => false,
        };
        for reason in Reason::ALL.map(Some).into_iter().chain([None]) {
            for offer in [None, Some("1.2.0")] {
                let found = become_of(Wish::Hand, reason, offer);
                let taken_back = matches!(found, Armed::TakenBack(_));
                assert_eq!(taken_back, reason == Some(Reason::Yanked), "{reason:?}");
                assert!(left(found), "{reason:?} {offer:?}");
            }
        }
        assert_eq!(become_of(Wish::Hand, None, Some("1.1.0")), Armed::Wanted);
    }
}
