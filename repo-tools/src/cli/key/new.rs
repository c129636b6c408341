//! `updog-repo key new`

use std::path::{Path, PathBuf};

use serde_json::json;
use tough::schema::Root;

use super::super::ground::there;
use super::super::root::{Edit, Roles};
use super::super::{Answer, Context};
use crate::error::{Error, Result};
use crate::files::parent;
use crate::folder::{Folder, STATE};
use crate::keys::{KeyKind, NewKey, Purpose, Secrets, generate, generate_locked, rehearse, take_up};
use crate::made_keys::{is_remembered, remember};

/// The key that is wanted.
pub(super) struct Wish {
    pub(super) file: PathBuf,
    pub(super) kind: KeyKind,
    pub(super) role: Option<Roles>,
    pub(super) encrypt: bool,
}

pub(super) fn run(context: &Context, wish: &Wish) -> Result<Answer> {
    let Wish { file, kind, role, encrypt } = wish;
    refuse_inside(&context.repo, file)?;
    // Before the key is made: there must be a root that can take it, and nobody else at work on it.
    let folder = match role {
        Some(_) => Some(context.folder()?),
        None => context.folder().ok(),
    };
    let _lock = folder.as_ref().map(Folder::lock).transpose()?;
    let edit = role.as_ref().and(folder.as_ref()).map(|folder| Edit::begin(context, folder)).transpose()?;
    let passphrase = encrypt.then(|| context.passphrases.secret(Purpose::Lock, file)).transpose()?;
    let is_rehearsal = context.rehearsal.is_some();
    let place = place_of(file)?;
    let earlier = match (&folder, &edit) {
        (Some(folder), Some(edit)) if !is_rehearsal && is_remembered(folder, &place)? => {
            take_up(*kind, file, passphrase.as_ref())?.filter(|key| !is_listed(folder, edit, key))
        }
        _ => None,
    };
    let key = match (earlier, &passphrase) {
        (Some(key), _) => key,
        // A key is written by its own rules, past `files`; the one of a rehearsal is thrown away.
        (None, passphrase) if is_rehearsal => {
            rehearse(context.files.as_ref(), *kind, file, passphrase.as_ref())?
        }
        (None, Some(passphrase)) => generate_locked(*kind, file, passphrase)?,
        (None, None) => generate(*kind, file)?,
    };
    if let Some(folder) = &folder {
        // What nobody wrote down would be in the way of the next run, and no one knows it yet.
        remember(folder, &place).inspect_err(|_| {
            if !is_rehearsal {
                key.forget(file);
            }
        })?;
    }
    let id = (!is_rehearsal).then(|| hex::encode(key.signer.id()));
    let mut lines = vec![
        format!("The private key is {}; keep it where only its signer can read it.", file.display()),
        format!("The public key is {}", key.public_file.display()),
    ];
    let mut data = json!({
        "id": id, "file": file, "public": key.public_file, "encrypted": encrypt, "roles": [],
    });
    if let (Some(folder), Some(mut edit), Some(Roles(roles))) = (folder, edit, role) {
        let changed = edit.next.add_key(&key.signer.public(), roles)?;
        let edited = edit.save(&folder, changed)?;
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        lines.push(format!("It may sign for {} in root {}.", names.join(", "), edited.version));
        data["roles"] = json!(names);
    }
    lines.push(match id {
        Some(id) => format!("key made: {id}"),
        None => "a key would be made; its id is not known before".to_owned(),
    });
    Ok(Answer::done(lines, data))
}

/// Whether a root lists it: a key that is in use is no half of an earlier run.
fn is_listed(folder: &Folder, edit: &Edit, key: &NewKey) -> bool {
    let public = key.signer.public();
    let lists = |root: &Root| root.keys.values().any(|listed| *listed == public);
    let roots = folder.papers().map(|papers| papers.roots);
    lists(edit.next.document().role())
        || roots.map_or(true, |roots| roots.iter().any(|root| lists(root.role())))
}

/// A key in the working folder is copied to others with it, and one in a published folder is read by everybody.
fn refuse_inside(repo: &Path, file: &Path) -> Result<()> {
    let place = place_of(file)?;
    let parent = parent(&place);
    let repo = repo.canonicalize().ok().filter(|repo| repo.join(STATE).exists());
    for dir in parent.ancestors() {
        let what = if repo.as_deref() == Some(dir) || dir.join(STATE).exists() {
            "a working folder, which is copied to others"
        } else if dir.join("metadata/timestamp.json").exists() {
            "a repository that hosts read"
        } else {
            continue;
        };
        return Err(Error::KeyInside { path: file.to_owned(), dir: dir.to_owned(), what });
    }
    Ok(())
}

/// Where a file lies, or will lie once it is made.
fn place_of(file: &Path) -> Result<PathBuf> {
    let read = |source| Error::ReadFile { path: file.to_owned(), source };
    let dir = there(&std::path::absolute(parent(file)).map_err(read)?);
    Ok(file.file_name().map_or(dir.clone(), |name| dir.join(name)))
}
