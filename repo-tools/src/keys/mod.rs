//! Key files: made, read, and kept from other eyes.

mod generate;
mod public;
mod read;

pub use generate::{KeyKind, NewKey, generate};
pub use public::{KeyId, key_id, public_key};
pub use read::Signer;
