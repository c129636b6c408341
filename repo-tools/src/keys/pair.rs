//! The two files of a new key: `FILE` and `FILE.pub`, both or neither, and never over a file that is there.
//!
//! Both are written under partial names first. A cut between the two renames leaves the private key and the public one's
//! partial file; that is what the next run knows its own half by.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::files::{parent, partial_name};
use crate::keys::{NewKey, Secrets, Signer};

/// `FILE.pub`
pub(super) fn public_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// The public half, as TUF JSON.
pub(super) fn public_bytes(signer: &Signer) -> Result<Vec<u8>> {
    let mut public = serde_json::to_vec_pretty(&signer.public())
        .map_err(|source| Error::Encode { what: "public key", source: Box::new(source) })?;
    public.push(b'\n');
    Ok(public)
}

/// A private key whose public half has its partial name still: what a cut run left.
pub(super) struct Half {
    pub(super) signer: Signer,
    path: PathBuf,
}

/// What a cut run left half done; `None` when there is nothing.
///
/// # Errors
/// When a file of the pair is there and is not such a half.
pub(super) fn half(path: &Path, secrets: &dyn Secrets) -> Result<Option<Half>> {
    let public = public_file(path);
    let partial = partial_name(&public);
    if !path.exists() {
        // The public half of some other key.
        return if public.exists() {
            Err(Error::KeyExists { path: public, private: false })
        } else {
            Ok(None)
        };
    }
    let taken = || Error::KeyExists { path: path.to_owned(), private: true };
    if public.exists() || !partial.exists() {
        return Err(taken());
    }
    let signer = Signer::open_file(path, secrets)?;
    let bytes = fs::read(&partial).map_err(|source| Error::ReadKey { path: partial, source })?;
    if bytes != public_bytes(&signer)? {
        return Err(taken());
    }
    Ok(Some(Half { signer, path: path.to_owned() }))
}

impl Half {
    /// Gives the public half its name.
    pub(super) fn complete(self) -> Result<NewKey> {
        let public = public_file(&self.path);
        name_it(&partial_name(&public), &public)
            .and_then(|()| sync_dir(&self.path))
            .map_err(|source| Error::WriteFile { path: public.clone(), source })?;
        Ok(NewKey { signer: self.signer, public_file: public })
    }
}

/// Writes both. What fails leaves neither, as far as the disk lets it.
pub(super) fn write(path: &Path, private: &[u8], public: &[u8]) -> Result<PathBuf> {
    let file = public_file(path);
    let partials = [partial_name(path), partial_name(&file)];
    let write = || {
        // A folder that is made for keys is nobody else's.
        let dir = parent(path);
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(no_folder(dir))?;
        write_partial(&partials[0], private, 0o600).map_err(at(path))?;
        write_partial(&partials[1], public, 0o644).map_err(at(&file))?;
        name_it(&partials[0], path).map_err(at(path))?;
        name_it(&partials[1], &file).map_err(at(&file)).inspect_err(|_| {
            // Made a moment ago, and never used.
            let _ = fs::remove_file(path);
        })?;
        sync_dir(path).map_err(at(path))
    };
    write().inspect_err(|_| {
        for partial in &partials {
            let _ = fs::remove_file(partial);
        }
    })?;
    Ok(file)
}

/// What is there already is a file, and not the key's.
fn no_folder(dir: &Path) -> impl Fn(io::Error) -> Error {
    let path = dir.to_owned();
    move |source| {
        let is_file = source.kind() == io::ErrorKind::AlreadyExists;
        let source = if is_file { io::ErrorKind::NotADirectory.into() } else { source };
        Error::WriteFile { path: path.clone(), source }
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::AlreadyExists => {
            let private = path.extension().is_none_or(|end| end != "pub");
            Error::KeyExists { path: path.clone(), private }
        }
        _ => Error::WriteFile { path: path.clone(), source },
    }
}

fn write_partial(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    // Of a run that was cut; made anew, so that the mode is ours.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn name_it(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system that cannot tell.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if to.symlink_metadata().is_err() => {
            fs::rename(from, to)
        }
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Err(io::ErrorKind::AlreadyExists.into()),
        other => other.map_err(Into::into),
    }
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}
