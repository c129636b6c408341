//! `updog-repo root …`: the ceremony.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Subcommand;
use serde_json::{Value, json};
use tough::schema::Root;

use super::sign::{order, say_missing};
use super::{Answer, Context, block_on, root_apply, signers, usage};
use crate::ceremony::NextRoot;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::keys::{KeyId, key_id, public_key};
use crate::role::Role;
use crate::time;
use crate::unsigned::Unsigned;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Begin the next root: the same keys, one version more, good for as long as repo.toml says (a year).
    New,
    /// Make the next root what repo.toml says: keys and thresholds of the roles that it speaks of.
    Apply,
    /// Let a key sign for roles.
    AddKey {
        /// A private key, its .pub file, or a public key as openssl writes it.
        key: PathBuf,
        /// all, or some of root,targets,snapshot,timestamp.
        #[arg(long, value_name = "ROLES")]
        role: Roles,
    },
    /// Take the right to sign from a key.
    RemoveKey {
        /// The key id, its first 8 digits or more, or a key file.
        key: String,
        /// all, or some of root,targets,snapshot,timestamp.
        #[arg(long, value_name = "ROLES", default_value = "all")]
        role: Roles,
    },
    /// Say how many signatures a role needs.
    Threshold {
        /// root, targets, snapshot or timestamp.
        role: Role,
        /// How many.
        signatures: NonZeroU64,
    },
    /// Say when the next root expires.
    Expire {
        /// RFC 3339, or a term from now: 365d, 52w.
        when: String,
    },
    /// Sign the next root; it is final when the old and the new root keys have signed.
    Sign {
        /// A private key file; may be given more than once.
        #[arg(long, required = true, value_name = "FILE")]
        key: Vec<PathBuf>,
    },
    /// Show the newest root, and the next one.
    Show,
}

/// Roles as typed: `all`, or names with commas.
#[derive(Debug, Clone)]
pub(super) struct Roles(pub(super) Vec<Role>);

impl FromStr for Roles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self(Role::ALL.to_vec()));
        }
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::New => "root new",
            Self::Apply => "root apply",
            Self::AddKey { .. } => "root add-key",
            Self::RemoveKey { .. } => "root remove-key",
            Self::Threshold { .. } => "root threshold",
            Self::Expire { .. } => "root expire",
            Self::Sign { .. } => "root sign",
            Self::Show => "root show",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    let folder = context.folder()?;
    let edited = match verb {
        Verb::New => edit(context, &folder, |_| Ok(false))?,
        Verb::Apply => return root_apply::run(context, &folder),
        Verb::AddKey { key, role } => {
            let key = public_key(&key)?;
            edit(context, &folder, |next| next.add_key(&key, &role.0))?
        }
        Verb::RemoveKey { key, role } => edit(context, &folder, |next| {
            let id = resolve(next.document().role(), &key)?;
            next.remove_key(&id, &role.0)
        })?,
        Verb::Threshold { role, signatures } => {
            edit(context, &folder, |next| next.set_threshold(role, signatures))?
        }
        Verb::Expire { when } => {
            let at = time::parse_when(&when, context.now).map_err(usage)?;
            if at <= context.now {
                return Err(Error::ExpiresAtOnce { role: Role::Root, expires: at });
            }
            edit(context, &folder, |next| next.set_expires(at))?
        }
        Verb::Sign { key } => return sign(context, &folder, &key),
        Verb::Show => return show(&folder),
    };
    let fact = if edited.changed { "changed" } else { "unchanged" };
    let mut lines = Vec::new();
    if edited.begun {
        lines.push(format!("Root {} begun.", edited.version));
    }
    lines.push(format!("root {} {fact}, not signed", edited.version));
    Ok(Answer::done(
        lines,
        json!({ "version": edited.version, "begun": edited.begun, "changed": edited.changed }),
    ))
}

/// What an edit of the next root came to.
pub(super) struct Edited {
    pub(super) version: u64,
    begun: bool,
    changed: bool,
}

