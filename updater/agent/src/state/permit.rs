//! `permit.json` and `host-id`: what this host has taken of its group, and what the group calls it.

use updater_core::records::Taken;

use super::{Error, State, file};
use crate::Result;

impl State {
    /// The permit that was taken last, until it is given back.
    pub fn taken(&self) -> Option<Taken> {
        self.read(PERMIT)
    }

    /// Writes it, durably.
    pub fn write_taken(&self, taken: &Taken) -> Result<()> {
        self.alone(|| self.write(PERMIT, taken))
    }

    /// Removes the record of this lease; of another one it stays.
    pub fn forget_taken(&self, lease: i64) -> Result<()> {
        self.alone(|| {
            if self.taken().is_some_and(|taken| taken.lease == lease) {
                file::remove(&self.path(PERMIT))?;
            }
            Ok(())
        })
    }

    /// A number for this host alone, drawn once: nothing of the machine can be read from it.
    pub fn host_id(&self) -> Result<String> {
        let path = self.path(HOST);
        let kept = file::read(&path)?.and_then(|bytes| String::from_utf8(bytes).ok());
        let kept = kept.map(|text| text.trim().to_owned());
        let is_one = |text: &String| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some(kept) = kept.filter(is_one) {
            return Ok(kept);
        }
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| Error::Random { detail: error.to_string() })?;
        let drawn = hex::encode(bytes);
        file::write(&path, format!("{drawn}\n").as_bytes())?;
        Ok(drawn)
    }
}

const PERMIT: &str = "permit.json";
const HOST: &str = "host-id";
