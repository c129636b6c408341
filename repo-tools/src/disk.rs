//! The real file system behind [`Files`].

use crate::files::{Files, Lock, NewFile, Opened, partial_name};
use crate::plain;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};

/// The file system of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        match fs::create_dir(dir) {
            // "." and "/" and a link to a folder are there already, whatever mkdir says of them.
            Err(_) if dir.is_dir() => Err(io::ErrorKind::AlreadyExists.into()),
            other => other,
        }
    }

    fn open(&self, file: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(plain::open(file)?))
    }

    fn length(&self, file: &Path) -> io::Result<Option<u64>> {
        match fs::metadata(file) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn modified(&self, file: &Path) -> io::Result<Option<DateTime<Utc>>> {
        match fs::metadata(file).and_then(|metadata| metadata.modified()) {
            Ok(at) => Ok(Some(at.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(Writing(BufWriter::with_capacity(1 << 20, File::create(file)?))))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        match fs::hard_link(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(_) => crate::files::put(self, to, &mut File::open(from)?),
            Ok(()) => Ok(()),
        }
    }

    fn scratch(&self, dir: &Path) -> io::Result<File> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // A cut right after it was made leaves an empty file, which the next run sweeps for its name.
        let path = partial_name(&dir.join(format!("scratch-{}-{number}", std::process::id())));
        let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    }

    fn open_up(&self, path: &Path, what: Opened) -> io::Result<()> {
        let least = match what {
            Opened::File => 0o644,
            Opened::Folder => 0o755,
        };
        // Publishers who share a group have more: group write, and a folder that hands its group on.
        let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
        fs::set_permissions(path, fs::Permissions::from_mode(mode | least))
    }

    fn is_closed(&self, path: &Path) -> io::Result<bool> {
        let metadata = fs::metadata(path)?;
        let needed = if metadata.is_dir() { 0o001 } else { 0o004 };
        Ok(metadata.permissions().mode() & needed == 0)
    }

    fn lock(&self, dir: &Path) -> io::Result<Lock> {
        let folder = File::open(dir)?;
        rustix::fs::flock(&folder, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        Ok(Lock::holding(folder))
    }
}

struct Writing(BufWriter<File>);

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl NewFile for Writing {
    fn sync(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.0.get_ref().sync_all()
    }
}
