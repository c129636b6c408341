//! The rules, one function each, in the order in which they are asked.

use chrono::{DateTime, TimeDelta, Utc};
use release::manifest::Update;
use semver::{Op, Prerelease, Version, VersionReq};

use super::Verdict;
use crate::policy::Wanted;
use crate::records::Failed;
use crate::{Host, Policy, Reason, Refusal, plain, seconds};

/// Who asks, and when.
pub(super) struct Asked<'a> {
    pub(super) host: &'a Host,
    pub(super) policy: &'a Policy,
    pub(super) failed: &'a Failed,
    pub(super) now: DateTime<Utc>,
}

/// How many rules a release had passed when this one refused it.
pub(super) fn passed(reason: Reason) -> usize {
    ORDER.iter().position(|known| *known == reason).unwrap_or_default()
}

/// No release of this variant and architecture is the wanted one.
pub(super) fn wanted_is_missing(host: &Host, policy: &Policy) -> Refusal {
    let running = &host.version;
    let detail = match policy.wanted() {
        Wanted::Version(version, by) if version == running => {
            format!("{by} holds this host to {version}, which it runs")
        }
        Wanted::Running => format!("version_lock holds this host to what it runs, {running}"),
        Wanted::Version(version, by) => {
            format!("{by} asks for {version}, which is not published for this host")
        }
        Wanted::Range(range) => {
            format!("version_lock asks for {range}, and no such release is published for this host")
        }
        Wanted::Any => "no published release is the wanted one".to_owned(),
    };
    Refusal::new(Reason::Locked, detail)
}

impl Asked<'_> {
    pub(super) fn verdict(&self, update: &Update) -> Verdict {
        let rules: [fn(&Self, &Update) -> Option<Refusal>; 10] = [
            Asked::variant,
            Asked::arch,
            Asked::locked,
            |_, update| yanked(update),
            |_, update| max_version(update),
            Asked::not_newer,
            Asked::floor,
            Asked::failed_before,
            Asked::paused,
            Asked::wave,
        ];
        match rules.into_iter().find_map(|rule| rule(self, update)) {
            Some(refusal) => Verdict::No(refusal),
            None => Verdict::Open { since: update.rollout().opens_at(self.host.seed) },
        }
    }

    fn variant(&self, update: &Update) -> Option<Refusal> {
        let host = &self.host.variant;
        (update.variant != *host).then(|| {
            let detail =
                format!("{} is for variant {:?}, this host is {host:?}", update.version, update.variant);
            Refusal::new(Reason::Variant, detail)
        })
    }

    fn arch(&self, update: &Update) -> Option<Refusal> {
        let host = &self.host.arch;
        (update.arch != *host).then(|| {
            let detail = format!("{} is for {:?}, this host is {host:?}", update.version, update.arch);
            Refusal::new(Reason::Arch, detail)
        })
    }

    fn locked(&self, update: &Update) -> Option<Refusal> {
        let (version, running) = (&update.version, &self.host.version);
        let wanted = self.policy.wanted();
        if wanted.takes(version, running) {
            return None;
        }
        let detail = match wanted {
            Wanted::Any => return None,
            Wanted::Version(wanted, by) => format!("{by} asks for {wanted}, not for {version}"),
            Wanted::Range(range) => format!("version_lock asks for {range}, not for {version}"),
            Wanted::Running => format!("version_lock holds this host to what it runs, {running}"),
        };
        Some(Refusal::new(Reason::Locked, detail))
    }

    /// A lower version only when it is named, or when the running one was called back: `allow_downgrade` alone would
    /// send a host down and up again.
    fn not_newer(&self, update: &Update) -> Option<Refusal> {
        let running = &self.host.version;
        let (version, policy) = (&update.version, self.policy);
        let recalled = *running > update.max_version;
        let refuse = |detail| Some(Refusal::new(Reason::NotNewer, detail));
        if version > running {
            None
        } else if version == running {
            if policy.reinstall { None } else { refuse(format!("this host runs {running}")) }
        } else if policy.allow_downgrade && (policy.wanted().leaves(running) || recalled) {
            None
        } else if recalled {
            let max = &update.max_version;
            refuse(format!("{running} was called back (max_version {max}), but {version} is lower than it"))
        } else {
            refuse(format!("this host runs {running}, which is newer than {version}"))
        }
    }

    fn floor(&self, update: &Update) -> Option<Refusal> {
        let from = update.updog.as_ref()?.from.as_ref()?;
        let running = &self.host.version;
        (!reaches(from, running)).then(|| {
            let detail = format!(
                "{} installs from {from}, this host runs {running}: an older release comes first",
                update.version
            );
            Refusal::new(Reason::Floor, detail)
        })
    }

    fn failed_before(&self, update: &Update) -> Option<Refusal> {
        let failure = self.failed.find(&update.updog.as_ref()?.release)?;
        (!self.policy.retry).then(|| {
            let (what, why) = failure.cause.split_once(": ").unwrap_or((&failure.cause, ""));
            let when = seconds(failure.at);
            let detail = format!("{} {} at {when}{}", update.version, plain(what, SAID), because(why));
            Refusal::new(Reason::FailedBefore, detail)
        })
    }

    fn paused(&self, update: &Update) -> Option<Refusal> {
        let halt = update.updog.as_ref()?.paused.as_ref()?;
        let named = self.policy.to.is_some() && self.policy.ignore_waves;
        (!named).then(|| {
            let detail = format!(
                "the rollout of {} is paused since {}{}",
                update.version,
                seconds(halt.at),
                because(&halt.reason)
            );
            Refusal::new(Reason::Paused, detail)
        })
    }

    fn wave(&self, update: &Update) -> Option<Refusal> {
        if self.policy.ignore_waves {
            return None;
        }
        let seed = self.host.seed;
        let rollout = update.rollout();
        if let waves::Verdict::Wait { until, wave } = rollout.verdict(seed, self.now) {
            let detail = format!(
                "{} opens for seed {seed} at {} (wave {} of {})",
                update.version,
                seconds(until),
                wave.number,
                wave.of
            );
            return Some(Refusal::waiting(Reason::Wave, detail, until));
        }
        // Without waves no time is known from which on to count.
        let soak = self.policy.soak.max(TimeDelta::zero());
        // Longer than there are dates is never.
        let until = rollout.opens_at(seed)?.checked_add_signed(soak).unwrap_or(DateTime::<Utc>::MAX_UTC);
        (self.now < until).then(|| {
            let detail = format!("{} is left to others until {} (soak)", update.version, seconds(until));
            Refusal::waiting(Reason::Soak, detail, until)
        })
    }
}

