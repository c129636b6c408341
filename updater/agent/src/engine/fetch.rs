//! Brings the frames, or the records, of missing pieces, each checked by its digest, in the order of the image.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use release::payload::FrameError;
use release::{Digest, Image, Images};
use updater_core::Likeness;

use super::error::Error;
use super::files::File;
use super::likeness::{Admission, Gate};
use super::runs::{Run, join};
use super::source::{ByteStream, FrameSource, SourceError};
use super::work::Work;
use crate::interrupt::Interrupt;

/// One frame or record whose digest is right.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) image: Image,
    pub(super) piece: usize,
    pub(super) bytes: Vec<u8>,
}

/// The receiver went away: it has its own reason, which is the one to report.
#[derive(Debug)]
pub(super) struct Gone;

/// One fetch over all three images.
#[derive(Debug)]
pub(super) struct Fetch<'a> {
    pub(super) source: &'a dyn FrameSource,
    /// Where the bytes are; `None`: nothing of this image comes from here.
    pub(super) files: Images<Option<File<'a>>>,
    pub(super) work: &'a Work,
    /// Set by the user or by a later stage that failed.
    pub(super) stop: &'a Interrupt,
    /// Bytes that came in, wanted or not.
    pub(super) fetched: &'a AtomicU64,
    /// Where each record is asked for before it is fetched; frames are fetched as they come.
    pub(super) gate: Option<&'a Gate>,
}

/// Where a passage through one image ended early.
enum Halt {
    /// The receiver is gone.
    Gone,
    /// The rest of the image is not to be had from here.
    Left,
    /// Another place was turned to, which is to be asked for the rest.
    Turned,
    /// The server does not give ranges that can be used, or other bytes than were asked for.
    NoRanges(Error),
    /// The download broke off; another may get further.
    Broke(Error),
    /// Nothing more to try.
    Failed(Error),
}

impl Fetch<'_> {
    /// Sends every missing frame. Returns early and without an error when the receiver is gone.
    pub(super) fn run(&self, send: &mut Send<'_>) -> Result<(), Error> {
        for image in Image::ALL {
            let Some(file) = *self.files.get(image) else { continue };
            let missing = self.work.missing(image);
            let mut passage =
                Passage { fetch: self, image, file, missing, done: 0, since: 0, send: &mut *send };
            match (passage.run(), self.gate) {
                (Ok(()) | Err(Halt::Left | Halt::Turned), _) => {}
                (Err(Halt::Gone), _) => return Ok(()),
                (Err(Halt::NoRanges(error) | Halt::Broke(error) | Halt::Failed(error)), gate) => match gate {
                    // The other images have records of their own.
                    Some(gate) if error.is_about_a_delta() => gate.lose(image, error),
                    _ => return Err(error),
                },
            }
        }
        Ok(())
    }
}

/// Where frames go.
type Send<'a> = dyn FnMut(Frame) -> Result<(), Gone> + 'a;

/// The way through one image.
struct Passage<'a> {
    fetch: &'a Fetch<'a>,
    image: Image,
    file: File<'a>,
    missing: &'a [usize],
    /// How many of the missing were sent.
    done: usize,
    /// How many when a place was last of no use.
    since: usize,
    send: &'a mut Send<'a>,
}

