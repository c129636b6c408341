//! Frames and records over HTTP, from the first mirror that serves them.

use std::error::Error as StdError;
use std::ops::Range;

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
}

/// How to ask.
enum Ask {
    Range(Range<u64>),
    Whole,
}

impl HttpFrames<'_> {
    /// Asks each mirror in turn; one that is down or knows no ranges costs a request.
    fn open(&self, image: Image, ask: &Ask, total: u64) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        let Some(Target { path, .. }) = self.targets.get(image) else {
            return Err(SourceError::Refused(format!("there is no such file of {image}").into()));
        };
        let transport = self.online.transport();
        let mut told = SourceError::NoRanges;
        let mut asked = false;
        for mirror in &self.mirrors {
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
