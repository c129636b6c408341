//! `layout`: a disk without an image build.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use partition_core::Tries;
use partition_disk::{Access, Disk};
use serde_json::json;

use super::Answer;
use crate::{ByteCount, Error, Layout, Sizes, install};

#[derive(Debug, Args)]
pub(super) struct LayOut {
    /// The disk file to make; it must not exist.
    #[arg(long, value_name = "FILE")]
    disk: PathBuf,
    /// Size of the EFI system partition: bytes, or with K, M, G.
    #[arg(long, value_name = "SIZE", default_value = "8M")]
    esp: ByteCount,
    /// Size of each BOOT partition.
    #[arg(long, value_name = "SIZE")]
    boot: ByteCount,
    /// Size of each ROOT partition.
    #[arg(long, value_name = "SIZE")]
    root: ByteCount,
    /// Size of each HASH partition.
    #[arg(long, value_name = "SIZE")]
    hash: ByteCount,
    /// Size of PRIVATE.
    #[arg(long, value_name = "SIZE", default_value = "16M")]
    private: ByteCount,
    /// Size of DATA.
    #[arg(long, value_name = "SIZE", default_value = "64M")]
    data: ByteCount,
    /// Bytes in a sector: 512 or 4096.
    #[arg(long, value_name = "BYTES", default_value_t = 512)]
    sector_size: u32,
    /// All GUIDs of the disk follow from this name and the sizes.
    #[arg(long, default_value = "updog")]
    name: String,
    /// A release folder whose images go into slot A.
    #[arg(long, value_name = "DIR")]
    install: Option<PathBuf>,
}

impl LayOut {
    pub(super) fn run(self) -> Result<Answer, Error> {
        let LayOut { disk: path, esp, boot, root, hash, private, data, sector_size, name, install: from } =
            self;
        let sizes = Sizes { esp, boot, root, hash, private, data };
        let layout = Layout { sector_size, sizes, tries: Tries::default(), name };
        if path.symlink_metadata().is_ok() {
            return Err(Error::Exists { path });
        }
        // A disk whose slot A counts as confirmed has its name only once all of it is there.
        let partial = Partial::beside(&path)?;
        layout.create(&partial.path)?;
        let installed = match &from {
            Some(from) => Some(install(&Disk::open(&partial.path, Access::Write)?, from)?),
            None => None,
        };
        partial.finish(&path)?;
        let shown = path.display();
        let Some(installed) = installed else {
            let text = format!("{shown} made: slot A confirmed and empty");
            return Ok(Answer::done(text, json!({ "disk": path, "release": null })));
        };
        let text = format!("{shown} made: slot A holds {}, {} bytes", installed.release, installed.bytes.0);
        let data = json!({ "disk": path, "release": installed.release, "bytes": installed.bytes.0 });
        Ok(Answer::done(text, data))
    }
}

/// A file in the making; removed unless it is finished.
struct Partial {
    path: PathBuf,
}

impl Partial {
    /// What a run that was killed left is removed.
    fn beside(path: &Path) -> Result<Partial, Error> {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".partial");
        let partial = Partial { path: path.with_file_name(name) };
        match fs::remove_file(&partial.path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(Error::Write { path: partial.path.clone(), source })
            }
            _ => Ok(partial),
        }
    }

    /// Gives it its name, which nobody must have taken meanwhile.
    fn finish(self, path: &Path) -> Result<(), Error> {
        let write = |source| Error::Write { path: path.to_owned(), source };
        File::open(&self.path).and_then(|file| file.sync_all()).map_err(write)?;
        fs::hard_link(&self.path, path).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => Error::Exists { path: path.to_owned() },
            _ => write(source),
        })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Best effort: the next run removes it too.
        let _ = fs::remove_file(&self.path);
    }
}
