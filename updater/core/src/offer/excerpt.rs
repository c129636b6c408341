//! The part of a manifest that a host needs which is up to date.

use release::manifest::{Manifest, Update};

use super::rules;
use crate::Host;

/// The updates that are not lower than what the host runs, of its variant and architecture. For every policy that names no
/// version ([`Policy::names_a_version`](crate::Policy::names_a_version)), and at every time, [`offer`](super::offer()) answers from them as it does from all.
///
/// `None`: not so. The running release is not listed, is yanked or is above its `max_version`, so that a lower release, or one
/// for others, may be the one that the answer is about; or a lower one calls the running one back.
pub fn excerpt(manifest: &Manifest, host: &Host) -> Option<Manifest> {
    let ours = |update: &&Update| update.variant == host.variant && update.arch == host.arch;
    let (kept, lower): (Vec<&Update>, Vec<&Update>) =
        manifest.updates.iter().filter(ours).partition(|update| update.version >= host.version);
    // It gets as far as the question whether it is newer than itself, and no lower one gets further.
    let runs = kept.iter().any(|update| update.version == host.version && rules::may_be_had(update));
    let called_back = lower.iter().any(|update| host.version > update.max_version);
    (runs && !called_back)
        .then(|| Manifest { updates: kept.into_iter().cloned().collect(), ..Manifest::default() })
}
