//! `updog-repo key rotate`

use std::path::Path;

use serde_json::json;
use tough::schema::Root;

use super::super::root::{Roles, edit, resolve};
use super::super::{Answer, Context, public_key, usage};
use super::list::names;
use crate::error::{Error, Result};
use crate::keys::{KeyId, key_id};
use crate::role::Role;
use crate::unsigned::{Missing, missing};

pub(super) fn run(context: &Context, old: &str, new: &Path, role: Option<Roles>) -> Result<Answer> {
    let folder = context.folder()?;
    let newest = folder.papers()?.roots.last().map(|root| root.role().clone());
    let new = public_key(context, new)?;
    let new_id = key_id(&new)?;
    let mut rotated = None;
    let edited = edit(context, &folder, |next| {
        let root = next.document().role();
        // A second run finds the old key only in the root that is signed.
        let old_id = resolve(context, root, old)
            .or_else(|error| newest.as_ref().map_or(Err(error), |newest| resolve(context, newest, old)))?;
        if old_id == new_id {
            return Err(usage("expected two keys, found the same one twice".into()));
        }
        let roles = roles(root, &old_id, &new_id, role.map(|roles| roles.0))?;
        let added = next.add_key(&new, &roles)?;
        let removed = next.remove_key(&old_id, &roles)?;
        rotated = Some((old_id, roles));
        Ok(added || removed)
    })?;
    let (old_id, roles) = rotated.ok_or(Error::NoNextRoot)?;
    let papers = folder.papers()?;
    let next = papers.next_root.as_ref().ok_or(Error::NoNextRoot)?.document();
    let holders: Vec<&Root> = newest.iter().chain([next.role()]).collect();
    let root = missing(next, Role::Root, &holders);
    let mut lines = vec![format!(
        "{} of root {}: {} in the place of {}.",
        names(&roles),
        edited.version,
        hex::encode(&new_id),
        hex::encode(&old_id)
    )];
    lines.extend(root.iter().map(must_sign));
    let online = roles.iter().any(|role| *role != Role::Root);
    if online && papers.shown.root > 0 {
        lines.push(
            "Then \"updog-repo sign\" with the old and the new keys, so that hosts can read at every moment; \
             publish shows the root last."
                .into(),
        );
    }
    lines.push(format!(
        "root {} {}, not signed: \"updog-repo root sign --key KEY\" is next",
        edited.version,
        if edited.changed { "changed" } else { "unchanged" }
    ));
    let data = json!({
        "version": edited.version, "changed": edited.changed, "roles": roles,
        "old": hex::encode(&old_id), "new": hex::encode(&new_id),
        "missing": root, "old_and_new_sign": online && papers.shown.root > 0,
    });
    Ok(Answer::done(lines, data))
}

/// The roles that change hands: those asked for, or all that the old key has; after a first run, what the new one has.
fn roles(root: &Root, old: &KeyId, new: &KeyId, asked: Option<Vec<Role>>) -> Result<Vec<Role>> {
    let of = |id: &KeyId| -> Vec<Role> {
        Role::ALL
            .into_iter()
            .filter(|role| root.roles.get(&role.of_tough()).is_some_and(|keys| keys.keyids.contains(id)))
            .collect()
    };
    let (olds, news) = (of(old), of(new));
    match asked {
        None if olds.is_empty() && news.is_empty() => {
            Err(Error::UnknownKey { id: hex::encode(old), version: root.version.get() })
        }
        None if olds.is_empty() => Ok(news),
        None => Ok(olds),
        Some(asked) => match asked.iter().find(|role| !olds.contains(role) && !news.contains(role)) {
            Some(role) => Err(usage(format!("key {} has no part in {role}", hex::encode(old)))),
            None => Ok(asked),
        },
    }
}

fn must_sign(missing: &Missing) -> String {
    let Missing { role, under_root, signatures, keys } = missing;
    format!("{role} needs {signatures} more under root {under_root}, from: {}", keys.join(" "))
}
