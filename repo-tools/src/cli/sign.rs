//! `updog-repo sign`

use std::path::PathBuf;

use chrono::TimeDelta;
use serde_json::json;

use super::answer::Ending;
use super::{Answer, Context, block_on, signers};
use crate::document::{Document, signed_at};
use crate::draft::{Draft, title};
use crate::error::Result;
use crate::publish::Jump;
use crate::role::Role;
use crate::time::{self, Terms};
use crate::unsigned::{Missing, Order, Papers, Rotation, Signing};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A private key, a file or a pkcs11: or aws-kms: URI; may be given more than once.
    #[arg(long, required = true, value_name = "KEY")]
    key: Vec<PathBuf>,
    /// Make this role's document anew though nothing has changed; those below it follow.
    #[arg(long, value_name = "ROLE")]
    renew: Option<Role>,
    /// How long targets and snapshot are good for; else what repo.toml says (90d).
    #[arg(long, value_name = "TERM", value_parser = |text: &str| time::parse_role_term(Role::Targets, text))]
    targets_expire: Option<TimeDelta>,
    /// How long the timestamp is good for; else what repo.toml says (7d).
    #[arg(long, value_name = "TERM", value_parser = |text: &str| time::parse_role_term(Role::Timestamp, text))]
    timestamp_expire: Option<TimeDelta>,
    /// Sign with the new keys alone because the old ones are lost. Publishing that leaves a gap for hosts.
    #[arg(long)]
    new_keys_only: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let folder = context.folder()?;
    let signers = signers(context, &args.key)?;
    let meant = context.intent()?.terms();
    let terms = Terms {
        root: meant.root,
        targets: args.targets_expire.unwrap_or(meant.targets),
        snapshot: args.targets_expire.unwrap_or(meant.snapshot),
        timestamp: args.timestamp_expire.unwrap_or(meant.timestamp),
    };
    let rotation = if args.new_keys_only { Rotation::NewOnly } else { Rotation::OldAndNew };
    let order = Order { now: context.now, terms, renew: args.renew, rotation };
    let _lock = folder.lock()?;
    let before = folder.papers()?;
    let draft = folder.draft()?;
    let unsigned = draft.close(&folder, before.clone(), order)?;
    match block_on(unsigned.sign(&signers))? {
        Signing::Complete(signed) => {
            folder.save_papers(signed.papers())?;
            let versions = signed.versions();
            let mut lines = open_to_all(&draft);
            let jump = jump(&before, signed.papers());
            lines.extend(jump.map(|jump| jump.to_string()));
            let changed = signatures(&before) != signatures(signed.papers());
            lines.push(if changed {
                format!(
                    "signed: root {}, targets {}, snapshot {}, timestamp {}",
                    versions.root, versions.targets, versions.snapshot, versions.timestamp
                )
            } else {
                "nothing to sign: all is signed already".to_owned()
            });
            let data = json!({
                "versions": versions, "changed": changed, "missing": [], "clock_jump": jump,
            });
            Ok(Answer::done(lines, data))
        }
        Signing::Waiting(unsigned, missing) => {
            folder.save_papers(unsigned.papers())?;
            let progress = signatures(&before) != signatures(unsigned.papers());
            Ok(say_missing("sign", &missing, progress))
        }
    }
}

pub(super) fn order(context: &Context) -> Order {
    Order { now: context.now, terms: Terms::default(), renew: None, rotation: Rotation::OldAndNew }
}

/// Who must sign next. A run that added a signature has done its part; one that could not has to wait (exit 11).
pub(super) fn say_missing(what: &str, missing: &[Missing], progress: bool) -> Answer {
    let mut lines: Vec<String> = missing
        .iter()
        .map(|missing| {
            let Missing { role, under_root, signatures, keys } = missing;
            format!("{role} needs {signatures} more under root {under_root}, from: {}", keys.join(" "))
        })
        .collect();
    let data = json!({ "missing": missing, "changed": progress });
    if progress {
        lines.push(format!("{what}: signature added, others must follow"));
        return Answer::done(lines, data);
    }
    lines.push(format!("{what}: these keys have nothing to sign now"));
    Answer::ending(Ending::Signatures, lines, data)
}

/// A signing time that may be that of a wrong clock.
fn jump(before: &Papers, after: &Papers) -> Option<Jump> {
    // Refreshes leave the timestamp here behind; the snapshot is what must be signed here as long as hosts are served.
    let expires = before.snapshot.as_ref()?.expires();
    let [before, after] = [before, after].map(|papers| signed_at(papers.timestamp.as_ref()?.role()));
    Jump::over(before?, expires, after?)
}

/// Empty waves are legal and easily forgotten.
fn open_to_all(draft: &Draft) -> Vec<String> {
    let open = draft.manifest.updates.iter().filter(|update| update.waves.is_empty());
    open.map(|update| format!("{} has no waves: open to all hosts at once.", title(update))).collect()
}

/// Every signature there is, by the file it is in; documents that nobody signed do not count.
fn signatures(papers: &Papers) -> Vec<(usize, Vec<u8>)> {
    let mut all: Vec<(usize, Vec<u8>)> = Vec::new();
    all.extend(papers.roots.iter().map(|root| (root.signatures(), root.bytes().to_vec())));
    all.extend(
        papers
            .next_root
            .as_ref()
            .map(|next| (next.document().signatures(), next.document().bytes().to_vec())),
    );
    all.extend(papers.targets.as_ref().map(|document| (document.signatures(), document.bytes().to_vec())));
    all.extend(
        papers
            .snapshot
            .as_ref()
            .map(|document: &Document<_>| (document.signatures(), document.bytes().to_vec())),
    );
    all.extend(
        papers
            .timestamp
            .as_ref()
            .map(|document: &Document<_>| (document.signatures(), document.bytes().to_vec())),
    );
    all.retain(|(signatures, _)| *signatures > 0);
    all
}
