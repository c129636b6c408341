//! Bottlerocket's names, with their flags and exit codes.
//!
//! Its client takes every flag with every name, and a forced version (`-i`) may be lower than the running one or equal to
//! it; so both hold here.

use clap::{Args, Subcommand};

use crate::Options;

/// The names.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// As check (Bottlerocket)
    #[command(alias = "whats", hide = true)]
    CheckUpdate(Flags),
    /// As apply (Bottlerocket)
    #[command(hide = true)]
    Update(Flags),
    /// As stage (Bottlerocket)
    #[command(hide = true)]
    UpdateImage(Flags),
    /// As arm (Bottlerocket)
    #[command(hide = true)]
    UpdateApply(Flags),
    /// As cancel (Bottlerocket)
    #[command(hide = true)]
    UpdateRevert(Flags),
    /// Accepted, does nothing (Bottlerocket)
    #[command(hide = true)]
    Prepare(Flags),
}

/// The flags, accepted with every name.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// This version and no other
    #[arg(short, long, value_name = "VERSION")]
    pub image: Option<semver::Version>,
    /// Do not wait for this host's turn
    #[arg(short, long, visible_alias = "ignore-waves")]
    pub now: bool,
    /// Restart the machine afterwards
    #[arg(short, long)]
    pub reboot: bool,
    /// List every release that is open
    #[arg(short, long)]
    pub all: bool,
    /// Another variant than the host's
    #[arg(long, value_name = "VARIANT")]
    pub variant: Option<String>,
    /// How much to log
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<tracing::Level>,
}

impl Verb {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Verb::CheckUpdate(_) => "check-update",
            Verb::Update(_) => "update",
            Verb::UpdateImage(_) => "update-image",
            Verb::UpdateApply(_) => "update-apply",
            Verb::UpdateRevert(_) => "update-revert",
            Verb::Prepare(_) => "prepare",
        }
    }

    /// Its flags.
    pub fn flags(&self) -> &Flags {
        match self {
            Verb::CheckUpdate(flags)
            | Verb::Update(flags)
            | Verb::UpdateImage(flags)
            | Verb::UpdateApply(flags)
            | Verb::UpdateRevert(flags)
            | Verb::Prepare(flags) => flags,
        }
    }

    /// Every name that an argument may be.
    pub const NAMES: [&str; 7] =
        ["check-update", "whats", "update", "update-image", "update-apply", "update-revert", "prepare"];
}

impl Flags {
    /// The same in our words.
    pub fn options(&self) -> Options {
        Options {
            to: self.image.clone(),
            ignore_waves: self.now,
            reinstall: self.image.is_some(),
            allow_downgrade: self.image.is_some(),
            ..Options::default()
        }
    }
}
