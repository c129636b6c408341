//! Which disk and which slot the verbs are about.

use std::fs;
use std::path::PathBuf;

use partition_core::Slot;
use partition_disk::{Access, Disk, RunLock, RunLockError, discover};

use crate::Command;
use crate::answer::Failure;
use crate::verb::Verb;

/// The disk, and the slot that is active on it, as far as it can be told.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) disk: Disk,
    active: Result<Slot, Failure>,
}

impl Host {
    pub(crate) fn open(command: &Command, access: Access) -> Result<Host, Failure> {
        let Some(path) = &command.disk else {
            let running = discover::live()?;
            if let Some(said) = command.booted.filter(|&said| said != running.slot) {
                return Err(Failure::Booted { said, running: running.slot });
            }
            return Ok(Host { disk: Disk::open(&running.disk, access)?, active: Ok(running.slot) });
        };
        let disk = Disk::open(path, access)?;
        let active = match command.booted {
            Some(slot) => Ok(slot),
            None => discover::live().map_err(Failure::from).and_then(|running| {
                let same = |path: &PathBuf| fs::canonicalize(path).ok();
                if same(path).is_some() && same(path) == same(&running.disk) {
                    return Ok(running.slot);
                }
                let (disk, running) = (path.display().to_string(), running.disk.display().to_string());
                Err(Failure::OtherDisk { disk, running })
            }),
        };
        Ok(Host { disk, active })
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

/// Takes the run lock of updog where there is one. A host without a usable state folder has no run to disturb.
pub(crate) fn run_lock(command: &Command, verb: Verb) -> Result<Option<RunLock>, Failure> {
    match RunLock::acquire(&command.state, verb.name()) {
        Ok(lock) => Ok(Some(lock)),
        Err(RunLockError::Open { path, source }) => {
            if command.state.exists() {
                eprintln!("warning: failed to open the run lock {}: {source}", path.display());
            }
            Ok(None)
        }
        Err(held) => Err(held.into()),
    }
}