impl Passage<'_> {
    /// By ranges from one place after the other, each going on where the one before was of no use; then by plain downloads, if any had
    /// no ranges, or wrong bytes.
    fn run(&mut self) -> Result<(), Halt> {
        let (mut plain, mut told) = (false, None);
        loop {
            match self.ranges() {
                Err(Halt::Turned) => {}
                Err(halt @ (Halt::NoRanges(_) | Halt::Broke(_) | Halt::Failed(_)))
                    if !halt.is_interrupt() =>
                {
                    plain |= matches!(halt, Halt::NoRanges(_));
                    let halt = self.graver(told, halt);
                    if !self.elsewhere() {
                        return if plain { self.plain() } else { Err(halt) };
                    }
                    told = Some(halt);
                }
                other => return other,
            }
        }
    }

    /// Turns to the next place; `false`: all of them were of no use for the piece that is next.
    fn elsewhere(&mut self) -> bool {
        let progress = self.done > self.since;
        self.since = self.done;
        self.fetch.source.elsewhere(self.image, progress)
    }

    /// Which to tell of two places that were of no use for a piece: wrong bytes only where all gave them, what may be mended by itself only
    /// where nothing else is the matter.
    fn graver(&self, one: Option<Halt>, other: Halt) -> Halt {
        let rank = |halt: &Halt| match halt {
            Halt::NoRanges(Error::Frame { .. }) => 0,
            Halt::Broke(_) => 1,
            Halt::NoRanges(_) => 2,
            _ => 3,
        };
        match one {
            Some(one) if self.done == self.since && rank(&one) > rank(&other) => one,
            _ => other,
        }
    }

    /// One request for each run of neighbours.
    fn ranges(&mut self) -> Result<(), Halt> {
        // Of a base of which nothing is known a few records are asked for first: what is under way in the network cannot be called back.
        let unshown = self.fetch.gate.and_then(|gate| gate.unshown(self.image)).unwrap_or(0);
        let left = self.missing.get(self.done..).unwrap_or_default();
        let (first, rest) = left.split_at(unshown.min(left.len()));
        for run in join(self.file, first).into_iter().chain(join(self.file, rest)) {
            self.admit()?;
            let stream = self.fetch.source.range(self.image, run.bytes.clone(), self.file.length());
            self.pass(&run, run.bytes.start, stream)?;
        }
        Ok(())
    }

    /// The whole file in one download, frames that are not wanted dropped. A download that breaks off is begun again as
    /// long as each gets further than the one before; one that is of no use otherwise, from the next place. That one was down is told
    /// rather than that another lies: it may come back.
    fn plain(&mut self) -> Result<(), Halt> {
        let end = self.missing.last().map_or(0, |last| last.saturating_add(1));
        let run = Run { pieces: 0..end, bytes: 0..self.file.length() };
        let mut told = None;
        loop {
            self.admit()?;
            let before = self.done;
            let stream = self.fetch.source.whole(self.image, self.file.length());
            match self.pass(&run, 0, stream) {
                Err(Halt::Turned) => {}
                Err(Halt::Broke(_)) if self.done > before => {}
                Err(halt @ (Halt::NoRanges(_) | Halt::Broke(_) | Halt::Failed(_)))
                    if !halt.is_interrupt() =>
                {
                    let halt = self.graver(told, halt);
                    if !self.elsewhere() {
                        return Err(halt);
                    }
                    told = Some(halt);
                }
                other => return other,
            }
        }
    }

    /// Takes what is wanted of one run off a stream that starts at `start`.
    fn pass(
        &mut self,
        run: &Run,
        start: u64,
        stream: Result<Box<dyn ByteStream + '_>, SourceError>,
    ) -> Result<(), Halt> {
        let image = self.image;
        let stream = stream.map_err(|error| halt(image, error))?;
        let mut split = Split { image, stream, rest: Bytes::new(), fetched: self.fetch.fetched };
        let mut at = start;
        for piece in run.pieces.clone() {
            if self.fetch.stop.raised() {
                return Err(Halt::Failed(Error::Interrupted));
            }
            let (Some(range), Some(expected)) = (self.file.range(piece), self.file.digest(piece)) else {
                continue;
            };
            split.skip(range.start.saturating_sub(at))?;
            at = range.end;
            if self.missing.get(self.done) != Some(&piece) {
                split.skip(range.end.saturating_sub(range.start))?;
                continue;
            }
            self.admit()?;
            self.tell(Likeness::begin);
            let taken = split.checked(piece, range.end.saturating_sub(range.start), expected);
            match taken.inspect_err(|_| self.tell(Likeness::withdraw)) {
                Ok(bytes) => (self.send)(Frame { image, piece, bytes }).map_err(|Gone| Halt::Gone)?,
                Err(halt) => self.lie(halt)?,
            }
            self.done = self.done.saturating_add(1);
        }
        Ok(())
    }
}

