//! Whether what was open at the last look may be had still, by what a host knows without asking anybody.

use semver::Version;

use crate::Policy;
use crate::records::Failed;

/// What the host has learnt since, or may have: it restarted, it left a release, somebody changed its configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Still {
    /// What runs, where that is known.
    pub running: Option<Version>,
    /// What is wanted.
    pub policy: Policy,
    /// What failed here.
    pub failed: Failed,
}

impl Still {
    /// Whether nothing is known against this version. A version is given out once, so it names a release.
    pub fn is_open(&self, version: &str) -> bool {
        let failed = self.failed.releases.iter().any(|failure| failure.version.as_deref() == Some(version));
        if failed && !self.policy.retry {
            return false;
        }
        match (version.parse::<Version>(), &self.running) {
            (Err(_), _) => false,
            (Ok(_), None) => true,
            (Ok(version), Some(running)) => {
                let above = version > *running || (version < *running && self.policy.allow_downgrade);
                above && self.policy.wanted().takes(&version, running)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use release::{Digest, ReleaseId};

    use super::*;
    use crate::VersionLock;
    use crate::records::Failure;

    #[test]
    fn what_runs_or_failed_or_is_locked_out_is_not_open_any_more() {
        let still = |running: Option<&str>, lock: &str, failed: &[&str]| {
            let mut known = Failed::default();
            for version in failed {
                known.remember(Failure {
                    release: ReleaseId::new(Digest::of(version.as_bytes())),
                    version: Some((*version).to_owned()),
                    at: chrono::DateTime::UNIX_EPOCH,
                    cause: "was rolled back".to_owned(),
                    extra: serde_json::Map::new(),
                });
            }
            let policy = Policy { version_lock: lock.parse::<VersionLock>().unwrap(), ..Policy::default() };
            Still { running: running.map(|running| running.parse().unwrap()), policy, failed: known }
        };
        let cases = [
            (Some("1.0.0"), "latest", &[][..], true),
            (Some("1.1.0"), "latest", &[], false),
            (Some("1.2.0"), "latest", &[], false),
            (Some("1.0.0"), "latest", &["1.1.0"], false),
            (Some("1.0.0"), "latest", &["1.0.9"], true),
            (Some("1.0.0"), "~1.0", &[], false),
            (Some("1.0.0"), "current", &[], false),
            (None, "latest", &[], true),
            (None, "latest", &["1.1.0"], false),
        ];
        for (running, lock, failed, open) in cases {
            assert_eq!(still(running, lock, failed).is_open("1.1.0"), open, "{running:?} {lock} {failed:?}");
        }
        assert!(!still(None, "latest", &[]).is_open("soon"));
    }
}
