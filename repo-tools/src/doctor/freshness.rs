//! Time: what expires, and whether the clock can be right.

use chrono::{DateTime, Utc};

use super::{Finding, Kind, Observed};
use crate::document::signed_at;
use crate::expirations::{self, Dated, State};
use crate::intent::Intent;
use crate::role::Role;
use crate::time;

pub(super) fn check(seen: &Observed, intent: &Intent, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut clock_is_right = true;
    let newest = seen.newest_timestamp();
    if let Some(at) = newest.and_then(|timestamp| signed_at(timestamp.role())).filter(|at| *at > now) {
        clock_is_right = false;
        findings.push(Finding::new(
            Kind::Clock,
            format!("the clock says {}, the timestamp was signed at {}", time::text(now), time::text(at)),
            "set the clock of this machine, or name the time with --clock",
        ));
    }
    let mut dated = expirations::of_papers(&seen.papers);
    if let Some(timestamp) = newest {
        // A refresh of what is published leaves the one in the working folder behind.
        dated.retain(|dated| dated.role != Role::Timestamp.name());
        dated.push(Dated::of(Role::Timestamp, timestamp));
    }
    for found in expirations::judge(dated.clone(), |role| intent.role(role).margin, now) {
        let Expiring { kind, verb } = match found.state {
            State::Good => continue,
            State::Soon => Expiring { kind: Kind::Expiring, verb: "expires" },
            State::Expired => Expiring { kind: Kind::Expired, verb: "expired" },
        };
        let what = format!("{} {} {verb} at {}", found.role, found.version, time::text(found.expires));
        findings.push(Finding::new(kind, what, renewal(found.policy)).of(found.policy));
    }
    // A term is measured from now, which a wrong clock does not know.
    for dated in dated.into_iter().filter(|_| clock_is_right) {
        let term = intent.role(dated.policy).expires;
        let latest = time::later(now, term);
        if dated.expires > latest {
            let what = format!(
                "{} {} is good until {}, repo.toml wants at most {} from now",
                dated.role,
                dated.version,
                time::text(dated.expires),
                time::span(term)
            );
            findings.push(Finding::new(Kind::Intent, what, renewal(dated.policy)).of(dated.policy));
        }
    }
    findings
}

struct Expiring {
    kind: Kind,
    verb: &'static str,
}

fn renewal(role: Role) -> String {
    match role {
        Role::Root => "\"updog-repo root new\", then \"root sign\", \"sign\" and \"publish\"".to_owned(),
        Role::Targets | Role::Snapshot => {
            format!("\"updog-repo sign --renew {role} --key KEY\", then \"publish\"")
        }
        Role::Timestamp => {
            "\"updog-repo refresh DIR --key KEY\", or \"sign --renew timestamp\" and \"publish\"".to_owned()
        }
    }
}
