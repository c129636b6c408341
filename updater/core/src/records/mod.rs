//! What the state folder keeps, as data (design §10.5).
//!
//! Each record says `"format":1`. Keys that this version does not know are kept when a record is written again; a record
//! of a higher format is read as far as known: a field that cannot be read is as good as absent. A record never decides
//! what boots, so losing one costs an explanation, not safety.

mod excerpt;
mod failed;
mod history;
mod lenient;
mod looked;
mod mark;
mod outcome;
mod reports;
mod staged;
mod taken;
mod trial;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use excerpt::Excerpt;
pub use failed::{Failed, Failure};
pub use history::{HistoryEvent, HistoryLine};
pub use looked::{Looked, Retry, Seen};
pub use mark::{Mark, Stage};
pub use outcome::{By, Held, Holds, Intent, Outcome, Past, Pending, Wish};
pub use reports::{Report, Reports};
pub use staged::Staged;
pub use taken::Taken;
pub use trial::Trial;

/// The format that this version writes.
pub const FORMAT: u64 = 1;

/// A record in a file of its own.
pub trait Record: Serialize + DeserializeOwned {
    /// Its format.
    fn format(&self) -> u64;

    /// Reads the file.
    fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The bytes of the file, ending in a newline.
    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Serde for the slot's letter.
pub(crate) mod letter {
    use partition_core::Slot;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(crate) fn serialize<S: Serializer>(slot: &Slot, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(slot)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Slot, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
