//! `excerpt.json`: what this host needs of the manifest.

use updater_core::records::Excerpt;

use super::State;
use crate::Result;

impl State {
    /// What is kept of the last manifest; `None`: nothing.
    pub fn excerpt(&self) -> Option<Excerpt> {
        self.read(NAME)
    }

    /// Keeps it, unless it is kept already.
    pub fn keep_excerpt(&self, excerpt: &Excerpt) -> Result<()> {
        self.alone(
            || if self.excerpt().as_ref() == Some(excerpt) { Ok(()) } else { self.write(NAME, excerpt) },
        )
    }
}

const NAME: &str = "excerpt.json";
