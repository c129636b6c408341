//! What the image says of itself.

use std::fs;
use std::io::ErrorKind;

use chrono::{DateTime, SecondsFormat};

use super::Tree;
use crate::{Arch, Error, Recipe};

/// Writes `/usr/lib/os-release` over the packages' one.
pub(super) fn write(
    tree: &Tree,
    recipe: &Recipe,
    arch: Arch,
    version: &release::Version,
) -> Result<(), Error> {
    let variant = &recipe.variant;
    let architecture = match arch {
        Arch::X86_64 => "x86-64",
        Arch::Aarch64 => "arm64",
    };
    let text = format!(
        "NAME=updog\nID=updog\nPRETTY_NAME=\"updog {variant} {version}\"\nVERSION_ID={version}\nVARIANT_ID={variant}\n\
         IMAGE_ID={variant}\nIMAGE_VERSION={version}\nARCHITECTURE={architecture}\n"
    );
    tree.file("usr/lib/os-release", 0o644, text.as_bytes())?;
    tree.link("etc/os-release", "../usr/lib/os-release")
}

/// Puts the time of the build before the image's configuration of updog: a clock that is behind it is wrong, and metadata that
/// expired before it is never news (design §7). A configuration that names one keeps it.
pub(super) fn stamp_configuration(tree: &Tree, epoch: u64) -> Result<(), Error> {
    let path = tree.place(CONFIGURATION);
    // A link leads to a file of this machine, not of the image.
    if path.is_symlink() {
        return Err(Error::InTheWay { path: CONFIGURATION.to_owned(), found: "a link" });
    }
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) if source.kind() == ErrorKind::NotFound => String::new(),
        Err(source) => return Err(Error::Read { path, source }),
    };
    if text.lines().any(|line| line.trim_start().starts_with("build_time")) {
        return Ok(());
    }
    let time = i64::try_from(epoch).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let time = time.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true);
    tree.file(CONFIGURATION, 0o644, format!("build_time = \"{time}\"\n{text}").as_bytes())
}

const CONFIGURATION: &str = "usr/share/updog/updog.toml";
