//! `updog-repo publish`

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::ground::refuse_dest;
use super::progress::Bar;
use super::{Answer, Context, stage};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::for_hosts::say_closed;
use crate::publish::{Gap, Live, Order, Others, Preview, Published, Trust, preview, publish_to};
use crate::rehearsal::{Kind, Rehearsal};
use crate::role::Role;
use crate::staged::Staged;
use crate::store::{Place, Store};

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags as they are typed; Order is what they mean")]
pub(super) struct Args {
    #[arg(
        value_name = "DEST",
        help = "What hosts read: a folder, s3://bucket/prefix (with the usual AWS_ variables), or the name of a store \
                in repo.toml"
    )]
    dest: String,
    /// Publish the stage as it lies, though the draft has moved on.
    #[arg(long)]
    staged: bool,
    /// Old keys are lost: let hosts fail for the moment between the new root and the new metadata.
    #[arg(long)]
    accept_gap: bool,
    /// Believe nothing there but the roots, and write everything anew. Roots are never removed, no version falls.
    #[arg(long)]
    from_scratch: bool,
    /// Take away releases and changes there that this working folder has never known.
    #[arg(long)]
    undo_others: bool,
    /// Uploads at once, for s3.
    #[arg(long, value_name = "N", default_value = "4")]
    parallel: NonZeroUsize,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Answer> {
    let folder = context.folder()?;
    let place = context.place(&args.dest)?;
    if let Place::Folder(dest) = &place {
        refuse_dest(context, dest)?;
    }
    let _lock = folder.lock()?;
    let staged = if args.staged {
        Staged::open(&folder, context.now)?.ok_or(Error::NotSigned { what: Role::Timestamp })?
    } else {
        stage::current(context, &folder)?
    };
    let order = Order {
        gap: if args.accept_gap { Gap::Accept } else { Gap::Refuse },
        trust: if args.from_scratch { Trust::Roots } else { Trust::Live },
        others: if args.undo_others { Others::Undo } else { Others::Keep },
    };
    let store = place.open(context.files.as_ref(), args.parallel.get())?;
    let rehearsed =
        context.rehearsal.is_some().then(|| preview(store.as_ref(), &staged, order)).transpose()?;
    if let (Some(preview), Some(rehearsal), Place::S3 { .. }) = (&rehearsed, &context.rehearsal, &place) {
        note(rehearsal, &store.place(), preview);
        return Ok(say_preview(store.as_ref(), preview));
    }
    let bar = Mutex::new(Bar::new(context.form));
    let published = publish_to(store.as_ref(), &staged, order, &|progress| {
        bar.lock().unwrap_or_else(PoisonError::into_inner).at("publish", progress.done, progress.total);
    });
    bar.into_inner().unwrap_or_else(PoisonError::into_inner).end();
    if let Err(Error::Older { .. } | Error::SameVersion { .. }) = &published {
        remember(&folder, store.as_ref(), order.trust)?;
    }
    let published = published?;
    folder.save_shown(published.metadata.versions())?;
    if let Some(manifest) = &staged.view().manifest {
        folder.learn(|known| known.learn_releases(manifest))?;
    }
    Ok(say_published(&published, rehearsed.as_ref()))
}

/// Keeps the versions that hosts have seen, so that the next `sign` goes above them whatever the clock.
fn remember(folder: &Folder, store: &dyn Store, trust: Trust) -> Result<()> {
    let (live, mut shown) = (Live::read_any(store, trust)?.newest(), folder.shown()?);
    shown.targets = shown.targets.max(live.targets);
    shown.snapshot = shown.snapshot.max(live.snapshot);
    shown.timestamp = shown.timestamp.max(live.timestamp);
    folder.save_shown(shown)
}

fn say_published(published: &Published, rehearsed: Option<&Preview>) -> Answer {
    let versions = published.metadata.versions();
    let mut lines = rehearsed.map(seen).unwrap_or_default();
    for root in &published.plan.roots_after {
        lines.push(format!(
            "Root {root} was shown last: the metadata before it is signed by old and new keys."
        ));
    }
    lines.extend(published.jump.iter().map(ToString::to_string));
    let closed = say_closed(&published.closed, &published.place);
    lines.extend(closed.map(|closed| format!("warning: {closed}")));
    let changed = !published.plan.is_done() || published.new_blobs > 0;
    lines.push(if changed {
        format!(
            "published: root {}, targets {}, timestamp {}: {}",
            versions.root, versions.targets, versions.timestamp, published.place
        )
    } else {
        format!("already published: {}", published.place)
    });
    let data = json!({
        "dir": published.place, "versions": versions, "changed": changed,
        "new_blobs": published.new_blobs, "plan": published.plan, "preview": rehearsed,
        "clock_jump": published.jump, "closed": published.closed,
    });
    Answer::done(lines, data)
}

/// What would be written there, which is too much to be rehearsed.
fn note(rehearsal: &Rehearsal, place: &str, preview: &Preview) {
    for (name, length) in &preview.blobs {
        rehearsal.note(format!("{place}/targets/{name}"), Kind::Made, *length);
    }
    for (name, length) in &preview.documents {
        let kind = if name == "timestamp.json" && preview.before.timestamp > 0 {
            Kind::Replaced
        } else {
            Kind::Made
        };
        rehearsal.note(format!("{place}/metadata/{name}"), kind, *length);
    }
}

fn say_preview(store: &dyn Store, preview: &Preview) -> Answer {
    let place = store.place();
    let mut lines = Vec::new();
    if preview.plan.metadata {
        for (role, before, after) in [
            ("targets", preview.before.targets, preview.after.targets),
            ("snapshot", preview.before.snapshot, preview.after.snapshot),
            ("timestamp", preview.before.timestamp, preview.after.timestamp),
        ] {
            lines.push(format!("{role} {before} becomes {after}"));
        }
    }
    lines.extend(seen(preview));
    let nothing = preview.plan.is_done() && preview.blobs.is_empty();
    lines.push(if nothing {
        format!("already published: {place}")
    } else {
        let (count, bytes) = (preview.blobs.len(), preview.bytes);
        format!("would publish {count} blob(s), {bytes} bytes: {place}")
    });
    Answer::done(lines, json!({ "dir": place, "preview": preview }))
}

/// What would change for hosts.
fn seen(preview: &Preview) -> Vec<String> {
    match &preview.differences {
        None => vec!["What hosts see now cannot be read.".into()],
        Some(differences) => differences.iter().map(|one| format!("hosts would see {one}")).collect(),
    }
}
