//! `--bundle`: a copy of a repository in a folder (`metadata/`, `targets/`), read under the same rules and limits as a mirror.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use release::{Image, Images};
use trust_client::{Store, Target};
use trust_core::{Find, Freshness, Limits, Reply, Request, Session};

use super::error::Error;
use super::source::{ByteStream, FrameSource, SourceError};

/// The folder, and what is trusted of it.
#[derive(Debug)]
pub(super) struct Bundle {
    folder: PathBuf,
    store: Store,
    session: Session,
}

/// Frames files of a bundle.
#[derive(Debug)]
pub(super) struct BundleFrames {
    paths: Images<PathBuf>,
}

impl Bundle {
    /// Reads the metadata up to the newest that the folder has.
    pub(super) fn open(folder: &Path, store: &Store, root: &[u8], fresh: Freshness) -> Result<Bundle, Error> {
        let begin = || Ok(Session::begin(store.recall(root)?, fresh, Limits::default())?);
        let session = begin().map_err(Error::Refresh)?;
        let mut bundle = Bundle { folder: folder.to_owned(), store: store.clone(), session };
        while let Some(request) = bundle.session.next_request() {
            bundle.answer(&request)?;
        }
        Ok(bundle)
    }

    /// Versions and expiries of the top-level roles.
    pub(super) fn roles(&self) -> Option<trust_core::Trusted> {
        self.session.trusted()
    }

    /// What the metadata says about a target.
    pub(super) fn target(&mut self, name: &str) -> Result<Target, Error> {
        let fail = |source| Error::Target { name: name.to_owned(), source };
        loop {
            match self.session.find(name).map_err(|error| fail(error.into()))? {
                Find::Found(target) => return Ok(*target),
                Find::NotListed => {
                    return Err(fail(trust_client::Error::NotListed { name: name.to_owned() }));
                }
                Find::Ask(request) => self.answer(&request)?,
            }
        }
    }

    /// A whole target of at most `max` bytes; its length and digest are right.
    pub(super) fn target_bytes(&mut self, name: &str, max: u64) -> Result<Vec<u8>, Error> {
        let fail = |source| Error::Target { name: name.to_owned(), source };
        let target = self.target(name)?;
        if target.length > max {
            let (limit, length) = (max, target.length);
            return Err(fail(trust_client::Error::TargetTooLong { name: name.to_owned(), limit, length }));
        }
        let path = self.path("targets", &target.path);
        let bytes = read(&path, max)?
            .ok_or_else(|| Error::Bundle { path, source: io::ErrorKind::NotFound.into() })?;
        target.check(&bytes).map_err(|error| fail(error.into()))?;
        Ok(bytes)
    }

    /// Where the frames of these targets are.
    pub(super) fn frames(&self, targets: &Images<Target>) -> BundleFrames {
        BundleFrames { paths: targets.as_ref().map(|_, target| self.path("targets", &target.path)) }
    }

    /// Answers one request of the rules, and keeps what they say.
    fn answer(&mut self, request: &Request) -> Result<(), Error> {
        let bytes = read(&self.path("metadata", &request.path), request.max_length)?;
        let reply = bytes.map_or(Reply::NotFound, Reply::Bytes);
        let changes = self.session.receive(reply).map_err(|error| Error::Refresh(error.into()))?;
        self.store.apply(&changes).map_err(Error::Refresh)
    }

    /// The file of a path in the repository. Its names are flat, and percent-encoded only for URLs.
    fn path(&self, part: &str, path: &str) -> PathBuf {
        self.folder.join(part).join(decode(path))
    }
}

impl FrameSource for BundleFrames {
    fn range(
        &self,
        image: Image,
        range: Range<u64>,
        _: u64,
    ) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        let path = self.paths.get(image);
        let open = || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(range.start))?;
            Ok(file.take(range.end.saturating_sub(range.start)))
        };
        let file = open().map_err(|source| refused(path, source))?;
        Ok(Box::new(Part { path, file }))
    }

    fn whole(&self, image: Image, total: u64) -> Result<Box<dyn ByteStream + '_>, SourceError> {
        self.range(image, 0..total, total)
    }
}

struct Part<'a> {
    path: &'a Path,
    file: io::Take<File>,
}

impl ByteStream for Part<'_> {
    fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let mut bytes = vec![0; CHUNK];
        let read = self.file.read(&mut bytes).map_err(|source| refused(self.path, source))?;
        bytes.truncate(read);
        Ok((read > 0).then(|| bytes.into()))
    }
}

/// At most `max` bytes of a file, and one more, so that the rules see that it is too long; `None`: there is none.
fn read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, Error> {
    let fail = |source| Error::Bundle { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    Ok(Some(bytes))
}

fn refused(path: &Path, source: io::Error) -> SourceError {
    SourceError::Refused(Box::new(Error::Bundle { path: path.to_owned(), source }))
}

/// Takes percent-encoding away; what does not decode names no file that is there. The name is made flat again, so that it
/// cannot lead out of the folder.
fn decode(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let decoded = (byte == b'%').then(|| {
            let digits = [rest.next()?, rest.next()?];
            u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
        });
        bytes.push(decoded.map_or(byte, |byte| byte.unwrap_or(b'%')));
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect::<Vec<_>>().join("/")
}

const CHUNK: usize = 256 * 1024;
