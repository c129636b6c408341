//! The edge to the file system: one operation a method, so that a test can stop a publish at each of them.

use std::any::Any;
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::plain;

/// The operations that publishing and the working folder are made of.
///
/// Nothing is durable before [`NewFile::sync`] (bytes) and [`Files::sync_dir`] (names) have returned.
pub trait Files: Debug + Send + Sync {
    /// Makes one folder; its parent must be there.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;
    /// Opens a file for reading; what is no regular file is refused.
    fn open(&self, file: &Path) -> io::Result<Box<dyn Read + Send>>;
    /// Length in bytes, `None` when there is no such file.
    fn length(&self, file: &Path) -> io::Result<Option<u64>>;
    /// When a file was written last; `None` where that is not known.
    fn modified(&self, _file: &Path) -> io::Result<Option<DateTime<Utc>>> {
        Ok(None)
    }
    /// Names of the files in a folder, sorted; empty when there is no such folder.
    fn names(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes a file, or empties the one that is there.
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>>;
    /// Gives a file its final name, in place of a file that has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, file: &Path) -> io::Result<()>;
    /// Gives a whole file a second name, or copies it where that cannot be done.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// A file without a name for what is too large for memory, where `dir` is: gone when it is closed, or its process is.
    /// Only a real file system has any.
    fn scratch(&self, _dir: &Path) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Lets everybody on this machine read a file, or enter a folder, whatever the umask. It is asked for as far as it can
    /// be had: some file systems know no modes.
    fn open_up(&self, _path: &Path, _what: Opened) -> io::Result<()> {
        Ok(())
    }
    /// Whether somebody else on this machine cannot read a file, or enter a folder.
    fn is_closed(&self, _path: &Path) -> io::Result<bool> {
        Ok(false)
    }
    /// Keeps other processes from writing in `dir` while the answer lives; `WouldBlock` when one is at it.
    fn lock(&self, dir: &Path) -> io::Result<Lock>;
}

/// What is opened to everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// A file: mode 0644 at least.
    File,
    /// A folder: mode 0755 at least.
    Folder,
}

/// A file being written.
pub trait NewFile: Write + Send {
    /// Makes the bytes durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// Held while a folder is being written; let go when dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] Option<Box<dyn Any + Send + Sync>>);

impl Lock {
    /// A lock that lives as long as `held`.
    pub fn holding(held: impl Any + Send + Sync) -> Self {
        Self(Some(Box::new(held)))
    }

    /// A lock for file systems that nobody shares.
    pub fn none() -> Self {
        Self(None)
    }
}

/// Writes `file` so that it is whole or absent whatever happens: partial name, bytes, sync, rename, sync of the folder.
///
/// A cut before the rename leaves a `.partial` file, which the next run sweeps away; a failure leaves none.
pub fn put<R: Read>(files: &dyn Files, file: &Path, source: &mut R) -> io::Result<()> {
    Partial::of(files, file)?.put(file, source, |_| true).map(|_| ())
}

/// A file under its partial name. One that is dropped before it is finished is removed: a full disk needs the room. What
/// cannot be removed then is swept by the next run.
pub(crate) struct Partial<'a> {
    files: &'a dyn Files,
    path: PathBuf,
    new: Option<Box<dyn NewFile>>,
}

impl<'a> Partial<'a> {
    /// Begins `file`.
    pub(crate) fn of(files: &'a dyn Files, file: &Path) -> io::Result<Self> {
        let path = partial_name(file);
        let new = files.create(&path).inspect_err(|_| {
            let _ = files.remove(&path);
        })?;
        Ok(Self { files, path, new: Some(new) })
    }

    /// All of a source; it gets its name only when `is_right` says so of what was read to its end.
    pub(crate) fn put<R: Read>(
        mut self,
        file: &Path,
        source: &mut R,
        is_right: impl FnOnce(&R) -> bool,
    ) -> io::Result<bool> {
        let files = self.files;
        io::copy(source, &mut self)?;
        if !is_right(source) {
            return Ok(false);
        }
        self.finish(file)?;
        files.sync_dir(parent(file))?;
        Ok(true)
    }

