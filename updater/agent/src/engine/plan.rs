//! plan: an offer with no choice left open. Fetches the indexes and compares sizes; changes nothing.

use partition_core::{Layout, Slot};
use partition_disk::Access;
use release::manifest::Ours;
use release::payload::Index;
use release::{Digest, Image, Images, ReleaseId};
use trust_client::Target;
use updater_core::{Likeness, Plan, PlanInput, Room};

use super::check::Checked;
use super::delta::{self, Found};
use super::error::Error;
use super::partial::{FOLDER, PartialFile};
use super::repository::Repository;
use super::slot_io::part;
use crate::report::{Event, Step};
use crate::{Context, Options, Result};

/// A plan, and what stage needs to carry it out.
#[derive(Debug)]
pub struct Planned {
    pub(super) repository: Repository,
    pub(super) plan: Plan,
    /// `None` for a release that is published without indexes; it can be shown, not staged.
    pub(super) payload: Option<Fetched>,
    /// Tables of deltas from what runs.
    pub(super) deltas: Found,
    /// What is known of what runs as their base.
    pub(super) likeness: Images<Likeness>,
}

/// Indexes that are trusted, and what the metadata says about the frames.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) bytes: Images<Vec<u8>>,
    pub(super) indexes: Images<Index>,
    pub(super) frames: Images<Target>,
}

/// Plans what is offered. No offer is an error that names the rule.
pub fn plan(ctx: &Context<'_>, _: &Options, checked: Checked) -> Result<Planned> {
    let running = ctx.running()?;
    let base = base(ctx, running, &checked);
    let Checked { mut repository, offer, .. } = checked;
    let offer = offer.map_err(|none| crate::Error::Refused(none.refusal))?;
    ctx.reporter.event(&Event::Step { step: Step::Plan, message: format!("planning {}", offer.version()) });

    let disk = ctx.disk(Access::Read)?;
    let layout = disk.layout().map_err(crate::Error::disk("look at the partitions"))?;
    let room =
        room(&layout, running.other(), disk.sector_size()).ok_or_else(|| crate::Error::no_other(running))?;
    let update = offer.update();
    let payload =
        update.updog.as_ref().map(|ours| fetch(ctx, &mut repository, ours, &update.images)).transpose()?;
    let indexes = payload.as_ref().map(|fetched| {
        Images::from_fn(|image| (Digest::of(fetched.bytes.get(image)), fetched.indexes.get(image)))
    });
    let (deltas, likeness) = match (&update.updog, &payload, base) {
        (Some(ours), Some(fetched), Some(base)) if !is_staged(ctx, ours.release, running.other()) => {
            delta::find(ctx, (&mut repository, &disk), (ours, fetched), (base, running))?
        }
        _ => <(Found, _)>::default(),
    };
    let tables = deltas.as_ref().map(|_, found| found.as_ref().map(|(target, table)| (&*target.name, table)));
    let tries = ctx.config.tries.trial();
    let held = match (&update.updog, &payload) {
        (Some(ours), Some(fetched)) => held(ctx, (ours.release, running.other()), &fetched.indexes),
        _ => None,
    };
    let room = Some(room);
    let input = PlanInput { offer: &offer, running, tries, indexes, deltas: tables, held, room };
    let plan = Plan::new(&input)?;
    Ok(Planned { repository, plan, payload, deltas, likeness })
}

/// The release that runs: as recorded, else the one that is published under its version.
fn base(ctx: &Context<'_>, running: Slot, checked: &Checked) -> Option<ReleaseId> {
    let outcome = ctx.state.outcome();
    let version = &checked.host().version;
    let recorded = outcome.and_then(|outcome| outcome.holds.get(running).cloned());
    let recorded = recorded.filter(|held| held.version == version.to_string()).and_then(|held| held.release);
    let host = checked.host();
    let published = || {
        let mut all = checked.candidates().iter();
        let same = all.find(|candidate| {
            let update = &candidate.update;
            update.version == *version && update.variant == host.variant && update.arch == host.arch
        });
        same.and_then(updater_core::Candidate::release)
    };
    recorded.or_else(published)
}

/// Whether the slot is recorded to hold this very release. What of it is not right any more comes as full frames.
fn is_staged(ctx: &Context<'_>, release: ReleaseId, slot: Slot) -> bool {
    ctx.state.staged().is_some_and(|staged| staged.release == release && staged.slot == slot)
}

/// The pieces that the records say are in the slot: all of what is staged there, or those of a run that was cut off.
fn held(
    ctx: &Context<'_>,
    (release, slot): (ReleaseId, Slot),
    indexes: &Images<Index>,
) -> Option<Images<Vec<usize>>> {
    let pieces = |image| 0..indexes.get(image).pieces().len();
    if is_staged(ctx, release, slot) {
        return Some(Images::from_fn(|image| pieces(image).collect()));
    }
    let marks = PartialFile::recall(&ctx.state.dir().join(FOLDER), slot, release)?;
    Some(Images::from_fn(|image| pieces(image).filter(|piece| marks.get(image).has(*piece)).collect()))
}

impl Planned {
    /// What stage will do.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// The indexes, whole and checked, from where they were kept if they are those that are signed, and the targets of the frames. A frames file is exactly as long as its index says.
fn fetch(
    ctx: &Context<'_>,
    repository: &mut Repository,
    ours: &Ours,
    frames: &Images<String>,
) -> Result<Fetched, Error> {
    let bytes = Images::try_from_fn(|image| {
        let name = ours.index.get(image);
        let kept = ctx.state.staged_index(image).ok().flatten();
        match (kept, repository.target(name)) {
            (Some(kept), Ok(target)) if target.check(&kept).is_ok() => Ok(kept),
            // Whatever is wrong is told by the one that fetches.
            _ => repository.bytes(name, INDEX_LIMIT),
        }
    })?;
    let indexes = Images::try_from_fn(|image| {
        Index::parse(bytes.get(image)).map_err(|source| Error::Index { image, source })
    })?;
    let frames = Images::try_from_fn(|image| {
        let target = repository.target(frames.get(image))?;
        agree(image, &target, indexes.get(image)).map(|()| target)
    })?;
    Ok(Fetched { bytes, indexes, frames })
}

fn agree(image: Image, target: &Target, index: &Index) -> Result<(), Error> {
    if target.length == index.frames_length() {
        return Ok(());
    }
    Err(Error::FramesLength { image, expected: index.frames_length(), found: target.length })
}

/// Bytes of the partitions of a slot.
fn room(layout: &Layout, slot: partition_core::Slot, sector_size: u32) -> Option<Images<Room>> {
    Images::try_from_fn(|image| {
        let entry = layout.part(slot, part(image)).ok_or(())?;
        Ok::<_, ()>(Room { bytes: entry.sectors().saturating_mul(u64::from(sector_size)) })
    })
    .ok()
}

/// An index of 1 MiB pieces that long is one of an image of 986 GiB.
const INDEX_LIMIT: u64 = 64 << 20;
