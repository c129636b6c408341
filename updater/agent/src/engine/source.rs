//! Where frames come from: a server, or memory in tests.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::ops::Range;

use bytes::Bytes;
use release::{Image, Images};

/// A place that holds the `.img.zst` files of one release. It may lie: whatever it gives is checked against the index
/// before anything reads it.
pub trait FrameSource: Debug + Sync {
    /// The bytes `range` of the frames file, which is `total` bytes long.
    fn range(
        &self,
        image: Image,
        range: Range<u64>,
        total: u64,
    ) -> Result<Box<dyn ByteStream + '_>, SourceError>;

    /// The whole file, `total` bytes, for servers that know no ranges.
    fn whole(&self, image: Image, total: u64) -> Result<Box<dyn ByteStream + '_>, SourceError>;

    /// What was given last for this image was of no use: the next place, of several, is asked from now on. `progress` says whether anything
    /// of use has come since this was called last. `false`: all of them have been of no use since then.
    fn elsewhere(&self, image: Image, progress: bool) -> bool {
        let _ = (image, progress);
        false
    }
}

/// Bytes as they come in.
pub trait ByteStream {
    /// The next bytes, never empty; `None` at the end. Waits; returns [`SourceError::Interrupted`] soon after the stop flag
    /// that the source was made with is set.
    fn next(&mut self) -> Result<Option<Bytes>, SourceError>;
}

/// Why a source gave no bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The server does not serve ranges, or answered one with other bytes than were asked for.
    #[error("server does not serve byte ranges")]
    NoRanges,
    /// Stopped by the user.
    #[error("interrupted")]
    Interrupted,
    /// Trying again later may help.
    #[error("failed to fetch frames")]
    Transient(#[source] Box<dyn StdError + Send + Sync>),
    /// Trying again will not help before somebody mends the server.
    #[error("failed to fetch frames")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
}

/// Frames in memory.
#[derive(Clone, Debug)]
pub struct MemoryFrames {
    /// The three `.img.zst` files.
    pub files: Images<Vec<u8>>,
}

impl FrameSource for MemoryFrames {
    fn range(
        &self,
        image: Image,
        range: Range<u64>,
        _: u64,
    ) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        let file = self.files.get(image);
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(file.len());
        let bytes = file.get(at(range.start)..at(range.end)).unwrap_or_default();
        Ok(Box::new(bytes.chunks(MEMORY_CHUNK)))
    }

    fn whole(&self, image: Image, total: u64) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        self.range(image, 0..total, total)
    }
}

impl ByteStream for std::slice::Chunks<'_, u8> {
    fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        Ok(Iterator::next(self).map(Bytes::copy_from_slice))
    }
}

/// As much as a socket gives at a time, and no multiple of any frame.
const MEMORY_CHUNK: usize = 16_000;
