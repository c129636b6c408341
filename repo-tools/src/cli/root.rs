//! `updog-repo root …`: the ceremony.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Subcommand;
use serde_json::{Value, json};
use tough::schema::Root;

use super::ceremony::{self, How};
use super::sign::{order, say_missing};
use super::{Answer, Context, block_on, public_key, root_apply, signers, usage};
use crate::ceremony::NextRoot;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::keys::{KeyId, KeyName, key_id};
use crate::names;
use crate::request::for_root;
use crate::role::Role;
use crate::time;
use crate::unsigned::{Rotation, Unsigned};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Begin the next root: the same keys, one version more, good for as long as repo.toml says (a year).
    New,
    /// Make the next root what repo.toml says: keys and thresholds of the roles that it speaks of.
    Apply,
    /// Let a key sign for roles.
    AddKey {
        /// A private key, its .pub file, a public key as openssl writes it, or a pkcs11: or aws-kms: URI.
        key: PathBuf,
        /// all, or some of root,targets,snapshot,timestamp.
        #[arg(long, value_name = "ROLES")]
        role: Roles,
        /// What people call it, for requests; the file's name without its end otherwise. It stands in the public root.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Take the right to sign from a key.
    RemoveKey {
        /// The key id, its first 8 digits or more, a key file or a pkcs11: or aws-kms: URI.
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
    /// Write a request for the next root: what changes, who must sign, the bytes to be signed.
    Propose {
        /// The file to write; root-VERSION.request otherwise.
        #[arg(long, value_name = "FILE", value_parser = super::local)]
        out: Option<PathBuf>,
    },
    /// Sign the next root; it is final when the old and the new root keys have signed.
    ///
    /// With FILE, a request is signed, on any machine, with nothing but that file and the key. Without, the next root
    /// of the working folder is.
    Sign {
        /// A request, as "root propose" writes it.
        #[arg(value_parser = super::local)]
        file: Option<PathBuf>,
        /// A private key, a file or a pkcs11: or aws-kms: URI; may be given more than once.
        #[arg(long, required = true, value_name = "KEY")]
        key: Vec<PathBuf>,
        #[command(flatten)]
        how: How,
    },
    /// Take signed requests into the working folder: all, or none.
    Collect {
        /// Signed requests.
        #[arg(required = true, value_parser = super::local)]
        files: Vec<PathBuf>,
    },
    /// Say who has signed the next root, and who is missing for the old and the new threshold (exit 11).
    Check,
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
            Self::Propose { .. } => "root propose",
            Self::Sign { .. } => "root sign",
            Self::Collect { .. } => "root collect",
            Self::Check => "root check",
            Self::Show => "root show",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    if let Verb::Sign { file: Some(file), key, how } = &verb {
        // A holder's machine has no working folder.
        return ceremony::sign_file(context, Role::Root, file, key, how);
    }
    let folder = context.folder()?;
    let edited = match verb {
        Verb::New => edit(context, &folder, |_| Ok(false))?,
        Verb::Apply => return root_apply::run(context, &folder),
        Verb::AddKey { key: file, role, name } => {
            let key = public_key(context, &file)?;
            edit(context, &folder, |next| {
                let added = next.add_key(&key, &role.0)?;
                Ok(name_key(next, &key_id(&key)?, &file, name.as_deref())? || added)
            })?
        }
        Verb::RemoveKey { key, role } => edit(context, &folder, |next| {
            let id = resolve(context, next.document().role(), &key)?;
            next.remove_key(&id, &role.0)
        })?,
        Verb::Threshold { role, signatures } => {
            edit(context, &folder, |next| next.set_threshold(role, signatures))?
        }
        Verb::Expire { when } => {
            let at = time::parse_role_end(Role::Root, &when, context.now).map_err(usage)?;
            if at <= context.now {
                return Err(Error::ExpiresAtOnce { role: Role::Root, expires: at });
            }
            edit(context, &folder, |next| next.set_expires(at))?
        }
        Verb::Propose { out } => {
            let request = for_root(folder.papers()?, context.now)?;
            return ceremony::propose(context, &request, out.as_deref());
        }
        Verb::Sign { key, .. } => return sign(context, &folder, &key),
        Verb::Collect { files } => {
            let _lock = folder.lock()?;
            return ceremony::gather(context, &folder, Role::Root, &files, Rotation::OldAndNew);
        }
        Verb::Check => return ceremony::check(&folder.papers()?, Role::Root, Rotation::OldAndNew),
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

/// The name that was asked for; else that of the file or the label, unless the key or the name is taken.
fn name_key(next: &mut NextRoot, id: &KeyId, file: &Path, name: Option<&str>) -> Result<bool> {
    match (name, KeyName::parse(file)?.short()) {
        (Some(name), _) => next.name_key(id, name),
        (None, Some(name)) => next.name_key_if_free(id, &name),
        (None, None) => Ok(false),
    }
}

/// What an edit of the next root came to.
pub(super) struct Edited {
    pub(super) version: u64,
    begun: bool,
    pub(super) changed: bool,
}

/// Edits the next root; begins it when there is none. A change drops the signatures it had.
pub(super) fn edit(
    context: &Context,
    folder: &Folder,
    change: impl FnOnce(&mut NextRoot) -> Result<bool>,
) -> Result<Edited> {
    let _lock = folder.lock()?;
    let mut edit = Edit::begin(context, folder)?;
    let changed = change(&mut edit.next)?;
    edit.save(folder, changed)
}

/// The next root, open. The caller has the lock.
pub(super) struct Edit {
    pub(super) next: NextRoot,
    begun: bool,
}

impl Edit {
    pub(super) fn begin(context: &Context, folder: &Folder) -> Result<Self> {
        let papers = folder.papers()?;
        let expires = time::later(context.now, context.intent()?.terms().root);
        let (next, begun) = match (papers.next_root, papers.roots.last()) {
            (Some(next), _) => (next, false),
            (None, Some(newest)) => (NextRoot::after(newest.role(), expires)?, true),
            (None, None) => (NextRoot::first(expires)?, true),
        };
        Ok(Self { next, begun })
    }

    pub(super) fn save(self, folder: &Folder, changed: bool) -> Result<Edited> {
        let changed = self.begun || changed;
        if changed {
            folder.save_next_root(&self.next)?;
        }
        Ok(Edited { version: self.next.document().version(), begun: self.begun, changed })
    }
}

fn sign(context: &Context, folder: &Folder, keys: &[PathBuf]) -> Result<Answer> {
    let signers = signers(context, keys)?;
    let _lock = folder.lock()?;
    let papers = folder.papers()?;
    let version = papers.next_root.as_ref().ok_or(Error::NoNextRoot)?.document().version();
    let unsigned = Unsigned::new(papers, std::collections::BTreeMap::new(), None, order(context));
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
            let ids: Vec<String> =
                keys.keyids.iter().map(|id| names::called(&[root.role()], &hex::encode(id))).collect();
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

/// A key of this root by id, by the first digits of it, by file, or by URI.
pub(super) fn resolve(context: &Context, root: &Root, key: &str) -> Result<KeyId> {
    let unknown = || Error::UnknownKey { id: key.to_owned(), version: root.version.get() };
    // A URI may hold what must not be repeated, so it is no id that was not found.
    let elsewhere = !matches!(KeyName::parse(Path::new(key))?, KeyName::File(_));
    if elsewhere || Path::new(key).is_file() {
        let id = key_id(&public_key(context, Path::new(key))?)?;
        return if root.keys.contains_key(&id) { Ok(id) } else { Err(unknown()) };
    }
    let mut fitting = root.keys.keys().filter(|id| key.len() >= 8 && hex::encode(id).starts_with(key));
    match (fitting.next(), fitting.next()) {
        (Some(id), None) => Ok(id.clone()),
        _ => Err(unknown()),
    }
}
