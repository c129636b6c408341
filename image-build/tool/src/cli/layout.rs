//! `layout`: a disk without an image build.

use std::path::PathBuf;

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
        layout.create(&path)?;
        let shown = path.display();
        let Some(from) = from else {
            let text = format!("{shown} made: slot A confirmed and empty");
            return Ok(Answer::done(text, json!({ "disk": path, "release": null })));
        };
        let installed = install(&Disk::open(&path, Access::Write)?, &from)?;
        let text = format!("{shown} made: slot A holds {}, {} bytes", installed.release, installed.bytes.0);
        let data = json!({ "disk": path, "release": installed.release, "bytes": installed.bytes.0 });
        Ok(Answer::done(text, data))
    }
}
