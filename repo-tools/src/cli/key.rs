//! `updog-repo key new`

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::root::{Roles, edit};
use super::{Answer, Context, usage};
use crate::error::{Error, Result};
use crate::keys::{KeyKind, Purpose, Secrets, generate, generate_locked};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make a private key (PKCS#8 PEM, mode 0600) and its public half beside it.
    New {
        /// The private key; the public one gets ".pub" at its end. Outside the working folder.
        file: PathBuf,
        /// Kind of key.
        #[arg(long = "type", value_enum, default_value = "ed25519")]
        kind: KeyKind,
        /// Let it sign for these roles in the next root: all, or some of root,targets,snapshot,timestamp.
        #[arg(long, value_name = "ROLES")]
        role: Option<Roles>,
        /// Encrypt the private key with a passphrase, typed twice or from --passphrase-file or --passphrase-fd.
        #[arg(long)]
        encrypt: bool,
    },
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::New { .. } => "key new",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    let Verb::New { file, kind, role, encrypt } = verb;
    if context.rehearsal.is_some() {
        // A key is written by its own rules, past `files`; and one that is thrown away rehearses nothing.
        return Err(usage("refused: \"key new\" has no --dry-run, a key is made or it is not".into()));
    }
    refuse_inside(&context.repo, &file)?;
    // Before the key is made: there must be a root that can take it.
    let folder = role.as_ref().map(|_| context.folder()).transpose()?;
    let key = if encrypt {
        let passphrase = context.passphrases.secret(Purpose::Lock, &file)?;
        generate_locked(kind, &file, &passphrase)?
    } else {
        generate(kind, &file)?
    };
    let id = hex::encode(key.signer.id());
    let mut lines = vec![
        format!("The private key is {}; keep it where only its signer can read it.", file.display()),
        format!("The public key is {}", key.public_file.display()),
    ];
    let mut data =
        json!({ "id": id, "file": file, "public": key.public_file, "encrypted": encrypt, "roles": [] });
    if let (Some(folder), Some(Roles(roles))) = (folder, role) {
        let edited = edit(context, &folder, |next| next.add_key(&key.signer.public(), &roles))?;
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
