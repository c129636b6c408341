//! Keys: made, named, opened, and kept from other eyes.

mod error;
mod generate;
mod kms;
mod locked;
mod name;
mod pair;
mod passphrase;
mod proof;
mod public;
mod read;
mod secret;
mod terminal;
mod token;
mod unsaid;

pub use error::KeyError;
pub(crate) use generate::take_up;
pub use generate::{KeyKind, NewKey, generate, generate_locked, rehearse};
pub use kms::{KmsFault, KmsFaultKind, KmsKey};
pub use name::{KeyName, open, open_public};
pub use passphrase::Passphrases;
pub use public::{KeyId, key_id, public_key};
pub use read::Signer;
pub(crate) use read::{MAX_KEY_FILE, is_private};
pub use secret::{NoSecrets, Purpose, Secret, Secrets};
pub use token::TokenKey;
pub(crate) use unsaid::{clean, without_private, without_secrets};