impl Passage<'_> {
    /// Asks at the gate, before anything is asked of the server.
    fn admit(&self) -> Result<(), Halt> {
        match self.fetch.gate.map(|gate| gate.admit(self.image)) {
            None | Some(Admission::Admitted) => Ok(()),
            Some(Admission::Left) => Err(Halt::Left),
            Some(Admission::Gone) => Err(Halt::Gone),
        }
    }

    /// A record that is wrong on all mirrors is left to its full frame, and those behind it in the same download are taken.
    fn lie(&mut self, halt: Halt) -> Result<(), Halt> {
        match (halt, self.fetch.gate) {
            (Halt::NoRanges(error @ Error::Frame { .. }), Some(gate)) => {
                if self.elsewhere() {
                    return Err(Halt::Turned);
                }
                gate.lie(self.image, error);
                Ok(())
            }
            (halt, _) => Err(halt),
        }
    }

    fn tell(&self, what: fn(&mut Likeness)) {
        if let Some(gate) = self.fetch.gate {
            gate.tell(self.image, what);
        }
    }
}

/// Cuts a stream into frames.
struct Split<'a> {
    image: Image,
    stream: Box<dyn ByteStream + 'a>,
    rest: Bytes,
    fetched: &'a AtomicU64,
}

impl Split<'_> {
    /// The bytes for a piece, with the digest that they must have.
    fn checked(&mut self, piece: usize, length: u64, expected: Digest) -> Result<Vec<u8>, Halt> {
        let bytes = self.take(length)?;
        let found = Digest::of(&bytes);
        if found != expected {
            let source = FrameError::FrameDigest { expected, found };
            return Err(Halt::NoRanges(Error::Frame { image: self.image, piece, source }));
        }
        Ok(bytes)
    }

    fn take(&mut self, length: u64) -> Result<Vec<u8>, Halt> {
        // A row's length is 32 bits wide and bounded by the piece size.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut frame = Vec::with_capacity(length);
        while frame.len() < length {
            let some = self.some(length.saturating_sub(frame.len()))?;
            frame.extend_from_slice(&some);
        }
        Ok(frame)
    }

    fn skip(&mut self, length: u64) -> Result<(), Halt> {
        let mut left = length;
        while left > 0 {
            let some = self.some(usize::try_from(left).unwrap_or(usize::MAX))?;
            left = left.saturating_sub(some.len() as u64);
        }
        Ok(())
    }

    /// Some bytes, at least one and at most `most`.
    fn some(&mut self, most: usize) -> Result<Bytes, Halt> {
        if self.rest.is_empty() {
            let next = self.stream.next().map_err(|error| halt(self.image, error))?;
            self.rest = next
                .filter(|bytes| !bytes.is_empty())
                .ok_or_else(|| Halt::Broke(Error::Short { image: self.image }))?;
            self.fetched.fetch_add(self.rest.len() as u64, Ordering::Relaxed);
        }
        Ok(self.rest.split_to(most.min(self.rest.len())))
    }
}

impl Halt {
    fn is_interrupt(&self) -> bool {
        matches!(self, Halt::Failed(Error::Interrupted))
    }
}

fn halt(image: Image, error: SourceError) -> Halt {
    match error {
        SourceError::NoRanges => Halt::NoRanges(Error::Fetch { image, source: error }),
        SourceError::Interrupted => Halt::Failed(Error::Interrupted),
        SourceError::Transient(_) => Halt::Broke(Error::Fetch { image, source: error }),
        SourceError::Refused(_) => Halt::Failed(Error::Fetch { image, source: error }),
    }
}
