//! This host's place in every rollout, made once.

use waves::{SEEDS, Seed};

use super::{Error, State, file};
use crate::Result;

/// Where random bytes come from.
#[derive(Clone, Copy, Debug)]
pub struct Entropy(fn(&mut [u8]) -> std::result::Result<(), String>);

impl Entropy {
    /// The kernel's random source.
    pub const KERNEL: Entropy = Entropy(|bytes| getrandom::fill(bytes).map_err(|error| error.to_string()));

    /// A seed, each as likely as any other.
    fn seed(self) -> Result<Seed> {
        let mut bytes = [0; 4];
        (self.0)(&mut bytes).map_err(|detail| Error::Random { detail })?;
        // 2048 divides 2^32, so the remainder is even.
        let number = u32::from_le_bytes(bytes) % SEEDS;
        Seed::new(number).map_err(|error| Error::Random { detail: error.to_string() }.into())
    }
}

impl State {
    /// The configured seed, else the one in the folder, else a new one, kept in the folder.
    ///
    /// It is drawn, not derived from anything that an image carries, so that clones of one image differ. Where it cannot be
    /// kept, it holds for this run only, with a note.
    pub fn seed(&self, configured: Option<Seed>) -> Result<Seed> {
        if let Some(seed) = configured {
            return Ok(seed);
        }
        let path = self.path("seed");
        match file::read(&path) {
            Ok(Some(bytes)) => {
                match std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok()) {
                    Some(seed) => return Ok(seed),
                    None => self.note(format!("{} makes no sense; a new seed is made", path.display())),
                }
            }
            Ok(None) => {}
            Err(error) => self.note(crate::answer::chain(&error)),
        }
        let seed = Entropy::KERNEL.seed()?;
        if let Err(error) = file::write(&path, format!("{seed}\n").as_bytes()) {
            self.note(format!("seed {seed} holds for this run only ({})", crate::answer::chain(&error)));
        }
        Ok(seed)
    }
}
