//! The running slot as the base of a delta: a look at it before anything is fetched, and what the threads of a fill tell each other about
//! it. What follows from either is decided by [`Likeness`].

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use partition_core::Slot;
use partition_disk::Disk;
use release::delta::BaseBlocks;
use release::payload::Index;
use release::{Digest, Image, Images, ReleaseId};
use updater_core::{Likeness, Next};

use super::delta::Base;
use super::error::Error;
use crate::Context;

/// Looks at pieces of slot `running`, up to one of each image that is as published. Nothing is known where the indexes of `release` were
/// not kept: they are there when it was staged last.
pub(super) fn look(
    ctx: &Context<'_>,
    (disk, running): (&Disk, Slot),
    release: ReleaseId,
) -> Result<Images<Likeness>, Error> {
    let (Some(indexes), Ok(base)) = (kept(ctx, release), Base::open(disk, running)) else {
        return Ok(Images::default());
    };
    Images::try_from_fn(|image| {
        let (index, base) = (indexes.get(image), base.image(image));
        let mut likeness = Likeness::default();
        for piece in Likeness::samples(index) {
            if ctx.interrupt.raised() {
                return Err(Error::Interrupted);
            }
            let (Some(row), Some(range)) = (index.pieces().get(piece), index.piece_range(piece)) else {
                continue;
            };
            // A piece is at most 4 MiB long.
            let mut bytes = vec![0; usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0)];
            let fits = range.end <= base.length();
            if fits && base.read(range.start, &mut bytes).is_ok() && Digest::of(&bytes) == row.raw {
                likeness.right(0, 0);
                break;
            }
            likeness.wrong_one(0);
        }
        Ok(likeness)
    })
}

/// The indexes that the state folder keeps, if they are those of this release.
fn kept(ctx: &Context<'_>, release: ReleaseId) -> Option<Images<Index>> {
    let bytes = Images::try_from_fn(|image| ctx.state.staged_index(image).ok().flatten().ok_or(())).ok()?;
    if ReleaseId::of(&bytes.as_ref().map(|_, bytes| Digest::of(bytes))) != release {
        return None;
    }
    Images::try_from_fn(|image| Index::parse(bytes.get(image))).ok()
}

/// What is to be said about a base, out of which so many pieces did not come.
pub(super) fn said(slot: Slot, likeness: &Images<Likeness>, fallen: usize) -> Option<String> {
    let verify = format!("\"updog verify --slot {slot}\" looks whether it is damaged");
    let unlike: Vec<String> = likeness
        .iter()
        .filter_map(|(image, likeness)| Some(format!("{image}: {}", likeness.unlike()?)))
        .collect();
    if !unlike.is_empty() {
        let unlike = unlike.join("; ");
        return Some(format!(
            "slot {slot} is not what the delta was made from ({unlike}), full frames are taken for the rest; {verify}"
        ));
    }
    match (fallen, wrong(likeness)) {
        (0, 0) => None,
        (0, wrong) => Some(format!("{wrong} piece(s) of slot {slot} are not as published; {verify}")),
        (fallen, _) => Some(format!(
            "{fallen} piece(s) did not come out of slot {slot} as published and are fetched whole; {verify}"
        )),
    }
}

fn wrong(likeness: &Images<Likeness>) -> usize {
    likeness.iter().map(|(_, likeness)| likeness.wrong()).sum()
}

/// What could not be had of the delta of one image; none of it says anything about the base.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Records that were wrong on all mirrors.
    records: usize,
    /// About the last of them.
    last: Option<Error>,
    /// Why the rest was not to be had.
    rest: Option<Error>,
}

impl Lost {
    /// Whether the rest is not worth asking for.
    fn is_given_up(&self) -> bool {
        self.records >= Likeness::FEW
    }

    /// What is to be said of it.
    pub(super) fn said(&self, image: Image) -> Vec<String> {
        let records = match (&self.last, self.records) {
            (Some(error), records) if self.is_given_up() => {
                Some((format!("the rest of the {image} image, {records} records are wrong"), error))
            }
            (Some(error), records) => Some((format!("{records} record(s) of the {image} image"), error)),
            (None, _) => None,
        };
        let rest = self.rest.as_ref().map(|error| (format!("the rest of the {image} image"), error));
        let say = |(what, error): (String, &Error)| {
            format!("full frames are taken instead of the delta for {what}: {}", crate::answer::chain(error))
        };
        records.into_iter().chain(rest).map(say).collect()
    }
}

/// Whether a record may be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Yes.
    Admitted,
    /// The image is given up as a base.
    Left,
    /// Nobody will make a piece of it.
    Gone,
}

/// Between the thread that fetches records and the one that makes pieces of them.
#[derive(Debug)]
pub(super) struct Gate {
    before: Images<Likeness>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    likeness: Images<Likeness>,
    lost: Images<Lost>,
    closed: bool,
}

impl Gate {
    pub(super) fn new(likeness: Images<Likeness>) -> Gate {
        Gate {
            before: likeness,
            state: Mutex::new(State { likeness, lost: Images::default(), closed: false }),
            changed: Condvar::new(),
        }
    }

    /// Waits until it is known whether the next record of an image is worth fetching, and asking for. Who begins records is one thread: what
    /// is admitted here may be begun until something is told.
    pub(super) fn admit(&self, image: Image) -> Admission {
        let mut state = self.state();
        if state.lost.get(image).is_given_up() {
            return Admission::Left;
        }
        loop {
            match state.likeness.get(image).next() {
                Next::Leave(_) => return Admission::Left,
                Next::Try => return Admission::Admitted,
                Next::Wait if state.closed => return Admission::Gone,
                Next::Wait => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// How many records may be asked for at once, before one has shown that the base is right; `None`: it has.
    pub(super) fn unshown(&self, image: Image) -> Option<usize> {
        (!self.state().likeness.get(image).is_shown()).then_some(Likeness::FEW)
    }

    /// Tells what became of an admitted record.
    pub(super) fn tell(&self, image: Image, what: impl FnOnce(&mut Likeness)) {
        what(self.state().likeness.get_mut(image));
        self.changed.notify_all();
    }

    /// A record is wrong wherever it is asked for.
    pub(super) fn lie(&self, image: Image, error: Error) {
        let mut state = self.state();
        let lost = state.lost.get_mut(image);
        lost.records = lost.records.saturating_add(1);
        lost.last = Some(error);
    }

    /// The rest of the records of an image is not to be had.
    pub(super) fn lose(&self, image: Image, error: Error) {
        self.state().lost.get_mut(image).rest = Some(error);
    }

    /// What could not be had, told once.
    pub(super) fn lost(&self) -> Images<Lost> {
        std::mem::take(&mut self.state().lost)
    }

    /// Nothing will be told any more.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// How many records led to something else.
    pub(super) fn wrong(&self) -> usize {
        wrong(&self.likeness()).saturating_sub(wrong(&self.before))
    }

    pub(super) fn likeness(&self) -> Images<Likeness> {
        self.state().likeness.as_ref().map(|_, likeness| *likeness)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