/// Neither yanked nor above its `max_version`: the rules after these are about the host.
pub(super) fn may_be_had(update: &Update) -> bool {
    yanked(update).is_none() && max_version(update).is_none()
}

fn yanked(update: &Update) -> Option<Refusal> {
    let halt = update.updog.as_ref()?.yanked.as_ref()?;
    let detail =
        format!("{} was taken back at {}{}", update.version, seconds(halt.at), because(&halt.reason));
    Some(Refusal::new(Reason::Yanked, detail))
}

fn max_version(update: &Update) -> Option<Refusal> {
    let max = &update.max_version;
    (update.version > *max).then(|| {
        Refusal::new(Reason::MaxVersion, format!("{} is above its max_version {max}", update.version))
    })
}

/// Whether `version` satisfies `from`. For a floor, a pre-release counts by its order (1.2.0-rc.1 is above 1.1.0 and
/// below 1.2.0), where the requirement itself would match none.
fn reaches(from: &VersionReq, version: &Version) -> bool {
    if version.pre.is_empty() || from.matches(version) {
        return from.matches(version);
    }
    from.comparators.iter().all(|comparator| {
        let bound = Version {
            major: comparator.major,
            minor: comparator.minor.unwrap_or(0),
            patch: comparator.patch.unwrap_or(0),
            pre: comparator.pre.clone(),
            build: semver::BuildMetadata::EMPTY,
        };
        match comparator.op {
            Op::GreaterEq => *version >= bound,
            Op::Less => *version < bound,
            _ => {
                comparator.matches(&Version { pre: Prerelease::EMPTY, ..version.clone() })
                    && *version >= bound
            }
        }
    })
}

fn because(reason: &str) -> String {
    let reason = plain(reason, SAID);
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

/// Columns of somebody's reason within a sentence.
const SAID: usize = 200;

const ORDER: [Reason; 11] = [
    Reason::Variant,
    Reason::Arch,
    Reason::Locked,
    Reason::Yanked,
    Reason::MaxVersion,
    Reason::NotNewer,
    Reason::Floor,
    Reason::FailedBefore,
    Reason::Paused,
    Reason::Soak,
    Reason::Wave,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_orders_pre_releases() {
        let cases = [
            (">=1.0.0", "1.0.0", true),
            (">=1.0.0", "0.9.9", false),
            (">=1.0.0", "1.1.0-rc.1", true),
            (">=1.1.0", "1.1.0-rc.1", false),
            (">=1.0.0, <2.0.0", "2.0.0-rc.1", true),
            (">=1.0.0, <2.0.0", "2.0.0", false),
            ("^1.2", "1.3.0-rc.1", true),
            ("^1.2", "1.2.0-rc.1", false),
        ];
        for (from, version, expected) in cases {
            assert_eq!(
                reaches(&from.parse().unwrap(), &version.parse().unwrap()),
                expected,
                "{from} {version}"
            );
        }
    }
}
