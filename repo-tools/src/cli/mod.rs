//! The command line: one file a verb, all output in `answer`.

mod adopt;
mod answer;
mod bundle;
mod ceremony;
mod changed;
mod delegation;
mod delta;
mod doctor;
mod dry_run;
mod expirations;
mod ground;
mod init;
mod key;
mod migrations;
mod mirror;
mod pick;
mod place;
mod progress;
mod prune;
mod publish;
mod refresh;
mod release;
mod release_add;
mod release_edit;
mod release_show;
mod report;
mod rollout;
mod root;
mod root_apply;
mod sign;
mod simulate;
mod stage;
mod targets;
mod validate;
mod waves;
mod waves_plan;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand};
use tough::schema::key::Key;
use trust_client::Location;

use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::files::Files;
use crate::folder::Folder;
use crate::intent::Intent;
use crate::keys::{Passphrases, Signer, open, open_public};
use crate::rehearsal::Rehearsal;
use crate::store::{Dry, Place, Store};
#[cfg(test)]
pub(crate) use answer::Ending;
use answer::{Answer, Form, say};
use words::Words;

/// Keys, root ceremony, releases, waves, publish.
///
/// From nothing to published: init, key new, release add, waves set, sign, publish.
///
/// Exit codes: 0 done, 1 bug, 2 usage, 10 nothing to do, 11 other signers must sign first, 12 doctor, expirations or
/// validate found problems, 20 transient, 30 untrusted, 40 disk, 50 refused by a rule.
#[derive(Debug, Parser)]
#[command(name = "updog-repo", version, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// The working folder.
    #[arg(long, global = true, value_name = "DIR", default_value = ".", value_parser = local)]
    repo: PathBuf,
    /// Print one JSON object on standard output; progress as JSON lines on standard error.
    #[arg(long, global = true)]
    json: bool,
    /// The time now, for tests and for signing machines without a clock.
    #[arg(long, global = true, value_name = "RFC3339", value_parser = crate::time::parse_at)]
    clock: Option<DateTime<Utc>>,
    /// Do everything but write: say which files would change, and what hosts would see.
    #[arg(long, global = true)]
    dry_run: bool,
    /// A file that only you can read; its first line opens encrypted keys. Without it they are asked for.
    #[arg(long, global = true, value_name = "FILE", value_parser = local)]
    passphrase_file: Option<PathBuf>,
    /// An open descriptor; its first line opens encrypted keys.
    #[arg(long, global = true, value_name = "N", conflicts_with = "passphrase_file")]
    passphrase_fd: Option<u32>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Set up a working folder: an empty draft and root 1 without keys.
    Init(init::Args),
    /// Set up a working folder out of what is published: for when the one that published is lost.
    Adopt(adopt::Args),
    /// Make keys.
    #[command(subcommand)]
    Key(key::Verb),
    /// Edit and sign the next root: who may sign what.
    #[command(subcommand)]
    Root(root::Verb),
    /// Add, change, take back and compare the releases in the draft.
    #[command(subcommand)]
    Release(release::Verb),
    /// Make, list and remove deltas: shorter ways from one release to another.
    #[command(subcommand)]
    Delta(delta::Verb),
    /// Say what moves data from one version to another.
    #[command(subcommand)]
    Migrations(migrations::Verb),
    /// Say when which hosts may have a release.
    #[command(subcommand)]
    Waves(waves::Verb),
    /// Sign the draft: root, targets, snapshot, timestamp, as far as the keys reach.
    Sign(sign::Args),
    /// Have targets signed by people who never meet.
    #[command(subcommand)]
    Targets(targets::Verb),
    /// Leave some target names to others, who sign for them.
    #[command(subcommand)]
    Delegation(delegation::Verb),
    /// Make a complete copy that nobody sees and let the host's own check loose on it.
    Stage(stage::Args),
    /// Show the stage to hosts; stages first when that is not done.
    Publish(publish::Args),
    /// Remove blobs that no host can ask for any more; without --delete, only say which.
    Prune(prune::Args),
    /// Sign a new timestamp for a published repository, with the timestamp key alone.
    Refresh(refresh::Args),
    /// List every problem of the working folder: expiries, keys, unsigned changes, blobs, differences from repo.toml.
    Doctor(doctor::Args),
    /// Say which role expires when, soonest first; exit 12 when one does soon. For cron.
    Expirations(expirations::Args),
    /// Look a published repository over, to the last byte, and list what is wrong.
    Validate(validate::Args),
    /// Write one page about a repository: releases, waves, expiries, keys, sizes.
    Report(report::Args),
    /// Copy a repository into a folder that hosts can read, and bring the copy up to date.
    Mirror(mirror::Args),
    /// Copy what hosts without a network need into one file.
    Bundle(bundle::Args),
}

