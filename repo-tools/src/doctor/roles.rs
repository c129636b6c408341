//! Keys: who could sign too much, who must not be lost, and whether the root is the one that is meant.

use std::path::PathBuf;

use tough::schema::Root;

use super::{Finding, KeySeen, Kind, Observed};
use crate::ceremony::NextRoot;
use crate::document::Document;
use crate::intent::{Change, Intent, differences};
use crate::role::Role;

pub(super) fn check(seen: &Observed, intent: &Intent) -> Vec<Finding> {
    let mut findings: Vec<Finding> = seen.keys.iter().flat_map(of_key).collect();
    let next = seen.papers.next_root.as_ref().map(NextRoot::document);
    // Where nothing is signed yet, the root that is being made is what counts.
    let Some(root) = seen.papers.roots.last().or(next) else { return findings };
    for role in Role::ALL {
        findings.extend(threshold(root.role(), role, |id| seen.name_of(id)));
    }
    findings.extend(one_key_for_all(root.role(), |id| seen.name_of(id)));
    findings.extend(meant(root, next, intent, seen));
    findings
}

fn of_key(key: &KeySeen) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(unseen) = &key.id {
        let what = format!("key {}: {}", key.name, unseen.why);
        findings.push(Finding::new(Kind::KeyUnreadable, what, unseen.fix.clone()));
    }
    let Some(private) = &key.private else { return findings };
    let path = private.path.display();
    if private.mode & 0o077 != 0 {
        findings.push(Finding::new(
            Kind::KeyMode,
            format!(
                "private key {path} can be read by others: expected mode 0600, found 0{:03o}",
                private.mode
            ),
            format!("chmod 600 {path}"),
        ));
    }
    if private.inside {
        findings.push(Finding::new(
            Kind::KeyInside,
            format!("private key {path} lies in the working folder"),
            format!(
                "move {path} to where only its signer can read it; if the folder was shared, rotate the key"
            ),
        ));
    }
    findings
}

fn threshold(root: &Root, role: Role, name: impl Fn(&str) -> String) -> Vec<Finding> {
    let Some(keys) = root.roles.get(&role.of_tough()) else { return Vec::new() };
    let mut findings = Vec::new();
    let (count, threshold) = (keys.keyids.len(), keys.threshold.get());
    // A role without keys is not made yet; signing says so.
    if count > 0 && u64::try_from(count).is_ok_and(|count| count <= threshold) {
        let ids: Vec<String> = keys.keyids.iter().map(|id| name(&hex::encode(id))).collect();
        let end = if role == Role::Root { "no root can follow this one" } else { "it takes a new root" };
        findings.push(
            Finding::new(
                Kind::ThresholdEqualsKeys,
                format!(
                    "{role} needs {threshold} of {count} keys ({}): if one is lost, {end}",
                    ids.join(" ")
                ),
                format!("\"updog-repo root add-key KEY --role {role}\" with a spare key, then \"root sign\""),
            )
            .of(role),
        );
    }
    if role == Role::Root && threshold == 1 {
        findings.push(
            Finding::new(
                Kind::RootThresholdOne,
                "root needs 1 signature: one stolen key takes the repository over",
                "\"updog-repo root threshold root 2\", then \"root sign\"",
            )
            .of(role),
        );
    }
    findings
}

fn one_key_for_all(root: &Root, name: impl Fn(&str) -> String) -> Vec<Finding> {
    let everywhere = root.keys.keys().filter(|id| {
        Role::ALL
            .into_iter()
            .all(|role| root.roles.get(&role.of_tough()).is_some_and(|keys| keys.keyids.contains(id)))
    });
    let mut ids: Vec<String> = everywhere.map(hex::encode).collect();
    ids.sort();
    let found = ids.into_iter().map(|id| {
        Finding::new(
            Kind::OneKeyForAll,
            format!("key {} signs for all four roles", name(&id)),
            "\"updog-repo key new\" for the online roles, and \"root remove-key\" for this one",
        )
    });
    found.collect()
}

/// Every difference between the root and `repo.toml` (`root apply` makes all of them at once); one that the next root mends only has to be signed.
fn meant(
    root: &Document<Root>,
    next: Option<&Document<Root>>,
    intent: &Intent,
    seen: &Observed,
) -> Vec<Finding> {
    let ids = seen.ids();
    let later = next.map(|next| (next.version(), differences(next.role(), intent, &ids)));
    let found = differences(root.role(), intent, &ids).into_iter().map(|difference| {
        let role = difference.role;
        let (what, fix) = match &difference.change {
            Change::AddKey { name, id, at } => {
                // A URI has signs in it that a shell reads in its own way.
                let quote = |at: &PathBuf| {
                    let plain = !at.to_string_lossy().contains([';', '?', '&']);
                    if plain { at.display().to_string() } else { format!("'{}'", at.display()) }
                };
                let key = at.as_ref().map_or_else(|| name.clone(), quote);
                (
                    format!("root {} does not list {name} ({id}) for {role}, repo.toml does", root.version()),
                    format!("\"updog-repo root add-key {key} --role {role}\", then \"root sign\""),
                )
            }
            Change::RemoveKey { id } => (
                format!("root {} lists {id} for {role}, repo.toml does not", root.version()),
                format!("\"updog-repo root remove-key {id} --role {role}\", then \"root sign\""),
            ),
            Change::Threshold { found, meant } => (
                format!(
                    "root {} needs {found} signature(s) for {role}, repo.toml says {meant}",
                    root.version()
                ),
                format!("\"updog-repo root threshold {role} {meant}\", then \"root sign\""),
            ),
        };
        let fix = match &later {
            Some((version, left)) if *version != root.version() && !left.contains(&difference) => {
                format!("sign root {version}, which says so: \"updog-repo root sign --key KEY\"")
            }
            _ => fix,
        };
        Finding::new(Kind::Intent, what, fix).of(role)
    });
    found.collect()
}
