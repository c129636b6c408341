//! Makes the other slot equal to a release and reads it back.
//!
//! What each cut leaves is in docs/route.md. The order here is what keeps the host bootable: nothing is written before the slot is
//! retired and that is flushed; the slot is retired only when the first piece is in hand.

use std::path::Path;

use partition_core::{Flags, Slot, Standing, verbs};
use partition_disk::{ChangeError, Disk, Edit, RunLock};
use release::payload::Index;
use release::{Image, Images};
use updater_core::Likeness;

use super::delta::{Base, Deltas};
use super::error::Error;
use super::fill::{Fill, Filled, Watch, Writes};
use super::hint::{Hints, Holds};
use super::likeness::{Lost, said};
use super::partial::PartialFile;
use super::route::{Release, Verified, Written};
use super::slot_io::{For, SlotIo, Survey};
use super::source::FrameSource;
use super::work::Work;
use crate::Result;
use crate::answer::chain;
use crate::interrupt::Interrupt;
use crate::report::{Event, Reporter, Step};

/// What to stage, onto what, and who is told.
#[derive(Debug)]
pub struct Job<'a> {
    /// The disk, opened for writing.
    pub disk: &'a Disk,
    /// The slot that runs; the other one is written.
    pub running: Slot,
    /// Whether the running slot was confirmed in this boot.
    pub standing: Standing,
    /// Which release.
    pub release: Release,
    /// Its indexes, trusted.
    pub indexes: Images<Index>,
    /// Where its frames are.
    pub source: &'a dyn FrameSource,
    /// The shorter way from the slot that runs.
    pub deltas: Option<Deltas<'a>>,
    /// What the slot may hold already.
    pub hints: Hints,
    /// `<state>/staged`.
    pub folder: &'a Path,
    /// Who is told about progress.
    pub reporter: &'a dyn Reporter,
    /// Ends the run between two pieces.
    pub interrupt: &'a Interrupt,
}

/// Bytes that a run moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Received from the network for frames, wanted or not.
    pub fetched: u64,
    /// Of the raw images: right already.
    pub reused: u64,
    /// Of the raw images: written.
    pub written: u64,
    /// Pieces that did not come out right of what runs, and were fetched whole.
    pub fallen: usize,
}

/// A slot that holds the release, and what it took.
#[derive(Debug)]
pub struct Staged {
    /// The proof.
    pub verified: Verified,
    /// What it took.
    pub moved: Moved,
}

