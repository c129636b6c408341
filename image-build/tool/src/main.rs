//! `updog-image`: makes disks for updog hosts.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use partition_core::Tries;
use partition_disk::{Access, Disk};
use updog_image::{ByteCount, Error, Layout, install};

/// Makes disks for updog hosts.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a disk file with two slots, PRIVATE and DATA.
    Layout(LayOut),
}

#[derive(Debug, Args)]
struct LayOut {
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

fn main() -> ExitCode {
    let Verb::Layout(verb) = Command::parse().verb;
    match verb.run() {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let mut chain = error.to_string();
            let mut source = error.source();
            while let Some(error) = source {
                chain = format!("{chain}: {error}");
                source = error.source();
            }
            eprintln!("error: {chain}");
            ExitCode::from(DISK)
        }
    }
}

impl LayOut {
    fn run(self) -> Result<String, Error> {
        let LayOut { disk: path, esp, boot, root, hash, private, data, sector_size, name, install: from } = self;
        let layout = Layout { sector_size, esp, boot, root, hash, private, data, tries: Tries::default(), name };
        layout.create(&path)?;
        let shown = path.display();
        let Some(from) = from else { return Ok(format!("{shown} made: slot A confirmed and empty")) };
        let installed = install(&Disk::open(&path, Access::Write)?, &from)?;
        Ok(format!("{shown} made: slot A holds {}, {} bytes", installed.release, installed.bytes.0))
    }
}

/// The exit code of everything that fails here (design §10.6: disk).
const DISK: u8 = 40;
