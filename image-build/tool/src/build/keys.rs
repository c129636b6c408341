//! Whose signature a boot manifest carries, and that the selector will take it.

use std::fs;
use std::path::{Path, PathBuf};

use boot_manifest::Accept;

use super::Signing;
use crate::signing::{SigningKey, held, key_id, test_keys};
use crate::{Error, Recipe};

/// The keys that sign. For a release none of them may be a test key, and there must be one.
pub(super) fn load(signing: &Signing) -> Result<Vec<SigningKey>, Error> {
    let load = |paths: &[PathBuf]| -> Result<Vec<SigningKey>, Error> {
        paths.iter().map(|path| SigningKey::load(path)).collect()
    };
    match signing {
        Signing::Test(paths) => {
            let mut keys = load(paths)?;
            if keys.is_empty() {
                keys.extend(SigningKey::test());
            }
            Ok(keys)
        }
        Signing::Release(paths) => {
            let keys = load(paths)?;
            if keys.is_empty() {
                return Err(Error::NoSigningKey);
            }
            match keys.iter().zip(paths).find(|(key, _)| key.is_test()) {
                Some((_, path)) => Err(Error::TestKey { what: path.display().to_string() }),
                None => Ok(keys),
            }
        }
    }
}

/// Refuses a selector that would not take what is signed, or never what will be.
pub(super) fn check(
    selector: &[u8],
    signing: &Signing,
    keys: &[SigningKey],
    recipe: &Recipe,
) -> Result<(), Error> {
    check_selector(selector, signing, keys)?;
    check_recipe(selector, recipe.keys.as_deref())
}

/// Refuses a selector that holds none of the keys, and for a release one that holds a test key.
fn check_selector(selector: &[u8], signing: &Signing, keys: &[SigningKey]) -> Result<(), Error> {
    let public: Vec<[u8; 32]> = keys.iter().map(SigningKey::public).collect();
    if held(selector, &public).is_empty() {
        return Err(Error::NotHeld);
    }
    let tests = test_keys();
    match (signing, held(selector, &tests).first()) {
        (Signing::Release(_), Some(key)) => {
            Err(Error::TestKey { what: format!("a selector with key {}", hex::encode(key_id(key))) })
        }
        _ => Ok(()),
    }
}

/// Whether the selector takes what anybody can sign.
pub(super) fn takes_test(selector: &[u8]) -> bool {
    !held(selector, &test_keys()).is_empty()
}

/// Refuses a selector that lacks a key of the recipe's file: a key that it does not hold can never be added on a host.
fn check_recipe(selector: &[u8], file: Option<&Path>) -> Result<(), Error> {
    let Some(path) = file else { return Ok(()) };
    let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let bad = |problem| Error::KeyFile { path: path.to_owned(), problem };
    let keys = boot_manifest::parse_keys(&text, &Accept::Any).map_err(bad)?;
    let keys: Vec<[u8; 32]> = keys.into_iter().map(|key| key.public).collect();
    let found = held(selector, &keys);
    match keys.iter().find(|key| !found.contains(key)) {
        Some(key) => Err(Error::KeyNotHeld { path: path.to_owned(), key: hex::encode(key_id(key)) }),
        None => Ok(()),
    }
}