impl Job<'_> {
    /// Runs it. `forget` is called once, after the slot is retired and before its first byte changes: what was recorded about the
    /// slot is about to become wrong.
    pub fn run(self, lock: RunLock, forget: &mut dyn FnMut() -> Result<()>) -> Result<Staged> {
        let slot = self.running.other();
        let layout = self.disk.layout().map_err(crate::Error::disk("look at the slots"))?;
        // Asked now, so that a refusal comes before any work, and again when it is done.
        verbs::retire(&layout.slots(), self.running, self.standing).map_err(refused)?;
        let io = SlotIo::open(self.disk, slot, &self.indexes, For::Writing)?;

        let total = raw_length(&self.indexes);
        let (io, work) = match self.survey(io)? {
            Survey::Whole(proof) => {
                let verified = Verified::new(self.release, (self.running, proof), lock);
                return Ok(Staged { verified, moved: Moved { reused: total, ..Moved::default() } });
            }
            Survey::Missing(io, work) => (io, work),
        };
        let reused = total.saturating_sub(work.raw_length(&self.indexes));
        self.disarm_rotten(layout.slots().get(slot))?;
        let (filled, partial) = self.fill(&io, &work, forget)?;
        let moved = Moved { fetched: filled.fetched, reused, written: filled.written, fallen: filled.fallen };

        self.step(Step::Verify, format!("reading slot {slot} back"));
        let mut progress = Progress::new(self.reporter, Step::Verify, total);
        let Job { release, running, indexes, interrupt, .. } = self;
        let written = Written::new(release, (running, io), indexes, lock);
        match written.verify(interrupt, &mut |_, seen| progress.add(seen.length, moved.fetched)) {
            Ok(verified) => {
                partial.remove();
                Ok(Staged { verified, moved })
            }
            Err(error) => {
                partial.keep();
                Err(error.into())
            }
        }
    }

    /// A slot that is armed with this very release, and was just read and found not to be whole, must not boot, whether the
    /// repair that follows gets its frames or not.
    fn disarm_rotten(&self, other: Option<Flags>) -> Result<()> {
        let armed = other.is_some_and(|flags| flags.priority() > 0 && !flags.successful());
        if armed && self.hints.former.as_ref() == Some(&self.indexes) {
            self.retire()?;
        }
        Ok(())
    }

    fn survey(&self, io: SlotIo) -> Result<Survey> {
        self.step(Step::Verify, format!("looking at what slot {} holds", io.slot));
        let mut progress = Progress::new(self.reporter, Step::Verify, raw_length(&self.indexes));
        let survey = io
            .survey(&self.indexes, &self.hints, self.interrupt, &mut |_, seen| progress.add(seen.length, 0));
        Ok(survey?)
    }

    /// Retires the slot and writes what is missing. However it ends, what is right is kept and the hint says so.
    fn fill(
        &self,
        io: &SlotIo,
        work: &Work,
        forget: &mut dyn FnMut() -> Result<()>,
    ) -> Result<(Filled, PartialFile)> {
        self.step(Step::Write, format!("writing {} to slot {}", self.release.version, io.slot));
        let total = raw_length(&self.indexes);
        let mut progress = Progress::new(self.reporter, Step::Write, total);
        progress.add(total.saturating_sub(work.raw_length(&self.indexes)), 0);
        let partial = PartialFile::begin(self.folder, (io.slot, self.release.id), &self.indexes, work);
        let partial = partial.map_err(|source| Error::Record { path: self.folder.to_owned(), source })?;
        let open = |_| Base::open(self.disk, self.running).inspect_err(|error| self.without(error)).ok();
        let base = self.deltas.as_ref().and_then(open);
        let mut scribe = Scribe { job: self, forget, partial, progress };
        let fill = Fill {
            images: &io.images,
            indexes: &self.indexes,
            work,
            source: self.source,
            writes: self.writes(),
            delta: self.deltas.as_ref().zip(base.as_ref()),
            stop: self.interrupt,
        };
        match fill.run(&mut scribe) {
            Ok(filled) => Ok((filled, scribe.partial)),
            Err(error) => {
                scribe.partial.keep();
                Err(error)
            }
        }
    }

    /// Reading what is there costs time, and spares writing it where it is a release.
    fn writes(&self) -> Writes {
        match (self.hints.holds, &self.hints.former) {
            (Holds::Foreign, None) => Writes::All,
            (Holds::Release, _) | (_, Some(_)) => Writes::Differing,
        }
    }

    /// Takes the slot out of the boot order; durable when it returns.
    fn retire(&self) -> Result<()> {
        let retired = self.disk.change(|layout| {
            let after = verbs::retire(&layout.slots(), self.running, self.standing);
            after.map(Edit::slots).map_err(refused)
        });
        retired.map(|_| ()).map_err(|error| match error {
            ChangeError::Refused(error) => error,
            ChangeError::Disk(source) => crate::Error::disk("retire the other slot")(source),
        })
    }

    fn step(&self, step: Step, message: String) {
        self.reporter.event(&Event::Step { step, message });
    }

    fn without(&self, error: &Error) {
        let message = format!("full frames are taken instead of the delta: {}", chain(error));
        self.reporter.event(&Event::Note { message });
    }
}

/// Keeps the records of a fill.
struct Scribe<'a> {
    job: &'a Job<'a>,
    forget: &'a mut dyn FnMut() -> Result<()>,
    partial: PartialFile,
    progress: Progress<'a>,
}

impl Watch for Scribe<'_> {
    fn first(&mut self) -> Result<()> {
        self.job.retire()?;
        (self.forget)()
    }

    fn wrote(&mut self, image: Image, piece: usize, fetched: u64) {
        let range = self.job.indexes.get(image).piece_range(piece).unwrap_or_default();
        self.partial.wrote(image, piece);
        self.progress.add(range.end.saturating_sub(range.start), fetched);
    }

    fn without(&mut self, image: Image, lost: &Lost) {
        for message in lost.said(image) {
            self.job.reporter.event(&Event::Note { message });
        }
    }

    fn fell(&mut self, pieces: usize, likeness: &Images<Likeness>) {
        if let Some(message) = said(self.job.running, likeness, pieces) {
            self.job.reporter.event(&Event::Note { message });
        }
    }
}

/// Sends progress of one step.
pub(super) struct Progress<'a> {
    reporter: &'a dyn Reporter,
    step: Step,
    done: u64,
    total: u64,
}

impl<'a> Progress<'a> {
    pub(super) fn new(reporter: &'a dyn Reporter, step: Step, total: u64) -> Progress<'a> {
        Progress { reporter, step, done: 0, total }
    }

    pub(super) fn add(&mut self, bytes: u64, fetched: u64) {
        self.done = self.done.saturating_add(bytes);
        self.reporter.event(&Event::Progress {
            step: self.step,
            done: self.done,
            total: self.total,
            fetched,
        });
    }
}

pub(super) fn raw_length(indexes: &Images<Index>) -> u64 {
    indexes.iter().map(|(_, index)| index.raw_length()).fold(0, u64::saturating_add)
}

fn refused(source: partition_core::Refusal) -> crate::Error {
    crate::Error::Slots { verb: "stage", source }
}
