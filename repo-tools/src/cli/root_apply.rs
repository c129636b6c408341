//! `updog-repo root apply`: the next root becomes what `repo.toml` says.

use std::collections::BTreeMap;

use serde_json::json;

use super::root::edit;
use super::{Answer, Context};
use crate::ceremony::NextRoot;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::intent::{Change, Difference, KnownKey, differences};
use crate::keys::{KeyId, key_id};

pub(super) fn run(context: &Context, folder: &Folder) -> Result<Answer> {
    let intent = context.intent()?;
    let known = intent.known_keys(&context.passphrases)?;
    let ids = known.iter().map(|(name, key)| (name.clone(), key.id.clone())).collect();
    let papers = folder.papers()?;
    let next = papers.next_root.as_ref().map(NextRoot::document);
    let (version, meant) = match next.or(papers.roots.last()) {
        Some(root) => (root.version(), differences(root.role(), &intent, &ids)),
        None => (0, differences(NextRoot::first(context.now)?.document().role(), &intent, &ids)),
    };
    if meant.is_empty() {
        let lines = vec![format!("root {version} is what repo.toml says")];
        return Ok(Answer::done(lines, json!({ "version": version, "changed": false, "edits": [] })));
    }
    let edited = edit(context, folder, |next| {
        meant.iter().try_fold(false, |changed, difference| Ok(apply(next, difference, &known)? || changed))
    })?;
    let edits: Vec<String> = meant.iter().map(sentence).collect();
    let data = json!({ "version": edited.version, "changed": true, "edits": edits });
    let mut lines = edits;
    lines.push(format!("root {} is now what repo.toml says, not signed", edited.version));
    Ok(Answer::done(lines, data))
}

fn apply(next: &mut NextRoot, difference: &Difference, known: &BTreeMap<String, KnownKey>) -> Result<bool> {
    let roles = [difference.role];
    match &difference.change {
        Change::AddKey { id, name, .. } => {
            let key = match known.get(name).and_then(|known| known.public.clone()) {
                Some(key) => key,
                // Known by its id alone: another role of this root must have the key itself.
                None => listed(next.document(), id)?.1,
            };
            let added = next.add_key(&key, &roles)?;
            Ok(next.name_key_if_free(&key_id(&key)?, name)? || added)
        }
        Change::RemoveKey { id } => {
            let id = listed(next.document(), id)?.0;
            next.remove_key(&id, &roles)
        }
        Change::Threshold { meant, .. } => next.set_threshold(difference.role, *meant),
    }
}

fn listed(root: &Document<tough::schema::Root>, id: &str) -> Result<(KeyId, tough::schema::key::Key)> {
    let mut keys = root.role().keys.iter();
    let found = keys.find(|(listed, _)| hex::encode(listed) == id);
    found
        .map(|(id, key)| (id.clone(), key.clone()))
        .ok_or_else(|| Error::UnknownKey { id: id.to_owned(), version: root.version() })
}

fn sentence(difference: &Difference) -> String {
    let role = difference.role;
    match &difference.change {
        Change::AddKey { name, id, .. } => format!("{name} may sign for {role}: {id}"),
        Change::RemoveKey { id } => format!("no longer for {role}: {id}"),
        Change::Threshold { found, meant } => format!("{role} needs {meant} signature(s), not {found}."),
    }
}
