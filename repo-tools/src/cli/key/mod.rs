//! `updog-repo key …`

mod list;
mod new;
mod rotate;
mod show;

use std::path::PathBuf;

use clap::Subcommand;

use super::root::Roles;
use super::{Answer, Context};
use crate::error::Result;
use crate::keys::KeyKind;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make a private key (PKCS#8 PEM, mode 0600) and its public half beside it.
    New {
        /// The private key; the public one gets ".pub" at its end. Outside the working folder.
        #[arg(value_parser = super::local)]
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
    /// List the keys of the root: what they may sign, what they have signed, how many signatures are needed.
    List,
    /// Show a key's type, id and public half. Needs no root.
    Show {
        /// A key file, private or public, or a pkcs11: or aws-kms: URI.
        key: PathBuf,
    },
    /// Put a new key in the place of an old one in the next root, and say who must sign.
    Rotate {
        /// The id of the old key, its first 8 digits or more, a key file, or a URI.
        old: String,
        /// The new key: a file, private or public, or a URI.
        new: PathBuf,
        /// Only for these roles; all that the old key has when left out.
        #[arg(long, value_name = "ROLES")]
        role: Option<Roles>,
    },
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::New { .. } => "key new",
            Self::List => "key list",
            Self::Show { .. } => "key show",
            Self::Rotate { .. } => "key rotate",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    match verb {
        Verb::New { file, kind, role, encrypt } => {
            new::run(context, &new::Wish { file, kind, role, encrypt })
        }
        Verb::List => list::run(context),
        Verb::Show { key } => show::run(context, &key),
        Verb::Rotate { old, new, role } => rotate::run(context, &old, &new, role),
    }
}
