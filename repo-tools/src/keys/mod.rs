//! Keys: made, named, opened, and kept from other eyes.

mod error;
mod generate;
mod locked;
mod passphrase;
mod public;
mod read;
mod secret;
mod terminal;

pub use error::KeyError;
pub use generate::{KeyKind, NewKey, generate, generate_locked};
pub use passphrase::Passphrases;
pub use public::{KeyId, key_id, public_key};
pub use read::Signer;
pub use secret::{NoSecrets, Purpose, Secret, Secrets};