    /// Lets everybody read it, before it has its name.
    pub(crate) fn for_everybody(self) -> Self {
        let _ = self.files.open_up(&self.path, Opened::File);
        self
    }

    /// Makes the bytes durable and gives them their name. The name is durable when its folder was flushed.
    pub(crate) fn finish(mut self, file: &Path) -> io::Result<()> {
        if let Some(new) = &mut self.new {
            new.sync()?;
        }
        // Closed first: some file systems rename no open file.
        if let Some(new) = self.new.take() {
            drop(new);
        }
        let renamed = self.files.rename(&self.path, file);
        if renamed.is_err() {
            let _ = self.files.remove(&self.path);
        }
        renamed
    }
}

impl Write for Partial<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.new.as_mut().map_or(Ok(0), |new| new.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.new.as_mut().map_or(Ok(()), io::Write::flush)
    }
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        if let Some(new) = self.new.take() {
            drop(new);
            let _ = self.files.remove(&self.path);
        }
    }
}

/// [`put`] for bytes at hand.
pub fn put_bytes(files: &dyn Files, file: &Path, mut bytes: &[u8]) -> io::Result<()> {
    put(files, file, &mut bytes)
}

/// The file that a typed name leads to, to be written in place: a rename over a link would leave what it leads to as it
/// was. A link to nothing leads to the file that will be made. On the file system of this machine alone.
///
/// # Errors
/// When links lead round in a circle.
pub(crate) fn led_to(file: &Path) -> io::Result<PathBuf> {
    let mut file = file.to_owned();
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&file) {
            Ok(next) => file = parent(&file).join(next),
            // No link, or nothing is there.
            Err(_) => return Ok(file),
        }
    }
    Err(rustix::io::Errno::LOOP.into())
}

/// As many as Linux follows.
const MAX_LINKS: u32 = 40;

/// Reads a small file; `None` when there is none. More than `limit` bytes are refused.
pub fn read(files: &dyn Files, file: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let reader = match files.open(file) {
        Ok(reader) => reader,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    plain::bounded(reader, limit).map(Some)
}

/// Streams a file into `sink` in bounded memory, at most one byte more than `length`; `false`: there is no such file.
pub fn stream(files: &dyn Files, file: &Path, length: u64, sink: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
    if files.length(file)?.is_none() {
        return Ok(false);
    }
    let mut reader = files.open(file)?.take(length.saturating_add(1));
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok(true);
        }
        sink(buffer.get(..count).unwrap_or_default());
    }
}

/// Makes a folder and the missing ones above it, each name durable before the next.
pub fn ensure_dir(files: &dyn Files, dir: &Path) -> io::Result<()> {
    ensure_dir_by(files, dir, &|dir| files.make_dir(dir))
}

/// [`ensure_dir`] whose new folders everybody can enter; one that is there stays as its owner made it.
pub(crate) fn ensure_open_dir(files: &dyn Files, dir: &Path) -> io::Result<()> {
    ensure_dir_by(files, dir, &|dir| {
        files.make_dir(dir)?;
        let _ = files.open_up(dir, Opened::Folder);
        Ok(())
    })
}

fn ensure_dir_by(files: &dyn Files, dir: &Path, make: &dyn Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    match make(dir) {
        Ok(()) => files.sync_dir(parent(dir)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && parent(dir) != dir => {
            ensure_dir_by(files, parent(dir), make)?;
            make(dir)?;
            files.sync_dir(parent(dir))
        }
        Err(error) => Err(error),
    }
}

/// Removes what a cut run left under its partial name, as far as it can. Nobody reads such a file and a new one takes its
/// place, so one that stays keeps nobody from work: who needs its room or its name fails by that, and says so.
pub fn sweep_partials(files: &dyn Files, dir: &Path) {
    for name in files.names(dir).unwrap_or_default().iter().filter(|name| is_partial(name)) {
        let _ = files.remove(&dir.join(name));
    }
}

/// Whether a file name is one that [`put`] gives to a file which is not whole yet.
pub fn is_partial(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".partial")
}

pub(crate) fn partial_name(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.partial"))
}

pub(crate) fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => file,
    }
}
