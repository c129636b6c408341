//! `updog-repo targets …`: signing releases with keys that never meet.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use clap::Subcommand;
use serde_json::json;

use super::ceremony::{self, How};
use super::{Answer, Context, block_on};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::files;
use crate::folder::Folder;
use crate::metadata::{Metadata, blob_name, read_document};
use crate::request::{Before, for_targets};
use crate::role::Role;
use crate::time::{self, Terms};
use crate::unsigned::{Order, Papers, Rotation, Signing};
use release::manifest::TARGET_NAME;
use tough::schema::Targets;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Write a request: what hosts will see, and the bytes to be signed.
    Propose(Propose),
    /// Sign a request, on any machine, with nothing but the file and the key.
    Sign {
        /// The request.
        #[arg(value_parser = super::local)]
        file: PathBuf,
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
        /// Collect for the new keys alone, as "targets propose --new-keys-only" asked.
        #[arg(long)]
        new_keys_only: bool,
    },
    /// Say who has signed and who is missing (exit 11).
    Check {
        /// Look at the new keys alone, as "targets propose --new-keys-only" asked.
        #[arg(long)]
        new_keys_only: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Propose {
    /// The file to write; targets-VERSION.request otherwise.
    #[arg(long, value_name = "FILE", value_parser = super::local)]
    out: Option<PathBuf>,
    /// A published folder to compare with; otherwise what was published from here, when it is still at hand.
    #[arg(long, value_name = "DIR", value_parser = super::local)]
    against: Option<PathBuf>,
    /// Make targets anew though nothing has changed.
    #[arg(long)]
    renew: bool,
    /// How long targets are good for; else what repo.toml says (90d).
    #[arg(long, value_name = "TERM", value_parser = |text: &str| time::parse_role_term(Role::Targets, text))]
    targets_expire: Option<TimeDelta>,
    /// Ask the new keys alone because the old ones are lost.
    #[arg(long)]
    new_keys_only: bool,
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Propose(_) => "targets propose",
            Self::Sign { .. } => "targets sign",
            Self::Collect { .. } => "targets collect",
            Self::Check { .. } => "targets check",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    match verb {
        Verb::Propose(args) => propose(context, &args),
        Verb::Sign { file, key, how } => ceremony::sign_file(context, Role::Targets, &file, &key, &how),
        Verb::Collect { files, new_keys_only } => {
            let folder = context.folder()?;
            let _lock = folder.lock()?;
            ceremony::gather(context, &folder, Role::Targets, &files, rotation(new_keys_only))
        }
        Verb::Check { new_keys_only } => {
            let folder = context.folder()?;
            let papers = folder.papers()?;
            let answer = ceremony::check(&papers, Role::Targets, rotation(new_keys_only))?;
            let proposed =
                papers.targets.as_ref().map(|targets| folder.draft()?.is_signed_by(targets.role()));
            if proposed.transpose()? == Some(false) {
                return Err(Error::DraftNotSigned);
            }
            Ok(answer)
        }
    }
}

fn propose(context: &Context, args: &Propose) -> Result<Answer> {
    let folder = context.folder()?;
    let meant = context.intent()?.terms();
    let terms = Terms { targets: args.targets_expire.unwrap_or(meant.targets), ..meant };
    let rotation = rotation(args.new_keys_only);
    let order = Order { now: context.now, terms, renew: args.renew.then_some(Role::Targets), rotation };
    let _lock = folder.lock()?;
    let papers = folder.papers()?;
    // Before the new document takes the place of the old one.
    let before = before(context, &folder, &papers, args.against.as_deref())?;
    let draft = folder.draft()?;
    let manifest = draft.manifest_bytes(papers.targets.as_ref().map(Document::role))?;
    // Nobody signs here: this only says what is to be signed.
    let unsigned = match block_on(draft.close(&folder, papers, order)?.sign(&[]))? {
        Signing::Waiting(unsigned, missing) => match missing.first().map(|missing| missing.role) {
            Some(Role::Root) => return Err(Error::NotSigned { what: Role::Root }),
            Some(Role::Targets) => unsigned,
            _ => return Ok(nothing(unsigned.papers())),
        },
        Signing::Complete(signed) => return Ok(nothing(signed.papers())),
    };
    let request = for_targets(unsigned.papers().clone(), rotation, manifest, before)?;
    folder.save_papers(unsigned.papers())?;
    ceremony::propose(context, &request, args.out.as_deref())
}

fn nothing(papers: &Papers) -> Answer {
    let version = papers.targets.as_ref().map_or(0, crate::document::Document::version);
    let line = format!("nothing to propose: targets {version} hold the draft and are signed");
    Answer::done(vec![line], json!({ "version": version, "changed": false }))
}

/// What hosts see now: the published folder when it is named, else what was published from here.
fn before(
    context: &Context,
    folder: &Folder,
    papers: &Papers,
    against: Option<&Path>,
) -> Result<Option<Before>> {
    let files = context.files.as_ref();
    if let Some(dir) = against {
        let live = Metadata::read(files, &dir.join("metadata"))?;
        let Some(online) = live.online else { return Ok(None) };
        return with_manifest(context, online.targets, &[dir.join("targets")]);
    }
    let shown = papers.shown.targets;
    let staged = folder.stage_dir().join(format!("metadata/{shown}.targets.json"));
    let at_hand = read_document::<Targets>(files, &staged)?.or_else(|| papers.targets.clone());
    match at_hand.filter(|targets| targets.version() == shown) {
        Some(targets) => with_manifest(context, targets, &[folder.blobs_dir()]),
        None => Ok(None),
    }
}

fn with_manifest(
    context: &Context,
    document: crate::document::Document<Targets>,
    dirs: &[PathBuf],
) -> Result<Option<Before>> {
    let listed = document.role().targets.iter().find(|(name, _)| name.raw() == TARGET_NAME);
    let Some((_, target)) = listed else { return Ok(None) };
    let name = blob_name(&hex::encode(&target.hashes.sha256), TARGET_NAME);
    for dir in dirs {
        let path = dir.join(&name);
        let read = files::read(context.files.as_ref(), &path, target.length)
            .map_err(|source| Error::ReadFile { path, source })?;
        if let Some(manifest) = read {
            return Ok(Some(Before { document, manifest }));
        }
    }
    Ok(None)
}

fn rotation(new_keys_only: bool) -> Rotation {
    if new_keys_only { Rotation::NewOnly } else { Rotation::OldAndNew }
}
