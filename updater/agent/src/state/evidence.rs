//! `boot-stage` and `trial.json`: what a boot on trial leaves, for the slot that runs after it.

use updater_core::Kept;
use updater_core::records::{Mark, Record, Trial};

use super::{State, file};
use crate::Result;

impl State {
    /// How far the last boot on trial came.
    pub fn mark(&self) -> Kept<Mark> {
        self.kept(MARK)
    }

    /// Leaves a mark, durably: what comes next may be the end of this boot.
    pub fn write_mark(&self, mark: &Mark) -> Result<()> {
        self.write(MARK, mark)
    }

    /// What the health gate had against the slot that ran.
    pub fn trial(&self) -> Kept<Trial> {
        self.kept(TRIAL)
    }

    /// Writes it, durably.
    pub fn write_trial(&self, trial: &Trial) -> Result<()> {
        self.write(TRIAL, trial)
    }

    /// Keeps the kernel's last words for people, the newest 64 KiB of them.
    pub fn write_panic(&self, text: &str) -> Result<()> {
        let bytes = text.as_bytes();
        let from = bytes.len().saturating_sub(64 << 10);
        Ok(file::write(&self.path("panic.txt"), bytes.get(from..).unwrap_or_default())?)
    }

    /// Removes both. What cannot be removed is noted; boot ids still keep most of it from counting.
    pub fn forget_trial(&self) {
        for name in [MARK, TRIAL] {
            if let Err(error) = file::remove(&self.path(name)) {
                self.note(crate::answer::chain(&error));
            }
        }
    }

    fn kept<R: Record>(&self, name: &str) -> Kept<R> {
        match file::read(&self.path(name)) {
            Ok(None) => Kept::Absent,
            Ok(Some(bytes)) => R::parse(&bytes).map_or_else(
                |error| {
                    let path = self.path(name);
                    self.note(format!("{} makes no sense and is left out ({error})", path.display()));
                    Kept::Garbage
                },
                Kept::Read,
            ),
            Err(error) => {
                self.note(crate::answer::chain(&error));
                Kept::Garbage
            }
        }
    }
}

const MARK: &str = "boot-stage";
const TRIAL: &str = "trial.json";
