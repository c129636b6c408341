//! Reads a repository by a host's rules, as far as a page needs it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use release::Images;
use release::manifest::{Manifest, Update};
use tough::schema::key::Key;
use tough::schema::{RoleType, Root};
use trust_client::Location;
use trust_core::{Expiry, Session};

use super::model::{KeyRow, Model, Release, RoleRow};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::host_check::{find, follow, read_manifest};
use crate::plain::MAX_ROOT;
use crate::role::Role;
use crate::source::Source;

/// Follows the metadata from `root`, a root that is trusted, and reads the manifest. Expired roles are reported, not
/// refused.
pub fn gather(source: &dyn Source, root: Vec<u8>, place: &Location, now: DateTime<Utc>) -> Result<Model> {
    let (mut session, trusted) = follow(source, root.clone(), now, Expiry::Ignore)?;
    // The session has verified it; it is read again for the names of its keys.
    let file = format!("{}.root.json", trusted.root.version);
    let newest = source.metadata(&file, MAX_ROOT)?.unwrap_or(root);
    let newest = Document::<Root>::parse_from(newest, &format!("metadata/{file}"))?;
    let states = [
        (Role::Root, trusted.root),
        (Role::Targets, trusted.targets),
        (Role::Snapshot, trusted.snapshot),
        (Role::Timestamp, trusted.timestamp),
    ];
    let roles = states.map(|(role, state)| {
        let keys = newest.role().roles.get(&role.of_tough());
        RoleRow {
            name: role.name(),
            version: state.version,
            expires: state.expires,
            threshold: keys.map_or(0, |keys| keys.threshold.get()),
            keys: keys.map_or(0, |keys| keys.keyids.len()),
        }
    });
    let manifest = read_manifest(source, &mut session)?.unwrap_or_else(Manifest::default);
    let releases: Result<Vec<Release>> =
        manifest.updates.into_iter().map(|update| measure(source, &mut session, update)).collect();
    let (roles, keys) = (roles.to_vec(), keys(newest.role()));
    Ok(Model { place: place.to_string(), now, roles, keys, releases: releases? })
}

fn keys(root: &Root) -> Vec<KeyRow> {
    let mut rows: Vec<KeyRow> = root.keys.iter().map(|(id, key)| row(root, &hex::encode(id), key)).collect();
    rows.sort_by(|one, two| one.id.cmp(&two.id));
    rows
}

fn row(root: &Root, id: &str, key: &Key) -> KeyRow {
    let signs = |role: &RoleType| {
        root.roles.get(role).is_some_and(|keys| keys.keyids.iter().any(|listed| hex::encode(listed) == id))
    };
    let roles = Role::ALL.into_iter().filter(|role| signs(&role.of_tough())).map(Role::name).collect();
    let kind = match key {
        Key::Ed25519 { .. } => "Ed25519",
        Key::Ecdsa { .. } | Key::EcdsaOld { .. } => "ECDSA P-256",
        Key::Rsa { .. } => "RSA",
    };
    KeyRow { id: id.to_owned(), kind: kind.to_owned(), roles }
}

fn measure(source: &dyn Source, session: &mut Session, update: Update) -> Result<Release> {
    let mut length = |name: &str| -> Result<Option<u64>, Error> {
        Ok(find(source, session, name)?.map(|target| target.length))
    };
    let ours = update.updog.as_ref();
    let images = Images::try_from_fn(|image| {
        let frames = length(update.images.get(image))?;
        let index = ours.map(|ours| length(ours.index.get(image))).transpose()?.flatten();
        Ok::<_, Error>(frames.map(|frames| frames.saturating_add(index.unwrap_or(0))))
    })?;
    let mut deltas = BTreeMap::new();
    for delta in ours.iter().flat_map(|ours| &ours.deltas) {
        let bytes = length(&delta.target)?.unwrap_or(0);
        let sum: &mut u64 = deltas.entry(delta.from.short()).or_default();
        *sum = sum.saturating_add(bytes);
    }
    Ok(Release { update, images, deltas })
}
