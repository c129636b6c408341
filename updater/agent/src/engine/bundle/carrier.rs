//! The file or folder that was carried here: names to bytes, nothing trusted.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use release::bundle::{Contents, Member, Name};

use crate::engine::error::Error;
use crate::state::file::open;

/// Where files lie.
#[derive(Debug)]
pub(in crate::engine) enum Carrier {
    /// `metadata/` and `targets/` in a folder.
    Folder(PathBuf),
    /// A bundle, opened once: another file that takes its name later is not read.
    File {
        /// Its name.
        path: PathBuf,
        /// The file.
        file: File,
        /// Where what lies in it.
        contents: Contents,
    },
}

/// An open file of the repository: some bytes of a file.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    path: PathBuf,
    place: Place<'a>,
    length: u64,
}

#[derive(Debug)]
enum Place<'a> {
    Own(File),
    Member(&'a File, Member),
}

impl Carrier {
    /// Opens a folder or a bundle; of a bundle the form is checked.
    pub(super) fn open(path: &Path) -> Result<Carrier, Error> {
        let fail = |source| Error::Bundle { path: path.to_owned(), source };
        let kind = fs::metadata(path).map_err(fail)?;
        if kind.is_dir() {
            return Ok(Carrier::Folder(path.to_owned()));
        }
        if !kind.is_file() {
            // Reading a pipe or a device would wait for ever, or never end.
            return Err(fail(io::Error::new(io::ErrorKind::InvalidInput, "expected a file or a folder")));
        }
        let mut file = open(path).map_err(fail)?;
        let contents = Contents::read(&mut file)
            .map_err(|source| Error::BundleForm { path: path.to_owned(), source })?;
        Ok(Carrier::File { path: path.to_owned(), file, contents })
    }

    /// The file or folder.
    pub(super) fn path(&self) -> &Path {
        match self {
            Carrier::Folder(path) | Carrier::File { path, .. } => path,
        }
    }

    /// At most `max` bytes of a metadata file, and one more, so that the rules see that it is too long; `None`: there is none.
    pub(super) fn metadata(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>, Error> {
        self.opened(METADATA, path)?.map(|opened| opened.bytes(max)).transpose()
    }

    /// A target, likewise.
    pub(super) fn target(&self, path: &str, max: u64) -> Result<Vec<u8>, Error> {
        self.open_target(path)?.bytes(max)
    }

    /// Whether a target is here.
    pub(super) fn has_target(&self, path: &str) -> bool {
        self.opened(TARGETS, path).is_ok_and(|opened| opened.is_some())
    }

    /// A target, to read from.
    pub(super) fn open_target(&self, path: &str) -> Result<Opened<'_>, Error> {
        self.opened(TARGETS, path)?.ok_or_else(|| Error::Bundle {
            path: self.path().join(TARGETS).join(decode(path)),
            source: io::ErrorKind::NotFound.into(),
        })
    }

    fn opened(&self, part: &str, path: &str) -> Result<Option<Opened<'_>>, Error> {
        let name = decode(path);
        let shown = self.path().join(part).join(&name);
        match self {
            Carrier::Folder(_) => {
                let fail = |source| Error::Bundle { path: shown.clone(), source };
                let kind = match fs::metadata(&shown) {
                    Ok(kind) => kind,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(fail(error)),
                };
                if !kind.is_file() {
                    return Err(fail(io::Error::new(io::ErrorKind::InvalidInput, "expected a file")));
                }
                let file = open(&shown).map_err(fail)?;
                Ok(Some(Opened { path: shown, place: Place::Own(file), length: kind.len() }))
            }
            Carrier::File { file, contents, .. } => {
                let name = if part == METADATA { Name::metadata(&name) } else { Name::target(&name) };
                // A name that a bundle cannot hold is in none.
                let member = name.ok().and_then(|name| contents.member(&name));
                Ok(member.map(|member| Opened {
                    path: shown,
                    place: Place::Member(file, member),
                    length: member.length,
                }))
            }
        }
    }
}

impl Opened<'_> {
    /// Its bytes from `at` on, as many as fit and are there.
    pub(super) fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(self.length.saturating_sub(at)).unwrap_or(usize::MAX);
        let most = buffer.len().min(rest);
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        match &self.place {
            Place::Own(file) => file.read_at(buffer, at),
            Place::Member(file, member) => file.read_at(buffer, member.offset.saturating_add(at)),
        }
    }

    /// Where it lies, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn bytes(self, max: u64) -> Result<Vec<u8>, Error> {
        let most = self.length.min(max.saturating_add(1));
        let mut bytes = Vec::new();
        let path = self.path.clone();
        Onward(self, 0)
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(|source| Error::Bundle { path, source })?;
        Ok(bytes)
    }
}

/// Reads from an offset on.
struct Onward<'a>(Opened<'a>, u64);

impl Read for Onward<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read_at(buffer, self.1)?;
        self.1 = self.1.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
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

const METADATA: &str = "metadata";
const TARGETS: &str = "targets";
