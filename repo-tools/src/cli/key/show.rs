//! `updog-repo key show`

use std::path::Path;

use serde_json::json;

use super::super::{Answer, Context, public_key};
use crate::error::{Error, Result};
use crate::keyring::kind;
use crate::keys::key_id;

pub(super) fn run(context: &Context, key: &Path) -> Result<Answer> {
    let key = public_key(context, key)?;
    let id = hex::encode(key_id(&key)?);
    let json = serde_json::to_value(&key)
        .map_err(|source| Error::Encode { what: "public key", source: Box::new(source) })?;
    let public = json["keyval"]["public"].as_str().unwrap_or_default().trim().to_owned();
    let lines = vec![format!("type: {}", kind(&key)), format!("public: {public}"), format!("id: {id}")];
    Ok(Answer::done(lines, json!({ "id": id, "type": kind(&key), "public": public, "key": json })))
}
