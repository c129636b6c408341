//! stage: carries a plan out, and records what the slot holds then.

use partition_core::{Slot, verbs};
use partition_disk::Access;
use release::payload::Index;
use release::{Digest, Images, ReleaseId};
use serde_json::Map;
use updater_core::records::{self, FORMAT, HistoryEvent, HistoryLine};

use super::delta::Deltas;
use super::hint::{Hints, Holds};
pub use super::job::{Job, Moved, Staged};
use super::partial::{FOLDER, PartialFile};
use super::plan::{Fetched, Planned};
use super::route::Release;
use crate::{Context, Error, Result};

/// Makes the other slot equal to the planned release and reads it back. Not armed; the [`Staged`] leads there.
pub fn stage(ctx: &Context<'_>, planned: Planned) -> Result<Staged> {
    let Planned { repository, plan, payload, deltas, likeness } = planned;
    let (id, _) = plan.indexed()?;
    let (slot, running) = (plan.slot(), plan.running());
    let lock = ctx.state.run_lock("stage")?;
    let disk = ctx.disk(Access::Write)?;
    let layout = disk.layout().map_err(Error::disk("look at the slots"))?;
    let retired = verbs::retire(&layout.slots(), running, ctx.standing());
    retired.map_err(|source| Error::Slots { verb: "stage", source })?;

    // `indexed` has said that there is one.
    let Fetched { bytes, indexes, frames } = payload.ok_or(super::Error::Thread)?;
    let folder = ctx.state.dir().join(FOLDER);
    let source = repository.files(frames.map(|_, target| Some(target)));
    let files = deltas.as_ref().map(|_, found| found.as_ref().map(|(target, _)| target.clone()));
    let records = repository.files(files);
    let tables = deltas.map(|_, found| found.map(|(_, table)| table));
    let has_any = tables.iter().any(|(_, table)| table.is_some());
    let partial = PartialFile::recall(&folder, slot, id);
    let hints = Hints { partial, former: former(ctx, slot), holds: holds(ctx, slot) };
    let job = Job {
        disk: &disk,
        running,
        standing: ctx.standing(),
        release: Release { id, version: plan.to().clone() },
        indexes,
        source: &*source,
        deltas: has_any.then_some(Deltas { tables, source: &*records, likeness }),
        hints,
        folder: &folder,
        reporter: ctx.reporter,
        interrupt: &ctx.interrupt,
    };
    let staged = job.run(lock, &mut || ctx.state.clear_staged())?;
    record(ctx, &plan, id, &bytes)?;
    Ok(staged)
}

/// Notes what lies in the slot now, for an `arm` that comes later. What is noted already is left alone.
fn record(
    ctx: &Context<'_>,
    plan: &updater_core::Plan,
    release: ReleaseId,
    indexes: &Images<Vec<u8>>,
) -> Result<()> {
    let noted = ctx.state.staged();
    if noted.is_some_and(|noted| noted.release == release && noted.slot == plan.slot())
        && former_id(ctx) == Some(release)
    {
        return Ok(());
    }
    let staged = records::Staged {
        format: FORMAT,
        version: plan.to().clone(),
        variant: plan.variant().to_owned(),
        arch: plan.arch().to_owned(),
        release,
        slot: plan.slot(),
        at: ctx.now,
        extra: Map::new(),
    };
    ctx.state.write_staged(&staged, indexes)?;
    let line = HistoryLine {
        slot: Some(plan.slot()),
        version: Some(plan.to().to_string()),
        release: Some(release),
        ..HistoryLine::new(ctx.now, HistoryEvent::Staged)
    };
    ctx.state.tolerate(ctx.state.add_history(&line));
    Ok(())
}

/// The indexes of the release that was last staged to this slot, if they can be read. Only a hint.
fn former(ctx: &Context<'_>, slot: Slot) -> Option<Images<Index>> {
    ctx.state.staged().filter(|staged| staged.slot == slot)?;
    let read = |image| Index::parse(&ctx.state.staged_index(image).ok()??).ok();
    Images::try_from_fn(|image| read(image).ok_or(())).ok()
}

/// Whether any record says that a release lies in this slot. After a restart `staged.json` is about the slot that runs.
fn holds(ctx: &Context<'_>, slot: Slot) -> Holds {
    let staged = ctx.state.staged().is_some_and(|staged| staged.slot == slot);
    let known = ctx.state.outcome().is_some_and(|outcome| outcome.names_a_release(slot));
    if staged || known { Holds::Release } else { Holds::Foreign }
}

/// The release whose indexes are kept.
fn former_id(ctx: &Context<'_>) -> Option<ReleaseId> {
    let digest = |image| Some(Digest::of(&ctx.state.staged_index(image).ok()??));
    let digests = Images::try_from_fn(|image| digest(image).ok_or(())).ok()?;
    Some(ReleaseId::of(&digests))
}
