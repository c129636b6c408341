//! The release that a verb is about.

use release::Version;

use crate::draft::Choice;

/// A version, and its variant and architecture where the draft has it for more than one.
#[derive(Debug, clap::Args)]
pub(super) struct Pick {
    /// Version of the release.
    #[arg(value_name = "V")]
    release: Version,
    #[command(flatten)]
    line: Line,
}

/// A variant and an architecture, where the draft has more than one.
#[derive(Debug, clap::Args)]
pub(super) struct Line {
    /// Variant of the release.
    #[arg(long)]
    variant: Option<String>,
    /// Architecture of the release.
    #[arg(long)]
    arch: Option<String>,
}

impl Pick {
    pub(super) fn choice(self) -> Choice {
        Choice { version: Some(self.release), ..self.line.choice() }
    }
}

impl Line {
    pub(super) fn choice(self) -> Choice {
        Choice { version: None, variant: self.variant, arch: self.arch }
    }
}
