//! How long a host that stays up keeps a permit: from the first time its restart was asked for, for a set time and no longer.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::records::Taken;
use crate::shown::whole;
use crate::{Permit, Reason, Refusal, seconds};

/// What this host has, by its record alone, in the boot `boot`. A permit of this boot counts for `max_hold` after the restart was
/// first asked for, or, where it never was, after it was taken; then it is over, and for as long again no other is taken.
pub fn held(taken: Option<&Taken>, boot: Option<&str>, max_hold: Duration, now: DateTime<Utc>) -> Permit {
    let Some(taken) = taken else { return Permit::None };
    if taken.boot.as_deref() != boot {
        return Permit::Left;
    }
    let after = |at: DateTime<Utc>| {
        let hold = TimeDelta::from_std(max_hold).unwrap_or(TimeDelta::MAX);
        at.checked_add_signed(hold).unwrap_or(DateTime::<Utc>::MAX_UTC)
    };
    if let Some(over) = taken.over {
        let until = whole(after(over));
        // A time that is further ahead is another clock's.
        let counts = now < until && over < after(now);
        return if counts { Permit::Refused(spent(taken, max_hold, until)) } else { Permit::Left };
    }
    match taken.asked {
        _ if now >= after(taken.asked.unwrap_or(taken.at)) => Permit::Over,
        Some(_) => Permit::Asked,
        None => Permit::Noted,
    }
}

/// Others may go first now.
fn spent(taken: &Taken, max_hold: Duration, until: DateTime<Utc>) -> Refusal {
    let limit = max_hold.as_secs();
    let (reason, what) = match taken.asked {
        Some(asked) => {
            let what = format!("the restart that was asked for at {} has not happened", seconds(asked));
            (Reason::NeverTried, what)
        }
        None => (Reason::Coordinated, format!("the permit taken at {} was not used", seconds(taken.at))),
    };
    let detail = format!(
        "{what}; after {limit}s (reboot.max_hold) the group is left to others until {}",
        seconds(until)
    );
    Refusal::waiting(reason, detail, until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::FORMAT;

    const HOLD: Duration = Duration::from_mins(30);

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(9999) + TimeDelta::minutes(minute)
    }

    /// Taken at 0, by the minutes of what followed.
    fn taken(asked: Option<i64>, over: Option<i64>) -> Taken {
        Taken {
            format: FORMAT,
            lease: 7,
            boot: Some("boot-1".to_owned()),
            at: at(0),
            asked: asked.map(at),
            over: over.map(at),
            extra: serde_json::Map::new(),
        }
    }

    fn ask(taken: &Taken, minute: i64) -> Permit {
        held(Some(taken), Some("boot-1"), HOLD, at(minute))
    }

    #[test]
    fn a_permit_counts_from_when_the_restart_was_first_asked_for() {
        assert_eq!(held(None, Some("boot-1"), HOLD, at(0)), Permit::None);
        assert_eq!(ask(&taken(None, None), 29), Permit::Noted);
        assert_eq!(ask(&taken(None, None), 30), Permit::Over);
        assert_eq!(ask(&taken(Some(5), None), 34), Permit::Asked);
        assert_eq!(ask(&taken(Some(5), None), 35), Permit::Over);
        // Another boot has come: whatever the record says, the restart is over.
        for record in [taken(None, None), taken(Some(5), None), taken(Some(5), Some(40))] {
            for boot in [None, Some("boot-2")] {
                assert_eq!(held(Some(&record), boot, HOLD, at(50)), Permit::Left);
            }
        }
    }

    #[test]
    fn a_permit_that_is_over_keeps_the_host_from_another_for_as_long_again() {
        for (asked, reason, what) in [
            (
                Some(5),
                Reason::NeverTried,
                "the restart that was asked for at 1997-05-18T00:05:00Z has not happened",
            ),
            (None, Reason::Coordinated, "the permit taken at 1997-05-18T00:00:00Z was not used"),
        ] {
            let record = taken(asked, Some(40));
            for minute in [40, 69] {
                let Permit::Refused(refusal) = ask(&record, minute) else {
                    panic!("takes another at {minute}")
                };
                assert_eq!((refusal.reason, refusal.until), (reason, Some(at(70))));
                assert_eq!(
                    refusal.detail,
                    format!(
                        "{what}; after 1800s (reboot.max_hold) the group is left to others until 1997-05-18T01:10:00Z"
                    )
                );
            }
            assert_eq!(ask(&record, 70), Permit::Left);
            // A clock that is set back a little does not end the wait, and one that was years ahead does not make it one of years.
            assert!(matches!(ask(&record, 39), Permit::Refused(_)));
            assert_eq!(ask(&record, 9), Permit::Left);
            // It ends when it says.
            let late = Taken { over: Some(at(40) + TimeDelta::nanoseconds(1)), ..record };
            let Permit::Refused(refusal) = ask(&late, 70) else { panic!("takes another early") };
            assert_eq!(refusal.until, Some(at(70) + TimeDelta::seconds(1)));
        }
    }
}
