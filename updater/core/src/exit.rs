//! How a run ended, as a number for scripts.

use crate::Reason;

/// The exit codes of every verb (design §10.6). They are a promise: a code never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// 0: done; for `check`, an update is open.
    Done = 0,
    /// 1: a bug in updog.
    Bug = 1,
    /// 2: wrong usage or configuration.
    Usage = 2,
    /// 10: nothing to do.
    NothingToDo = 10,
    /// 11: there is something to do, but not yet.
    MustWait = 11,
    /// 12: somebody should look at this soon.
    Attention = 12,
    /// 20: the same command may succeed later.
    Transient = 20,
    /// 30: what was received cannot be trusted.
    Untrusted = 30,
    /// 40: the disk, or a file on it, failed.
    Disk = 40,
    /// 50: a rule that keeps the host bootable forbids it.
    Blocked = 50,
}

impl Exit {
    /// All of them, ascending.
    pub const ALL: [Exit; 10] = [
        Exit::Done,
        Exit::Bug,
        Exit::Usage,
        Exit::NothingToDo,
        Exit::MustWait,
        Exit::Attention,
        Exit::Transient,
        Exit::Untrusted,
        Exit::Disk,
        Exit::Blocked,
    ];

    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Whether the verb did what was asked.
    pub const fn is_ok(self) -> bool {
        matches!(self, Exit::Done)
    }
}

impl From<Reason> for Exit {
    fn from(reason: Reason) -> Exit {
        match reason {
            Reason::Locked
            | Reason::Variant
            | Reason::Arch
            | Reason::MaxVersion
            | Reason::NotNewer
            | Reason::Floor
            | Reason::FailedBefore
            | Reason::Yanked
            | Reason::Mode
            | Reason::ByHand => Exit::NothingToDo,
            Reason::NeverTried => Exit::Attention,
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let codes: Vec<u8> = Exit::ALL.into_iter().map(Exit::code).collect();
        assert_eq!(codes, [0, 1, 2, 10, 11, 12, 20, 30, 40, 50]);
    }

    #[test]
    fn no_reason_ends_well_or_as_a_bug() {
        for reason in Reason::ALL {
            assert!(Exit::from(reason).code() >= 10, "{reason}");
        }
    }
}
