//! Which disk and which slot the verbs are about.

use std::fs;
use std::path::Path;

use partition_core::Slot;
use partition_disk::command::{Command, Verb};
use partition_disk::discover::{self, DiscoverError, Running};
use partition_disk::{Access, Disk, RunLock, RunLockError, said};

use crate::answer::Failure;

/// The disk, and the slot that is active on it, as far as it can be told.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) disk: Disk,
    /// Whether this host runs from it.
    pub(crate) live: bool,
    active: Result<Slot, Failure>,
}

impl Host {
    pub(crate) fn open(command: &Command, access: Access) -> Result<Host, Failure> {
        let Some(path) = &command.disk else {
            let running = discover::live()?;
            let active = agreed(command.booted, running.slot);
            return Ok(Host { disk: Disk::open(&running.disk, access)?, live: true, active });
        };
        let disk = Disk::open(path, access)?;
        let running = discover::live();
        let same = |running: &Running| {
            let real = |path: &Path| fs::canonicalize(path).ok();
            real(path).is_some() && real(path) == real(&running.disk)
        };
        let live = running.as_ref().is_ok_and(same);
        let active = match (command.booted, running) {
            // What is said must be what is; of an image or another disk it is believed.
            (said, Ok(running)) if live => agreed(said, running.slot),
            // A device may be the one this host runs from as long as that cannot be told.
            (Some(_), Err(error)) if disk.is_live_device() && !nothing_runs(&error) => Err(error.into()),
            (Some(said), _) => Ok(said),
            (None, Ok(running)) => {
                let (disk, running) = (path.display().to_string(), running.disk.display().to_string());
                Err(Failure::OtherDisk { disk, running })
            }
            (None, Err(error)) => Err(error.into()),
        };
        Ok(Host { disk, live, active })
    }

    /// The active slot; nothing is written without it.
    pub(crate) fn active(self) -> Result<(Disk, Slot), Failure> {
        Ok((self.disk, self.active?))
    }

    /// The active slot, or `None` where it is not known; enough to show flags.
    pub(crate) fn shown(&self) -> Option<Slot> {
        self.active.as_ref().ok().copied()
    }
}

fn agreed(said: Option<Slot>, running: Slot) -> Result<Slot, Failure> {
    match said.filter(|&said| said != running) {
        Some(said) => Err(Failure::Booted { said, running }),
        None => Ok(running),
    }
}

/// Whether discovery says that this host runs from no slot at all, and not that it cannot tell from which.
fn nothing_runs(error: &DiscoverError) -> bool {
    matches!(error, DiscoverError::Nothing | DiscoverError::NoDisk { .. })
}

/// Takes the run lock of updog where there is one. A host without a usable state folder has no run to disturb.
pub(crate) fn run_lock(command: &Command, verb: Verb) -> Result<Option<RunLock>, Failure> {
    match RunLock::acquire(&command.state, verb.name()) {
        Ok(lock) => Ok(Some(lock)),
        Err(RunLockError::Open { path, source }) => {
            if command.state.exists() {
                said::aside(&format!("warning: failed to open the run lock {}: {source}", path.display()));
            }
            Ok(None)
        }
        Err(held) => Err(held.into()),
    }
}
