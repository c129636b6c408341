//! Roles to which targets leave some names, through all levels.

use std::collections::{BTreeMap, HashMap};

use tough::TargetName;
use tough::schema::{DelegatedRole, Delegations, Snapshot, Targets};

use crate::document::Document;
use crate::error::{Error, Result};

/// The documents of the roles that `top` leads to, through all levels. `find` is asked for what a role has signed; where
/// it has nothing, what that role leaves to others is not looked at.
pub(crate) fn walk<E>(
    top: Option<&Delegations>,
    mut find: impl FnMut(&Delegations, &DelegatedRole) -> Result<Option<Document<Targets>>, E>,
) -> Result<BTreeMap<String, Document<Targets>>, E> {
    let mut found: BTreeMap<String, Document<Targets>> = BTreeMap::new();
    let mut open: Vec<Delegations> = top.into_iter().cloned().collect();
    while let Some(delegations) = open.pop() {
        for role in &delegations.roles {
            if !found.contains_key(&role.name)
                && let Some(document) = find(&delegations, role)?
            {
                open.extend(document.role().delegations.clone());
                found.insert(role.name.clone(), document);
            }
        }
    }
    Ok(found)
}

/// All of them, each signed as the role above it says.
///
/// # Errors
/// The first role, in order of trust, that is not there or lacks signatures: hosts could not read what is left to it.
pub(crate) fn complete(
    top: &Targets,
    documents: &BTreeMap<String, Document<Targets>>,
) -> Result<BTreeMap<String, Document<Targets>>> {
    walk(top.delegations.as_ref(), |delegations, role| {
        check_name(&role.name)?;
        let document = documents.get(&role.name);
        let lacks = lacking(document, delegations, role);
        match document {
            Some(document) if lacks.signatures == 0 => Ok(Some(document.clone())),
            _ => Err(Error::DelegationUnsigned { name: role.name.clone(), lacks }),
        }
    })
}

/// Those whose documents are there, are the ones that `snapshot` lists, and verify. `read` looks a file up; what is
/// missing or wrong is what `validate` is for.
pub(crate) fn readable(
    top: &Targets,
    snapshot: &Snapshot,
    read: &dyn Fn(&str) -> Result<Option<Document<Targets>>>,
) -> Result<BTreeMap<String, Document<Targets>>> {
    walk(top.delegations.as_ref(), |delegations, role| {
        let Some(listed) = snapshot.meta.get(&listed_as(&role.name)) else { return Ok(None) };
        let document = match read(&file_name(&role.name, listed.version.get())) {
            Ok(document) => document,
            Err(Error::ParseRole { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(document
            .filter(|document| document.is(Some(listed)) && document.verifies_as(delegations, &role.name)))
    })
}

/// Signatures that a delegated role lacks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Lacks {
    /// How many more are needed.
    pub signatures: u64,
    /// The keys that could give them.
    pub keys: Vec<String>,
}

/// What `document` lacks as `role`; a document that nobody made lacks all.
pub(crate) fn lacking(
    document: Option<&Document<Targets>>,
    delegations: &Delegations,
    role: &DelegatedRole,
) -> Lacks {
    let signed = document.map(|document| document.signed_as(delegations, role)).unwrap_or_default();
    let given = u64::try_from(signed.len()).unwrap_or(u64::MAX);
    let keys = role.keyids.iter().map(hex::encode).filter(|id| !signed.contains(id)).collect();
    Lacks { signatures: role.threshold.get().saturating_sub(given), keys }
}

/// A role's name is part of a file's name, and some servers and clients take a sign in it for another one.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let taken = ["root", "timestamp", "snapshot", "targets"].contains(&name);
    if (1..=64).contains(&name.len()) && name.chars().all(plain) && !name.starts_with('.') && !taken {
        return Ok(());
    }
    let reason = "expected a name of its own, up to 64 of A-Z a-z 0-9 . _ -".to_owned();
    Err(Error::DelegatedRole { name: name.to_owned(), reason })
}

/// Where a role is delegated: by `top`, or by a role that `top` leads to.
pub(crate) fn holder<'a>(
    top: Option<&'a Delegations>,
    documents: &'a BTreeMap<String, Document<Targets>>,
    name: &str,
) -> Option<(&'a Delegations, &'a DelegatedRole)> {
    let nested = documents.values().filter_map(|document| document.role().delegations.as_ref());
    top.into_iter().chain(nested).find_map(|delegations| {
        let role = delegations.roles.iter().find(|role| role.name == name)?;
        Some((delegations, role))
    })
}

/// Whether a role may sign for this name.
pub(crate) fn covers(role: &DelegatedRole, name: &TargetName) -> bool {
    Delegations { keys: HashMap::new(), roles: vec![role.clone()] }.target_is_delegated(name)
}

/// How a snapshot lists a role.
pub(crate) fn listed_as(name: &str) -> String {
    format!("{name}.json")
}

/// The file of a role's version; a name such as `../x` stays inside its folder.
pub(crate) fn file_name(name: &str, version: u64) -> String {
    format!("{version}.{}.json", quoted(name))
}

/// How the name ends under which the bytes of a role's document lie among the blobs of a working folder.
pub(crate) fn kept_end(name: &str) -> String {
    format!(".{}.json", quoted(name))
}

/// The name of a role as part of a file name.
pub(crate) fn quoted(name: &str) -> String {
    trust_core::Role::Delegated(name.to_owned()).quoted()
}