/// What every verb gets.
#[derive(Debug)]
struct Context {
    files: Arc<dyn Files>,
    repo: PathBuf,
    now: DateTime<Utc>,
    form: Form,
    /// With `--dry-run`, what `files` is. A verb that writes past `files` asks for it and holds itself back.
    rehearsal: Option<Rehearsal>,
    passphrases: Passphrases,
}

impl Context {
    fn folder(&self) -> Result<Folder> {
        Folder::open(Arc::clone(&self.files), &self.repo)
    }

    /// What the working folder is meant to be; the defaults where there is none, or no `repo.toml` in it.
    fn intent(&self) -> Result<Intent> {
        Intent::read(self.files.as_ref(), &self.repo)
    }

    /// A place as it is typed, or by its name in repo.toml.
    fn location(&self, typed: &str) -> Result<Location> {
        let intent = self.intent()?;
        if intent.mistakes(typed) && !Path::new(typed).exists() {
            let near = intent.nearest_store(typed).map(str::to_owned);
            return Err(Error::UnknownPlace { name: typed.to_owned(), near });
        }
        Ok(Location::new(intent.place(typed)))
    }

    /// A place that can be written to.
    fn place(&self, typed: &str) -> Result<Place> {
        self.location(typed)?.typed().parse().map_err(usage)
    }

    /// A store that can be written to; in a rehearsal, one that only remembers.
    fn store(&self, place: &Place, at_once: usize) -> Result<Box<dyn Store + '_>> {
        let store = place.open(self.files.as_ref(), at_once)?;
        Ok(match (&self.rehearsal, place) {
            (Some(rehearsal), Place::S3 { .. }) => Box::new(Dry(store, rehearsal.clone())),
            // A folder is written through `files`.
            (Some(_), Place::Folder(_)) | (None, _) => store,
        })
    }

    /// A folder of this machine to write `what` to.
    fn local_folder(&self, what: &'static str, typed: &str) -> Result<PathBuf> {
        let place = self.location(typed)?;
        match place.typed().parse() {
            Ok(Place::Folder(dir)) => Ok(dir),
            Ok(Place::S3 { .. }) | Err(_) => Err(Error::NotLocal { what, place }),
        }
    }
}

/// Runs the program and returns its exit code.
pub fn run() -> u8 {
    // Private keys and passphrases are in memory: no core dump, no debugger of this user. Where it cannot be had,
    // nothing is lost that there was before.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(found) => return Words::of(std::env::args_os()).say(&found).code(),
    };
    let form = if args.json { Form::Json } else { Form::Text };
    let now = args.clock.unwrap_or_else(|| DateTime::<Utc>::from(SystemTime::now()));
    let rehearsal = args.dry_run.then(|| Rehearsal::over(Arc::new(Disk)));
    let files: Arc<dyn Files> = match &rehearsal {
        Some(rehearsal) => Arc::new(rehearsal.clone()),
        None => Arc::new(Disk),
    };
    let passphrases = match (args.passphrase_file, args.passphrase_fd) {
        (Some(path), _) => Passphrases::File(path),
        (None, Some(number)) => Passphrases::Descriptor(number),
        (None, None) => Passphrases::Terminal,
    };
    let context = Context { files, repo: args.repo, now, form, rehearsal, passphrases };
    let (name, result) = dispatch(&context, args.verb);
    say(name, result.and_then(|answer| dry_run::confess(&context, answer)), form).code()
}

