//! `updog-repo delegation …`: names that others sign for.

use std::num::NonZeroU64;
use std::path::PathBuf;

use chrono::TimeDelta;
use clap::Subcommand;
use serde_json::{Value, json};
use tough::schema::PathSet;

use super::answer::Ending;
use super::{Answer, Context, block_on, changed, public_key, signers};
use crate::delegate::{self, Contents, NewRole, Role, add, remove, take};
use crate::error::Result;
use crate::time;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Leave names to a role, or change what is left to it. Counts once targets are signed.
    Add {
        /// The role.
        name: String,
        /// A key that may sign for it, public or private, a file or a pkcs11: or aws-kms: URI; may be given more than once.
        #[arg(long, required = true, value_name = "KEY")]
        key: Vec<PathBuf>,
        /// How many of the keys must sign.
        #[arg(long, value_name = "N", default_value = "1")]
        threshold: NonZeroU64,
        /// A shell pattern of target names, such as "tools-*"; may be given more than once.
        #[arg(long, required = true, value_name = "PATTERN")]
        path: Vec<String>,
        /// Ask no later role for these names.
        #[arg(long)]
        terminating: bool,
    },
    /// Leave nothing to a role any more.
    Remove {
        /// The role.
        name: String,
    },
    /// List what is left to whom, and what they have signed.
    List,
    /// Sign the document of a role: with other targets a new one, else the one that lacks signatures.
    Sign {
        /// The role.
        name: String,
        /// A private key, a file or a pkcs11: or aws-kms: URI; may be given more than once.
        #[arg(long, required = true, value_name = "KEY")]
        key: Vec<PathBuf>,
        /// A file that becomes a target of the role under its own name; may be given more than once.
        #[arg(long, value_name = "FILE", value_parser = super::local)]
        target: Vec<PathBuf>,
        /// A target that the role lets go of; may be given more than once.
        #[arg(long, value_name = "NAME")]
        drop: Vec<String>,
        /// How long a new document is good for; else what repo.toml says for targets (90d).
        #[arg(long, value_name = "TERM", value_parser = |text: &str| time::parse_role_term(crate::role::Role::Targets, text))]
        expires: Option<TimeDelta>,
    },
    /// Take a role's document that was signed elsewhere, by any tool.
    Take {
        /// The role.
        name: String,
        /// Its document, such as 3.NAME.json.
        #[arg(value_parser = super::local)]
        file: PathBuf,
        /// Where its targets lie.
        #[arg(long, value_name = "DIR", value_parser = super::local)]
        targets: Option<PathBuf>,
    },
}

impl Verb {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "delegation add",
            Self::Remove { .. } => "delegation remove",
            Self::List => "delegation list",
            Self::Sign { .. } => "delegation sign",
            Self::Take { .. } => "delegation take",
        }
    }
}

pub(super) fn run(context: &Context, verb: Verb) -> Result<Answer> {
    let folder = context.folder()?;
    match verb {
        Verb::Add { name, key, threshold, path, terminating } => {
            let _lock = folder.lock()?;
            let (papers, mut draft) = (folder.papers()?, folder.draft()?);
            let keys = key.iter().map(|key| public_key(context, key)).collect::<Result<Vec<_>>>()?;
            let role = NewRole { name: name.clone(), keys, threshold, paths: path, terminating };
            let data = json!({ "role": name });
            if !add(&mut draft, &papers, &role)? {
                return Ok(changed::nothing(
                    format!("nothing to do: so much is left to {name} already"),
                    data,
                ));
            }
            folder.save_draft(&draft)?;
            let next = format!("Next: \"updog-repo delegation sign {name} --key KEY\", then \"sign\".");
            Ok(Answer::done(vec![next, format!("delegated, not signed: {name}")], data))
        }
        Verb::Remove { name } => {
            let _lock = folder.lock()?;
            let (papers, mut draft) = (folder.papers()?, folder.draft()?);
            remove(&mut draft, &papers, &name)?;
            folder.save_draft(&draft)?;
            let data = json!({ "role": name });
            Ok(Answer::done(vec![format!("nothing is left to {name} any more, not signed")], data))
        }
        Verb::List => {
            let listed = delegate::list(&folder.draft()?, &folder.papers()?);
            let mut lines = Vec::new();
            let mut data: Vec<Value> = Vec::new();
            for (name, (role, state)) in &listed {
                let paths = match &role.paths {
                    PathSet::Paths(paths) => paths.iter().map(|path| path.value().to_owned()).collect(),
                    PathSet::PathHashPrefixes(prefixes) => prefixes
                        .iter()
                        .map(|prefix| format!("sha256:{}*", prefix.value()))
                        .collect::<Vec<_>>(),
                };
                let keys: Vec<String> = role.keyids.iter().map(hex::encode).collect();
                let signed = state.as_ref().map_or("not signed".to_owned(), standing);
                let (needs, of) = (role.threshold, keys.len());
                lines.push(format!("{name}: {}, {needs} of {of} keys, {signed}", paths.join(" ")));
                data.push(json!({
                    "role": name, "paths": paths, "keys": keys, "threshold": needs,
                    "terminating": role.terminating, "state": state.as_ref().map(described),
                }));
            }
            lines.push(format!("{} delegated role(s)", listed.len()));
            Ok(Answer::done(lines, json!({ "roles": data })))
        }
        Verb::Sign { name, key, target, drop, expires } => {
            let _lock = folder.lock()?;
            let signers = signers(context, &key)?;
            let term = expires.unwrap_or(context.intent()?.terms().targets);
            let contents = Contents { add: target, drop, now: context.now, term };
            let role = block_on(delegate::sign(&folder, &name, &contents, &signers))?;
            Ok(say(&name, &role))
        }
        Verb::Take { name, file, targets } => {
            let _lock = folder.lock()?;
            let role = take(&folder, &name, &file, targets.as_deref())?;
            Ok(say(&name, &role))
        }
    }
}

/// A run that added something has done its part; one that could not has nothing to do, or has to wait for others.
fn say(name: &str, role: &Role) -> Answer {
    let mut data = described(role);
    data["role"] = name.into();
    data["changed"] = role.changed.into();
    let fact = format!("delegated role {name}, {}", standing(role));
    match (role.changed, role.lacks.signatures) {
        (true, 0) => Answer::done(vec!["\"updog-repo sign\" and \"publish\" show it.".into(), fact], data),
        (true, _) => Answer::done(vec![fact], data),
        (false, 0) => Answer::ending(Ending::NothingToDo, vec![format!("nothing to do: {fact}")], data),
        (false, _) => Answer::ending(Ending::Signatures, vec![fact], data),
    }
}

fn standing(role: &Role) -> String {
    let Role { version, targets, lacks, .. } = role;
    let all = format!("version {version}, {targets} target(s)");
    match lacks.signatures {
        0 => format!("{all}: complete"),
        more => format!("{all}: needs {more} more signature(s), from: {}", lacks.keys.join(" ")),
    }
}

fn described(role: &Role) -> Value {
    json!({ "version": role.version, "targets": role.targets, "lacks": role.lacks })
}
