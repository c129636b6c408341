//! Where a reader's bytes come from: a folder or a URL.

use std::io::Read;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use tokio::runtime::Runtime;
use trust_client::{Location, Mirror, Transport, TransportConfig};
use url::Url;

use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::store::{Part, Store};

/// A repository, as a reader sees it. Paths are below `metadata/` or `targets/`, percent-encoded.
pub trait Source: Sync {
    /// A metadata file of at most `max` bytes; `None` when it is not there.
    fn metadata(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>>;
    /// Streams a target of `length` bytes into `sink`, in bounded memory. One byte more may come, so that a longer file
    /// can be told from a right one; the digest is for the caller to check. An error of `sink` ends it.
    fn target(&self, path: &str, length: u64, sink: &mut Sink<'_>) -> Result<Streamed>;
    /// Whether it holds no more than a part by intent, so that a target which is not there is no fault.
    fn is_part(&self) -> bool {
        false
    }
}

/// Takes the bytes of a target as they come.
pub type Sink<'a> = dyn FnMut(&[u8]) -> Result<()> + 'a;

/// How the stream of a target ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Streamed {
    /// At its end.
    Whole,
    /// There is no such file.
    Missing,
    /// Its length is wrong; the server says which it is.
    Refused(String),
}

/// A folder with `metadata/` and `targets/`.
#[derive(Debug)]
pub struct FolderSource<'a> {
    files: &'a dyn Files,
    dir: PathBuf,
}

impl<'a> FolderSource<'a> {
    /// The repository in `dir`.
    pub fn new(files: &'a dyn Files, dir: &Path) -> Self {
        Self { files, dir: dir.to_owned() }
    }
}

impl Source for FolderSource<'_> {
    fn metadata(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>> {
        let path = self.dir.join("metadata").join(decoded(path)?);
        files::read(self.files, &path, max).map_err(|source| Error::ReadFile { path, source })
    }

    fn target(&self, path: &str, length: u64, sink: &mut Sink<'_>) -> Result<Streamed> {
        let path = self.dir.join("targets").join(decoded(path)?);
        let read = |source| Error::ReadFile { path: path.clone(), source };
        if self.files.length(&path).map_err(read)?.is_none() {
            return Ok(Streamed::Missing);
        }
        let mut reader = self.files.open(&path).map_err(read)?.take(length.saturating_add(1));
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = reader.read(&mut buffer).map_err(read)?;
            if count == 0 {
                return Ok(Streamed::Whole);
            }
            sink(buffer.get(..count).unwrap_or_default())?;
        }
    }
}

/// A store, read as hosts read it: names below `metadata/` and `targets/`, and no listing.
#[derive(Debug)]
pub struct StoreSource<'a>(pub &'a dyn Store);

impl Source for StoreSource<'_> {
    fn metadata(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>> {
        let found = self.0.read(Part::Metadata, &decoded(path)?, max)?;
        Ok(found.map(|found| found.bytes))
    }

    fn target(&self, path: &str, length: u64, sink: &mut Sink<'_>) -> Result<Streamed> {
        let mut kept = Ok(());
        let streamed = self.0.stream(Part::Targets, &decoded(path)?, length, &mut |bytes| {
            if kept.is_ok() {
                kept = sink(bytes);
            }
        })?;
        kept.map(|()| streamed)
    }
}

/// A store of one's own, read in the same way.
#[derive(Debug)]
pub struct OwnStoreSource<'a>(pub Box<dyn Store + 'a>);

impl Source for OwnStoreSource<'_> {
    fn metadata(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>> {
        StoreSource(self.0.as_ref()).metadata(path, max)
    }

    fn target(&self, path: &str, length: u64, sink: &mut Sink<'_>) -> Result<Streamed> {
        StoreSource(self.0.as_ref()).target(path, length, sink)
    }
}

/// `metadata/` and `targets/` below a URL. Several threads may ask at once; one of them drives all connections.
#[derive(Debug)]
pub struct UrlSource {
    runtime: Runtime,
    transport: Transport,
    metadata: Url,
    targets: Url,
}

impl UrlSource {
    /// The repository at this http or https URL. It is asked with a password that stands in it; a query is refused,
    /// since every file has a path of its own.
    pub fn new(url: &Location) -> Result<Self> {
        let typed = url.typed();
        if typed.contains(['?', '#']) {
            let reason = format!("expected a URL without ? and #, found them in {url}");
            return Err(Error::Usage { reason });
        }
        let failed =
            |source: Box<dyn std::error::Error + Send + Sync>| Error::Fetch { what: url.to_string(), source };
        let base = typed.trim_end_matches('/');
        let mirror = Mirror::new(&format!("{base}/metadata/"), &format!("{base}/targets/"))
            .map_err(|_| Error::Usage { reason: format!("expected an http or https URL, found {url}") })?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| failed(Box::new(source)))?;
        let transport =
            Transport::new(TransportConfig::default()).map_err(|source| failed(Box::new(source)))?;
        Ok(Self {
            runtime,
            transport,
            metadata: mirror.metadata().clone(),
            targets: mirror.targets().clone(),
        })
    }
}

impl Source for UrlSource {
    fn metadata(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>> {
        let bytes = self.runtime.block_on(self.transport.metadata(&self.metadata, path, max));
        let bytes = bytes.map_err(|source| match source {
            trust_client::Error::NotMetadata { .. } => Error::NotMetadata(source),
            _ => Error::Fetch { what: path.to_owned(), source: Box::new(source) },
        })?;
        Ok(bytes.map(Vec::from))
    }

    fn target(&self, path: &str, length: u64, sink: &mut Sink<'_>) -> Result<Streamed> {
        let stream = async {
            let mut body = self.transport.whole(&self.targets, path, length).await?;
            while let Some(part) = body.next().await? {
                if let Err(error) = sink(&part) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        };
        match self.runtime.block_on(stream) {
            Ok(taken) => taken.map(|()| Streamed::Whole),
            Err(trust_client::Error::NotFound { .. }) => Ok(Streamed::Missing),
            Err(error @ (trust_client::Error::WrongLength { .. } | trust_client::Error::TooLong { .. })) => {
                Ok(Streamed::Refused(error.to_string()))
            }
            Err(source) => Err(Error::Fetch { what: path.to_owned(), source: Box::new(source) }),
        }
    }
}

/// A file that need not be there: a server that keeps to itself what is not there has not got it.
pub(crate) fn if_there(found: Result<Option<Vec<u8>>>) -> Result<Option<Vec<u8>>> {
    match found {
        Err(error) if error.may_mean_absent() => Ok(None),
        found => found,
    }
}

/// The file name behind a percent-encoded path; never one that leaves the folder.
pub(crate) fn decoded(path: &str) -> Result<String> {
    let name = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let plain =
        !name.is_empty() && !name.starts_with('/') && name.split('/').all(|part| part != ".." && part != ".");
    if plain { Ok(name) } else { Err(Error::TargetName { name }) }
}
