//! `staged/`: what lies in the other slot, and the indexes it was checked against.

use release::{Image, Images};
use updater_core::records::Staged;

use super::{State, file};
use crate::Result;

impl State {
    /// What is staged, as claimed. `arm` believes none of it before it has read the slot back.
    pub fn staged(&self) -> Option<Staged> {
        self.read(RECORD)
    }

    /// The bytes of a staged index.
    pub fn staged_index(&self, image: Image) -> Result<Option<Vec<u8>>> {
        Ok(file::read(&self.path(&index(image)))?)
    }

    /// Writes all of it, durably. The record comes last: a cut before it leaves nothing staged.
    pub fn write_staged(&self, staged: &Staged, indexes: &Images<Vec<u8>>) -> Result<()> {
        file::remove(&self.path(RECORD))?;
        for (image, bytes) in indexes.iter() {
            file::write(&self.path(&index(image)), bytes)?;
        }
        self.write(RECORD, staged)
    }

    /// Forgets what is staged: before the slot is written, and after it is armed. The indexes stay, they cost nothing and
    /// may be hints.
    pub fn clear_staged(&self) -> Result<()> {
        file::remove(&self.path(RECORD))?;
        Ok(())
    }
}

fn index(image: Image) -> String {
    format!("staged/{image}.idx")
}

const RECORD: &str = "staged/staged.json";
