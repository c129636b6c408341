//! The client under test of theupdateframework/tuf-conformance: its command line over this crate.
//!
//! `cargo xtask conformance --suite DIR` builds and runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Parser, Subcommand};
use trust_client::{Expiry, Freshness, Mirrors, Role, Store, Transport, TransportConfig, Trusted, refresh};

#[derive(Debug, Parser)]
struct Arguments {
    #[arg(long)]
    metadata_dir: PathBuf,
    #[arg(long)]
    metadata_url: Option<String>,
    #[arg(long = "target-name")]
    target_names: Vec<String>,
    #[arg(long)]
    target_dir: Option<PathBuf>,
    #[arg(long)]
    target_base_url: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init { trusted_root: PathBuf },
    Refresh,
    Download,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    if let Command::Init { trusted_root } = &arguments.command {
        fs::copy(trusted_root, arguments.metadata_dir.join("root.json"))?;
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(update(arguments))
}

async fn update(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let metadata_url = arguments.metadata_url.ok_or("--metadata-url is needed")?;
    let targets_url = arguments.target_base_url.unwrap_or_else(|| metadata_url.clone());
    let transport = Transport::new(TransportConfig::default())?;
    let store = Store::open(&arguments.metadata_dir)?;
    let root = store.read(&Role::Root).ok_or("the metadata folder holds no root.json")?;
    let fresh = Freshness { now: clock(), expiry: Expiry::Enforce };
    let mirrors = Mirrors::one(&metadata_url, &targets_url)?;
    let mut trusted = refresh(&transport, &store, &mirrors, &root, fresh).await?;
    if let Command::Download = arguments.command {
        let folder = arguments.target_dir.ok_or("--target-dir is needed")?;
        for name in &arguments.target_names {
            download(&transport, &mut trusted, name, &folder).await?;
        }
    }
    Ok(())
}

/// Fetches a target unless the folder already has these very bytes.
async fn download(
    transport: &Transport,
    trusted: &mut Trusted,
    name: &str,
    folder: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let target = trusted.target(transport, name).await?;
    let file = folder.join(Role::Delegated(name.to_owned()).quoted());
    if fs::read(&file).is_ok_and(|bytes| target.check(&bytes).is_ok()) {
        return Ok(());
    }
    let bytes = trusted.target_bytes(transport, name, target.length).await?;
    let partial = file.with_added_extension("partial");
    fs::write(&partial, bytes)?;
    fs::rename(partial, file)?;
    Ok(())
}

fn clock() -> DateTime<Utc> {
    DateTime::from(std::time::SystemTime::now())
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
