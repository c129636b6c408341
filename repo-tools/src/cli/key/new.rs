//! `updog-repo key new`

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::root::{Roles, edit};
use super::super::{Answer, Context, usage};
use crate::error::{Error, Result};
use crate::keys::{KeyKind, Purpose, Secrets, generate, generate_locked};

/// The key that is wanted.
pub(super) struct Wish {
    pub(super) file: PathBuf,
    pub(super) kind: KeyKind,
    pub(super) role: Option<Roles>,
    pub(super) encrypt: bool,
}

pub(super) fn run(context: &Context, wish: &Wish) -> Result<Answer> {
    let Wish { file, kind, role, encrypt } = wish;
    if context.rehearsal.is_some() {
        // A key is written by its own rules, past `files`; and one that is thrown away rehearses nothing.
        return Err(usage("refused: \"key new\" has no --dry-run, a key is made or it is not".into()));
    }
    refuse_inside(&context.repo, file)?;
    // Before the key is made: there must be a root that can take it.
    let folder = role.as_ref().map(|_| context.folder()).transpose()?;
    let key = if *encrypt {
        let passphrase = context.passphrases.secret(Purpose::Lock, file)?;
        generate_locked(*kind, file, &passphrase)?
    } else {
        generate(*kind, file)?
    };
    let id = hex::encode(key.signer.id());
    let mut lines = vec![
        format!("The private key is {}; keep it where only its signer can read it.", file.display()),
        format!("The public key is {}", key.public_file.display()),
    ];
    let mut data = json!({
        "id": id, "file": file, "public": key.public_file, "encrypted": encrypt, "roles": [],
    });
    if let (Some(folder), Some(Roles(roles))) = (folder, role) {
        let edited = edit(context, &folder, |next| next.add_key(&key.signer.public(), roles))?;
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        lines.push(format!("It may sign for {} in root {}.", names.join(", "), edited.version));
        data["roles"] = json!(names);
    }
    lines.push(format!("key made: {id}"));
    Ok(Answer::done(lines, data))
}

fn refuse_inside(repo: &Path, file: &Path) -> Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (Ok(repo_path), Ok(parent)) = (repo.canonicalize(), parent.canonicalize()) else { return Ok(()) };
    // A folder that is no working folder (yet) holds nothing that is copied around.
    if repo_path.join("updog-repo.json").exists() && parent.starts_with(&repo_path) {
        return Err(Error::KeyInside { path: file.to_owned() });
    }
    Ok(())
}