fn dispatch(context: &Context, verb: Verb) -> (&'static str, Result<Answer>) {
    match verb {
        Verb::Init(args) => ("init", init::run(context, &args)),
        Verb::Adopt(args) => ("adopt", adopt::run(context, &args)),
        Verb::Key(verb) => (verb.name(), key::run(context, verb)),
        Verb::Root(verb) => (verb.name(), root::run(context, verb)),
        Verb::Release(verb) => (verb.name(), release::run(context, verb)),
        Verb::Delta(verb) => (verb.name(), delta::run(context, verb)),
        Verb::Migrations(verb) => (verb.name(), migrations::run(context, verb)),
        Verb::Waves(verb) => (verb.name(), waves::run(context, verb)),
        Verb::Sign(args) => ("sign", sign::run(context, &args)),
        Verb::Targets(verb) => (verb.name(), targets::run(context, verb)),
        Verb::Delegation(verb) => (verb.name(), delegation::run(context, verb)),
        Verb::Stage(args) => ("stage", stage::run(context, &args)),
        Verb::Publish(args) => ("publish", publish::run(context, &args)),
        Verb::Prune(args) => ("prune", prune::run(context, &args)),
        Verb::Refresh(args) => ("refresh", refresh::run(context, &args)),
        Verb::Doctor(args) => ("doctor", doctor::run(context, &args)),
        Verb::Expirations(args) => ("expirations", expirations::run(context, &args)),
        Verb::Validate(args) => ("validate", validate::run(context, &args)),
        Verb::Report(args) => ("report", report::run(context, &args)),
        Verb::Mirror(args) => ("mirror", mirror::run(context, &args)),
        Verb::Bundle(args) => ("bundle", bundle::run(context, &args)),
    }
}

/// Opens the keys that `--key` names.
fn signers(context: &Context, keys: &[PathBuf]) -> Result<Vec<Signer>> {
    keys.iter().map(|key| open(key, &context.passphrases)).collect()
}

/// The public half of a key, wherever it lies.
fn public_key(context: &Context, key: &Path) -> Result<Key> {
    open_public(key, &context.passphrases)
}

/// Signing may ask a remote key service; everything else here is plain.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Fetch { what: "a runtime".into(), source: Box::new(source) })?;
    runtime.block_on(work)
}

/// How many of something that is asked for: none of it is no order.
fn at_least_one(text: &str) -> std::result::Result<usize, String> {
    let number = text.parse().map_err(|_| "expected a number from 1 on".to_owned())?;
    if number > 0 { Ok(number) } else { Err("expected a number from 1 on".to_owned()) }
}

/// How many targets at a time: at least one, and not so many that a server takes it for an attack.
fn at_a_time(text: &str) -> std::result::Result<usize, String> {
    let number = text.parse().map_err(|_| "expected a number from 1 to 64".to_owned())?;
    if (1..=64).contains(&number) { Ok(number) } else { Err("expected a number from 1 to 64".to_owned()) }
}

/// A file or folder of this machine; a URL would become a folder named `https:`.
fn local(text: &str) -> std::result::Result<PathBuf, String> {
    let place = Location::new(text);
    if place.scheme().is_some() || place.to_string() != text {
        return Err("expected a path on this machine, found a URL".to_owned());
    }
    if text.is_empty() { Err("expected a path, found nothing".to_owned()) } else { Ok(text.into()) }
}

fn usage(reason: String) -> Error {
    Error::Usage { reason }
}
