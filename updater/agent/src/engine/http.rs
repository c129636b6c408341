//! Frames and records over HTTP, from the first mirror that serves them.

use std::error::Error as StdError;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use release::{Image, Images};
use trust_client::{Class, RangeBody, Target};
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
    /// The first one to ask.
    at: usize,
    /// The one that was asked last.
    last: usize,
    /// How many the last request went to, and were not counted yet.
    asked: usize,
    /// How many were of no use since one was.
    useless: usize,
}

impl Turn {
    fn ask(&mut self, mirror: usize) {
        self.last = mirror;
        self.asked = if mirror == self.at { 1 } else { self.asked.saturating_add(1) };
    }

    /// Goes on behind those that were asked; `false`: all of them were of no use.
    fn elsewhere(&mut self, progress: bool, mirrors: usize) -> bool {
        let before = if progress { 0 } else { self.useless };
        self.useless = before.saturating_add(self.asked.max(1));
        self.asked = 0;
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

    /// Asks each mirror in turn; one that is down or knows no ranges costs a request.
    fn open(&self, image: Image, ask: &Ask, total: u64) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        let Some(Target { path, .. }) = self.targets.get(image) else {
            return Err(SourceError::Refused(format!("there is no such file of {image}").into()));
        };
        let transport = self.online.transport();
        let mut told = SourceError::NoRanges;
        let mut asked = false;
        let at = self.turn(image, |turn| turn.at);
        for (number, mirror) in self.mirrors.iter().enumerate().skip(at) {
            self.turn(image, |turn| turn.ask(number));
            let body = match ask {
                Ask::Range(range) => self.online.wait(transport.range(mirror, path, range.clone(), total)),
                Ask::Whole => self.online.wait(transport.whole(mirror, path, total)),
            };
            match body.map_err(interrupted)? {
                Ok(body) => return Ok(Box::new(Body { online: self.online, body })),
                Err(error) => {
                    let error = judge(error);
                    told = if asked { graver(told, error) } else { error };
                    asked = true;
                }
            }
        }
        Err(told)
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
        self.turn(image, |turn| turn.elsewhere(progress, self.mirrors.len()))
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

/// Which of two mirrors' answers to go by: a plain download may still help, then what is wrong for good, then the rest.
fn graver(one: SourceError, other: SourceError) -> SourceError {
    let rank = |error: &SourceError| match error {
        SourceError::Transient(_) => 0,
        SourceError::Refused(_) => 1,
        SourceError::NoRanges => 2,
        SourceError::Interrupted => 3,
    };
    if rank(&other) > rank(&one) { other } else { one }
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

    /// A request that went past mirrors which were down counts those.
    #[test]
    fn every_mirror_is_tried_once_for_a_piece() {
        let mut turn = Turn::default();
        for mirror in [0, 1] {
            turn.ask(mirror);
            assert!(turn.elsewhere(false, 3));
        }
        turn.ask(2);
        assert!(!turn.elsewhere(false, 3));
        for mirror in [0, 1] {
            turn.ask(mirror);
        }
        assert!(turn.elsewhere(true, 3), "there is one left");
        turn.ask(2);
        assert!(turn.elsewhere(true, 3), "something came, so the others are worth asking again");
        assert_eq!(turn.at, 0);
        // What came of it goes on, and then is wrong again.
        assert!(turn.elsewhere(true, 3));
        assert_eq!(turn.at, 0);
        assert!(!Turn::default().elsewhere(true, 1));
    }
}
