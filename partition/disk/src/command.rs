//! What is typed after `signpost`; here, and not in the program, so that manual pages and completions are made of it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use partition_core::Slot;

/// Shows and edits the slot flags of a disk. The verbs change flags only: no image is checked.
#[derive(Debug, Parser)]
#[command(name = "signpost", version)]
pub struct Command {
    /// The disk: a block device or an image file; without it the one this host runs from.
    #[arg(long, global = true, value_name = "DEV|FILE")]
    pub disk: Option<PathBuf>,
    /// The slot that counts as active, for a disk that this host does not run from.
    #[arg(long, global = true, value_name = "A|B")]
    pub booted: Option<Slot>,
    /// The state folder that updog is configured with: the run lock is there.
    #[arg(long, global = true, value_name = "DIR", default_value = "/var/lib/updog")]
    pub state: PathBuf,
    /// Answer with one JSON object.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The nine verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum Verb {
    /// Show both slots, the active one and the one that boots next.
    Status,
    /// The active slot is good: successful, with its tries refilled.
    MarkSuccessfulBoot,
    /// The inactive slot is never started.
    ClearInactive,
    /// The inactive slot gets one try. Nobody checks what it holds.
    MarkInactiveValid,
    /// The inactive slot goes first at the next boot.
    UpgradeToInactive,
    /// The active slot goes first again.
    CancelUpgrade,
    /// The inactive slot goes first again, if it would boot.
    RollbackToInactive,
    /// Prints `true` if a boot has ever succeeded on this disk.
    HasBootEverSucceeded,
    /// Writes the table as it is; repairs a damaged copy.
    RewriteTable,
}

impl Verb {
    /// As typed.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Status => "status",
            Verb::MarkSuccessfulBoot => "mark-successful-boot",
            Verb::ClearInactive => "clear-inactive",
            Verb::MarkInactiveValid => "mark-inactive-valid",
            Verb::UpgradeToInactive => "upgrade-to-inactive",
            Verb::CancelUpgrade => "cancel-upgrade",
            Verb::RollbackToInactive => "rollback-to-inactive",
            Verb::HasBootEverSucceeded => "has-boot-ever-succeeded",
            Verb::RewriteTable => "rewrite-table",
        }
    }
}
