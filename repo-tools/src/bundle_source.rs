//! A bundle as a source.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use release::bundle::{BundleError, Contents, Member, Name};

use crate::error::{Error, Result};
use crate::plain;
use crate::source::{Sink, Source, Streamed, decoded};

/// The repository, or the part of one, in a bundle.
#[derive(Debug)]
pub struct BundleSource {
    path: PathBuf,
    file: File,
    contents: Contents,
}

impl BundleSource {
    /// Opens a bundle and checks its form; what is in it is for the rules to judge.
    pub fn open(path: &Path) -> Result<Self> {
        let fail = |source| Error::Bundle { path: path.to_owned(), source };
        let mut file = plain::open(path).map_err(|source| fail(source.into()))?;
        let contents = Contents::read(&mut file).map_err(fail)?;
        Ok(Self { path: path.to_owned(), file, contents })
    }

    fn member(&self, name: Result<Name, BundleError>) -> Option<Member> {
        // A name that a bundle cannot hold is in none.
        self.contents.member(&name.ok()?)
    }

    fn part(&self, at: u64, buffer: &mut [u8]) -> Result<()> {
        let failed = |source| Error::ReadFile { path: self.path.clone(), source };
        self.file.read_exact_at(buffer, at).map_err(failed)
    }
}

impl Source for BundleSource {
    fn metadata(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>> {
        let Some(member) = self.member(Name::metadata(&decoded(path)?)) else { return Ok(None) };
        // One byte more than allowed, so that the rules see that it is too long.
        let length = member.length.min(max.saturating_add(1));
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.part(member.offset, &mut bytes)?;
        Ok(Some(bytes))
    }

    fn target(&self, path: &str, length: u64, sink: &mut Sink<'_>) -> Result<Streamed> {
        let Some(member) = self.member(Name::target(&decoded(path)?)) else { return Ok(Streamed::Missing) };
        if member.length != length {
            return Ok(Streamed::Refused(format!("expected {length} bytes, found {}", member.length)));
        }
        let mut buffer = vec![0; CHUNK];
        let (mut at, mut rest) = (member.offset, member.length);
        while rest > 0 {
            let count = usize::try_from(rest).unwrap_or(CHUNK).min(CHUNK);
            let part = buffer.get_mut(..count).unwrap_or_default();
            self.part(at, part)?;
            sink(part)?;
            let count = u64::try_from(count).unwrap_or(rest);
            (at, rest) = (at.saturating_add(count), rest.saturating_sub(count));
        }
        Ok(Streamed::Whole)
    }

    fn is_part(&self) -> bool {
        true
    }
}

const CHUNK: usize = 256 << 10;
