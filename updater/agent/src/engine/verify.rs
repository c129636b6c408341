//! verify: reads a slot back against the indexes that were trusted when it was staged. Offline; the way to arm later.

use partition_core::Slot;
use partition_disk::Access;
use release::payload::Index;
use release::{Digest, Images, ReleaseId};

use super::error::Error;
use super::job::{Progress, raw_length};
use super::route::{Release, Verified};
use super::slot_io::{For, SlotIo};
use crate::report::{Event, Step};
use crate::{Context, Result};

/// Reads every byte of the images of `slot` and compares, mounted or not; says what it holds. What the slot should hold is
/// known only if it was staged here last.
pub fn verify_slot(ctx: &Context<'_>, slot: Slot) -> Result<Release> {
    let _lock = ctx.state.run_lock("verify")?;
    let (release, indexes) = recall(ctx, slot)?;
    let disk = ctx.disk(Access::Read)?;
    let io = SlotIo::open(&disk, slot, &indexes, For::Reading)?;
    let mut progress = begin(ctx, slot, &release, &indexes);
    io.compare(&indexes, &ctx.interrupt, &mut |_, seen| progress.add(seen.length, 0))?;
    Ok(release)
}

/// The same on the way to `arm`: the slot is claimed first, so that nothing changes it between here and the table write.
pub fn prove_slot(ctx: &Context<'_>, slot: Slot) -> Result<Verified> {
    let lock = ctx.state.run_lock("arm")?;
    let (release, indexes) = recall(ctx, slot)?;
    let disk = ctx.disk(Access::Write)?;
    let io = SlotIo::open(&disk, slot, &indexes, For::Writing)?;
    let mut progress = begin(ctx, slot, &release, &indexes);
    let proof = io.read_back(&indexes, &ctx.interrupt, &mut |_, seen| progress.add(seen.length, 0))?;
    Ok(Verified::new(release, (ctx.running()?, proof), lock))
}

fn begin<'a>(ctx: &Context<'a>, slot: Slot, release: &Release, indexes: &Images<Index>) -> Progress<'a> {
    let message = format!("reading slot {slot} back, expecting {}", release.version);
    ctx.reporter.event(&Event::Step { step: Step::Verify, message });
    Progress::new(ctx.reporter, Step::Verify, raw_length(indexes))
}

/// The record of what was staged, and its indexes: they must give the release that the record names.
fn recall(ctx: &Context<'_>, slot: Slot) -> Result<(Release, Images<Index>)> {
    let missing = |detail: String| crate::Error::NotStaged { detail };
    let staged = ctx.state.staged().ok_or_else(|| missing("there is no record of it".to_owned()))?;
    if staged.slot != slot {
        return Err(missing(format!("the record is about slot {}, not {slot}", staged.slot)));
    }
    let bytes = Images::try_from_fn(|image| {
        let bytes = ctx.state.staged_index(image)?;
        bytes.ok_or_else(|| missing(format!("the index of the {image} image is missing")))
    })?;
    let found = ReleaseId::of(&bytes.as_ref().map(|_, bytes| Digest::of(bytes)));
    if found != staged.release {
        return Err(missing(format!(
            "its indexes are those of {}, not of {}",
            found.short(),
            staged.release.short()
        )));
    }
    let indexes = Images::try_from_fn(|image| {
        Index::parse(bytes.get(image)).map_err(|source| Error::Index { image, source })
    })?;
    Ok((Release { id: staged.release, version: staged.version }, indexes))
}
