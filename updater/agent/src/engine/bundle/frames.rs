//! Frames out of a bundle, by offset.

use std::io;
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use release::{Image, Images};

use super::carrier::{Carrier, Opened};
use crate::engine::error::Error;
use crate::engine::source::{ByteStream, FrameSource, SourceError};

/// Frames files of a bundle.
#[derive(Debug)]
pub(in crate::engine) struct BundleFrames<'a> {
    pub(super) carrier: &'a Carrier,
    pub(super) paths: Images<Option<String>>,
}

impl FrameSource for BundleFrames<'_> {
    fn range(
        &self,
        image: Image,
        range: Range<u64>,
        _: u64,
    ) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        let Some(path) = self.paths.get(image) else {
            return Err(SourceError::Refused(format!("there is no such file of {image}").into()));
        };
        let opened = self.carrier.open_target(path);
        let opened = opened.map_err(|error| SourceError::Refused(Box::new(error)))?;
        Ok(Box::new(Part { opened, rest: range }))
    }

    fn whole(&self, image: Image, total: u64) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        self.range(image, 0..total, total)
    }
}

struct Part<'a> {
    opened: Opened<'a>,
    rest: Range<u64>,
}

impl ByteStream for Part<'_> {
    fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let most = usize::try_from(self.rest.end.saturating_sub(self.rest.start)).unwrap_or(CHUNK).min(CHUNK);
        let mut bytes = vec![0; most];
        let count = self.opened.read_at(&mut bytes, self.rest.start);
        let count = count.map_err(|source| refused(self.opened.path(), source))?;
        self.rest.start = self.rest.start.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        bytes.truncate(count);
        Ok((count > 0).then(|| bytes.into()))
    }
}

fn refused(path: &Path, source: io::Error) -> SourceError {
    SourceError::Refused(Box::new(Error::Bundle { path: path.to_owned(), source }))
}

const CHUNK: usize = 256 * 1024;
