//! Who of a group of hosts may restart: permits, of which there are so many as may restart at a time, in a store that all of
//! them ask.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::{Reason, Refusal, seconds};

/// Who decides when an armed host restarts by itself, beside its windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Nobody else.
    #[default]
    Immediate,
    /// Windows, of which there must be one.
    Window,
    /// The group too: a permit in etcd.
    Etcd,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Strategy; 3] = [Strategy::Immediate, Strategy::Window, Strategy::Etcd];

    /// As in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Strategy::Immediate => "immediate",
            Strategy::Window => "window",
            Strategy::Etcd => "etcd",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of the three words.
impl FromStr for Strategy {
    type Err = ParseStrategy;

    fn from_str(text: &str) -> Result<Strategy, ParseStrategy> {
        let known = Strategy::ALL.into_iter().find(|strategy| strategy.as_str() == text);
        known.ok_or_else(|| ParseStrategy(text.to_owned()))
    }
}

/// The text is no strategy.
#[derive(Debug, thiserror::Error)]
#[error("expected immediate, window or etcd, found {0:?}")]
pub struct ParseStrategy(String);

/// What this host has of its group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Permit {
    /// Nothing that it knows of.
    #[default]
    None,
    /// One that was taken in this boot; whether it still holds has not been asked.
    Noted,
    /// The same, and the restart was asked for with it: it may be under way.
    Asked,
    /// The same, and its time is over: the restart has not happened, and others wait.
    Over,
    /// One that was asked for just now: this host may restart.
    Held,
    /// One that was taken in an earlier boot, or was over for long: nobody needs it.
    Left,
    /// The group has none to give, or this host has had its time.
    Refused(Refusal),
}

/// A permit that is taken, as the store tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Which of them, from 0 on.
    pub place: u32,
    /// The lease that keeps it; by it a host knows its own.
    pub lease: i64,
    /// Whose it is, for people.
    pub host: String,
    /// Since when, by that host's clock.
    pub since: Option<DateTime<Utc>>,
}

/// A group of hosts, as the store tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// Its name.
    pub name: &'a str,
    /// How many may restart at a time.
    pub places: u32,
    /// Who does.
    pub holders: &'a [Holder],
    /// The lease of this host, when it has one.
    pub lease: Option<i64>,
}

/// What comes next for a host that wants a permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It has one.
    Go,
    /// This one is free; whoever is first has it.
    Take(u32),
    /// None is free.
    Wait(Refusal),
}

/// Whether there is a permit for this host. Never more than `places` in all, also where others of the group go by a higher
/// number. Where none is free, the next question is for the time `again`; nobody knows when one will be.
pub fn turn(group: &Group<'_>, again: DateTime<Utc>) -> Turn {
    let holders = group.holders;
    if holders.iter().any(|holder| Some(holder.lease) == group.lease) {
        return Turn::Go;
    }
    let taken = |place: &u32| holders.iter().any(|holder| holder.place == *place);
    let full = u32::try_from(holders.len()).map_or(true, |count| count >= group.places);
    match (0..group.places).find(|place| !taken(place)) {
        Some(place) if !full => Turn::Take(place),
        _ => Turn::Wait(full_up(group, again)),
    }
}

fn full_up(group: &Group<'_>, again: DateTime<Utc>) -> Refusal {
    let spelled = |holder: &Holder| match holder.since {
        Some(since) => {
            format!("{} since {}", holder.host, seconds(since))
        }
        None => holder.host.clone(),
    };
    let mut names: Vec<String> = group.holders.iter().take(NAMED).map(spelled).collect();
    if let Some(more @ 1..) = group.holders.len().checked_sub(NAMED) {
        names.push(format!("{more} more"));
    }
    let (name, places) = (group.name, group.places);
    let detail = format!("group {name:?} restarts {places} at a time, now {}", names.join(", "));
    Refusal::waiting(Reason::Coordinated, detail, again)
}

/// Of a line for people.
const NAMED: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn holders(places: &[u32]) -> Vec<Holder> {
        let holder = |place: &u32| Holder {
            place: *place,
            lease: i64::from(*place) + 100,
            host: format!("h{place}"),
            since: None,
        };
        places.iter().map(holder).collect()
    }

    fn again() -> DateTime<Utc> {
        "2026-01-02T03:09:05Z".parse().unwrap()
    }

    fn ask(places: u32, taken: &[u32], lease: Option<i64>) -> Turn {
        turn(&Group { name: "web", places, holders: &holders(taken), lease }, again())
    }

    #[test]
    fn the_first_free_permit_is_taken_and_never_one_too_many() {
        assert_eq!(ask(2, &[], None), Turn::Take(0));
        assert_eq!(ask(2, &[0], None), Turn::Take(1));
        assert_eq!(ask(2, &[1], Some(7)), Turn::Take(0));
        // One that goes by a higher number has a permit that this host does not know of.
        for taken in [&[0, 1][..], &[0, 7], &[7, 9], &[0, 1, 2]] {
            assert!(matches!(ask(2, taken, Some(7)), Turn::Wait(_)), "{taken:?}");
        }
        assert_eq!(ask(2, &[0, 1], Some(101)), Turn::Go);
        assert_eq!(ask(1, &[9], Some(109)), Turn::Go);
    }

    #[test]
    fn every_group_gives_at_most_its_number() {
        for places in 1..6 {
            let mut taken = Vec::new();
            while let Turn::Take(place) = ask(places, &taken, None) {
                assert!(!taken.contains(&place));
                taken.push(place);
            }
            assert_eq!(taken.len(), places as usize);
        }
    }

    #[test]
    fn who_waits_is_told_for_whom() {
        let mut holders = holders(&[0, 1]);
        holders[0].since = "2026-01-02T03:04:05Z".parse().ok();
        let group = Group { name: "web", places: 2, holders: &holders, lease: None };
        let Turn::Wait(refusal) = turn(&group, again()) else { panic!("there is none left") };
        assert_eq!(
            (refusal.reason, refusal.until, refusal.to_string().as_str()),
            (
                Reason::Coordinated,
                Some(again()),
                "group \"web\" restarts 2 at a time, now h0 since 2026-01-02T03:04:05Z, h1"
            )
        );
        let Turn::Wait(refusal) = ask(7, &[0, 1, 2, 3, 4, 5, 6], None) else { panic!("there is none left") };
        assert!(refusal.detail.ends_with("now h0, h1, h2, h3, h4, 2 more"), "{refusal}");
    }

    #[test]
    fn the_words_are_read_back() {
        for strategy in Strategy::ALL {
            assert_eq!(strategy.to_string().parse::<Strategy>().ok(), Some(strategy));
        }
        let error = "locksmith".parse::<Strategy>().unwrap_err();
        assert_eq!(error.to_string(), "expected immediate, window or etcd, found \"locksmith\"");
    }
}
