//! The first layer: the file, as typed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};
use trust_client::Location;

use super::{IntentError, keys};

/// `None`: the file does not say.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) name: Option<String>,
    pub(super) keys: Option<BTreeMap<String, String>>,
    pub(super) roles: BTreeMap<String, TypedRole>,
    pub(super) waves: BTreeMap<String, TypedWaves>,
    pub(super) stores: Option<BTreeMap<String, String>>,
    pub(super) accept: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct TypedRole {
    pub(super) keys: Option<Vec<String>>,
    pub(super) threshold: Option<u64>,
    pub(super) expires: Option<String>,
    pub(super) margin: Option<String>,
}

#[derive(Debug)]
pub(super) struct TypedWaves {
    pub(super) file: Option<String>,
    /// The rest of the table, which is a wave file.
    pub(super) inline: Table,
}

impl Typed {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, IntentError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| IntentError::Parse { reason: "expected UTF-8".to_owned() })?;
        let mut file: Table = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(1, |before| before.matches('\n').count() + 1);
            IntentError::Parse { reason: format!("line {line}: {}", one_line(&error)) }
        })?;
        keys::check(&file)?;
        let roles: Table = take(&mut file, "roles")?.unwrap_or_default();
        let waves: Table = take(&mut file, "waves")?.unwrap_or_default();
        let doctor: Option<Table> = take(&mut file, "doctor")?;
        Ok(Self {
            name: take(&mut file, "name")?,
            keys: take(&mut file, "keys")?,
            roles: each("roles", roles)?,
            waves: each("waves", waves)?.into_iter().map(|(name, table)| (name, waves_of(table))).collect(),
            stores: take(&mut file, "stores")?,
            accept: doctor.map(|mut doctor| take(&mut doctor, "accept")).transpose()?.flatten(),
        })
    }
}

fn waves_of(mut table: Table) -> TypedWaves {
    let file = table.remove("file").map(|file| file.as_str().map_or_else(|| file.to_string(), str::to_owned));
    TypedWaves { file, inline: table }
}

fn each<T: DeserializeOwned>(section: &str, table: Table) -> Result<BTreeMap<String, T>, IntentError> {
    table
        .into_iter()
        .map(|(name, value)| typed(&format!("{section}.{name}"), value).map(|value| (name, value)))
        .collect()
}

fn take<T: DeserializeOwned>(table: &mut Table, key: &str) -> Result<Option<T>, IntentError> {
    table.remove(key).map(|value| typed(key, value)).transpose()
}

fn typed<T: DeserializeOwned>(key: &str, value: Value) -> Result<T, IntentError> {
    value.try_into().map_err(|error| IntentError::Type { key: key.to_owned(), reason: one_line(&error) })
}

fn one_line(error: &toml::de::Error) -> String {
    // It may repeat a value, and a place may have a password.
    Location::cleaned(&error.message().trim().replace('\n', " "))
}
