//! `checked.json`: the last look at the repository.

use updater_core::records::Looked;

use super::State;
use crate::Result;

impl State {
    /// The last look; `None`: never, or the record is lost.
    pub fn looked(&self) -> Option<Looked> {
        self.read(NAME)
    }

    /// Writes the record after `change`, durably; `None` leaves it as it is.
    pub fn change_looked(&self, change: impl FnOnce(Option<Looked>) -> Option<Looked>) -> Result<()> {
        self.alone(|| change(self.looked()).map_or(Ok(()), |looked| self.write(NAME, &looked)))
    }
}

const NAME: &str = "checked.json";
