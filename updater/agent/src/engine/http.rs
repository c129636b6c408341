//! Frames and records over HTTP, from the first mirror that serves them.

use std::error::Error as StdError;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use release::{Image, Images};
use trust_client::{Class, Location, RangeBody, Target};
use url::Url;

use super::error::Error;
use super::online::Online;
use super::source::{ByteStream, FrameSource, SourceError};

/// A file for each image on the mirrors of a repository.
#[derive(Debug)]
pub(super) struct HttpFrames<'a> {
    pub(super) online: &'a Online,
    /// Where targets lie, best first.
    pub(super) mirrors: Vec<Url>,
    /// `None`: there is no such file, and nobody asks for it.
    pub(super) targets: Images<Option<Target>>,
    pub(super) turns: Mutex<Images<Turn>>,
}

/// Whose turn it is among the mirrors, for one image.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turn {
    /// The one to ask.
    at: usize,
    /// The one that was asked last: what it gives may go on after the turn is another's.
    last: usize,
    /// How many were of no use since one was.
    useless: usize,
}

impl Turn {
    /// Goes on behind the one that was asked last; `false`: all of them were of no use.
    fn elsewhere(&mut self, progress: bool, mirrors: usize) -> bool {
        let before = if progress { 0 } else { self.useless };
        self.useless = before.saturating_add(1);
        self.at = self.last.saturating_add(1);
        if self.at >= mirrors {
            self.at = 0;
        }
        let left = self.useless < mirrors;
        if !left {
            self.useless = 0;
        }
        left
    }
}

/// How to ask.
enum Ask {
    Range(Range<u64>),
    Whole,
}

impl HttpFrames<'_> {
    fn turn<T>(&self, image: Image, what: impl FnOnce(&mut Turn) -> T) -> T {
        what(self.turns.lock().unwrap_or_else(PoisonError::into_inner).get_mut(image))
    }

    /// Asks the mirror whose turn it is.
    fn open(&self, image: Image, ask: &Ask, total: u64) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        let Some(Target { path, .. }) = self.targets.get(image) else {
            return Err(SourceError::Refused(format!("there is no such file of {image}").into()));
        };
        let transport = self.online.transport();
        let number = self.turn(image, |turn| {
            turn.last = turn.at;
            turn.at
        });
        let Some(mirror) = self.mirrors.get(number) else {
            return Err(SourceError::Refused("there is no mirror".into()));
        };
        let body = match ask {
            Ask::Range(range) => self.online.wait(transport.range(mirror, path, range.clone(), total)),
            Ask::Whole => self.online.wait(transport.whole(mirror, path, total)),
        };
        let body = body.map_err(interrupted)?.map_err(judge)?;
        Ok(Box::new(Body { online: self.online, body }))
    }
}

impl FrameSource for HttpFrames<'_> {
    fn range(
        &self,
        image: Image,
        range: Range<u64>,
        total: u64,
    ) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        self.open(image, &Ask::Range(range), total)
    }

    fn whole(&self, image: Image, total: u64) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        self.open(image, &Ask::Whole, total)
    }

    fn elsewhere(&self, image: Image, progress: bool) -> bool {
        let (last, left) = self.turn(image, |turn| {
            let last = turn.last;
            (last, turn.elsewhere(progress, self.mirrors.len()))
        });
        if left && let Some(mirror) = self.mirrors.get(last).map(Location::from) {
            tracing::warn!(%mirror, %image, "mirror gave nothing of use, the next one is asked");
        }
        left
    }
}

struct Body<'a> {
    online: &'a Online,
    body: RangeBody,
}

impl ByteStream for Body<'_> {
    fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let next = self.online.wait(self.body.next()).map_err(interrupted)?;
        next.map_err(judge)
    }
}

fn interrupted(error: Error) -> SourceError {
    match error {
        Error::Interrupted => SourceError::Interrupted,
        other => SourceError::Refused(Box::new(other)),
    }
}

fn judge(error: trust_client::Error) -> SourceError {
    if matches!(error, trust_client::Error::NoRanges { .. }) {
        return SourceError::NoRanges;
    }
    let class = error.classify();
    let error: Box<dyn StdError + Send + Sync> = Box::new(error);
    match class {
        Class::Transient => SourceError::Transient(error),
        Class::Broken | Class::Bug | Class::Untrusted => SourceError::Refused(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(turn: &mut Turn) -> usize {
        turn.last = turn.at;
        turn.at
    }

    #[test]
    fn every_mirror_is_asked_once_for_a_piece() {
        let mut turn = Turn::default();
        for (mirror, left) in [(0, true), (1, true), (2, false), (0, true), (1, true), (2, false)] {
            assert_eq!((asked(&mut turn), turn.elsewhere(false, 3)), (mirror, left));
        }
        assert!(!Turn::default().elsewhere(true, 1));
    }

    #[test]
    fn after_something_came_the_others_are_worth_asking_again() {
        let mut turn = Turn::default();
        for (mirror, progress, left) in [(0, false, true), (1, true, true), (2, true, true), (0, false, true)]
        {
            assert_eq!((asked(&mut turn), turn.elsewhere(progress, 3)), (mirror, left));
        }
    }

    /// A wrong record is passed over in the download that it came with, and then another one is wrong.
    #[test]
    fn a_download_that_goes_on_after_its_turn_is_left_for_the_next_mirror() {
        let mut turn = Turn::default();
        for (mirror, left) in [(0, true), (1, false)] {
            assert_eq!((asked(&mut turn), turn.elsewhere(false, 2)), (mirror, left));
        }
        assert!(turn.elsewhere(true, 2));
        assert_eq!(asked(&mut turn), 0);
    }
}