/// Edits the next root; begins it when there is none. A change drops the signatures it had.
pub(super) fn edit(
    context: &Context,
    folder: &Folder,
    change: impl FnOnce(&mut NextRoot) -> Result<bool>,
) -> Result<Edited> {
    let _lock = folder.lock()?;
    let papers = folder.papers()?;
    let expires = time::later(context.now, context.intent()?.terms().root);
    let (mut next, begun) = match (papers.next_root, papers.roots.last()) {
        (Some(next), _) => (next, false),
        (None, Some(newest)) => (NextRoot::after(newest.role(), expires)?, true),
        (None, None) => (NextRoot::first(expires)?, true),
    };
    let changed = change(&mut next)?;
    if begun || changed {
        folder.save_next_root(&next)?;
    }
    Ok(Edited { version: next.document().version(), begun, changed: begun || changed })
}

fn sign(context: &Context, folder: &Folder, keys: &[PathBuf]) -> Result<Answer> {
    let signers = signers(context, keys)?;
    let _lock = folder.lock()?;
    let papers = folder.papers()?;
    let version = papers.next_root.as_ref().ok_or(Error::NoNextRoot)?.document().version();
    let unsigned = Unsigned::new(papers, std::collections::BTreeMap::new(), order(context));
    let (papers, missing) = block_on(unsigned.sign_root_alone(&signers))?;
    folder.save_papers(&papers)?;
    if !missing.is_empty() {
        return Ok(say_missing("root", &missing, true));
    }
    let path = folder.root_path(version);
    let lines = vec![
        format!("Hosts that have no root yet are shipped with {}", path.display()),
        format!("root {version} signed; \"updog-repo sign\" and \"publish\" show it"),
    ];
    Ok(Answer::done(lines, json!({ "version": version, "path": path, "missing": [] })))
}

fn show(folder: &Folder) -> Result<Answer> {
    let papers = folder.papers()?;
    let mut lines = Vec::new();
    let next = papers.next_root.as_ref().map(NextRoot::document);
    for (root, state) in papers
        .roots
        .last()
        .map(|root| (root, "signed"))
        .into_iter()
        .chain(next.map(|root| (root, "not signed")))
    {
        lines.push(format!("Root {}, {state}, expires {}.", root.version(), time::text(root.expires())));
        for role in Role::ALL {
            let Some(keys) = root.role().roles.get(&role.of_tough()) else { continue };
            let ids: Vec<String> = keys.keyids.iter().map(hex::encode).collect();
            let ids = if ids.is_empty() { "no keys".to_owned() } else { ids.join(" ") };
            lines.push(format!("  {role}: {} of {}: {ids}", keys.threshold, keys.keyids.len()));
        }
    }
    let signed = papers.roots.last().map(root_json);
    Ok(Answer::done(
        lines,
        json!({ "signed": signed, "next": next.map(root_json), "published": papers.shown.root }),
    ))
}

fn root_json(root: &Document<Root>) -> Value {
    let roles: serde_json::Map<String, Value> = Role::ALL
        .into_iter()
        .filter_map(|role| {
            let keys = root.role().roles.get(&role.of_tough())?;
            let ids: Vec<String> = keys.keyids.iter().map(hex::encode).collect();
            Some((role.name().to_owned(), json!({ "threshold": keys.threshold, "keys": ids })))
        })
        .collect();
    json!({ "version": root.version(), "expires": time::text(root.expires()), "roles": roles })
}

/// A key of this root by id, by the first digits of it, or by file.
fn resolve(root: &Root, key: &str) -> Result<KeyId> {
    let unknown = || Error::UnknownKey { id: key.to_owned(), version: root.version.get() };
    if Path::new(key).is_file() {
        let id = key_id(&public_key(Path::new(key))?)?;
        return if root.keys.contains_key(&id) { Ok(id) } else { Err(unknown()) };
    }
    let mut fitting = root.keys.keys().filter(|id| key.len() >= 8 && hex::encode(id).starts_with(key));
    match (fitting.next(), fitting.next()) {
        (Some(id), None) => Ok(id.clone()),
        _ => Err(unknown()),
    }
}
