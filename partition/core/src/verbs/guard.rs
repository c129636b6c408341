//! The guards by name, so that tests can take one away and see the enumeration fail.

/// One refusal that a verb may not go without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// retire, arm: the running slot has successful = 1.
    RunningConfirmed,
    /// retire, arm: and it was confirmed in this boot.
    ConfirmedThisBoot,
    /// trial over: a slot that is armed and was never started stays armed.
    TrialUntouched,
    /// cancel: only what is armed can be cancelled.
    CancelArmed,
    /// cancel: a confirmed slot stays a fallback.
    CancelKeepsConfirmed,
    /// rollback: the other slot may be started at all.
    RollbackStartable,
    /// rollback from a confirmed slot: the other one was confirmed.
    RollbackConfirmed,
    /// The slot that boots from the table after is the running one.
    RetireMeant,
    /// It is the other one. This holds by construction: the other slot alone has priority 2 and tries.
    ArmMeant,
    /// It is the running one.
    ConfirmMeant,
    /// It is the running one.
    TrialMeant,
    /// It is the running one.
    CancelMeant,
    /// It is the other one.
    RollbackMeant,
}

/// The guards that hold: all of them, always, outside tests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guards {
    #[cfg(test)]
    missing: &'static [Guard],
}

impl Guards {
    pub(super) const ALL: Guards = Guards {
        #[cfg(test)]
        missing: &[],
    };

    #[cfg(test)]
    pub(super) const fn without(missing: &'static [Guard]) -> Guards {
        Guards { missing }
    }

    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "tests take a guard away"))]
    pub(super) fn hold(self, guard: Guard) -> bool {
        #[cfg(test)]
        if self.missing.contains(&guard) {
            return false;
        }
        let _ = guard;
        true
    }
}
