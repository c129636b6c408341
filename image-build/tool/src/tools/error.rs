//! Why a program of others did not do its part.

use std::io;

use super::Tool;

/// A program is missing or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not installed.
    #[error("failed to find {}: {} not in PATH", names(.tools), if .tools.len() == 1 { "it is" } else { "they are" })]
    Missing {
        /// All that were looked for in vain.
        tools: Vec<Tool>,
    },
    /// It did not start.
    #[error("failed to start {program}")]
    Start {
        /// The program.
        program: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// It ended badly.
    #[error("failed to run {program}: {status}: {said}")]
    Failed {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: String,
        /// Its last words.
        said: String,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Missing { tools } => Some(install(tools)),
            Error::Failed { said, .. } if FULL.iter().any(|words| said.contains(words)) => {
                Some(MAKE_ROOM.to_owned())
            }
            Error::Failed { said, .. } if said.contains("target may not be installed") => Some(
                "rustup target add x86_64-unknown-uefi x86_64-unknown-linux-musl aarch64-unknown-uefi aarch64-unknown-linux-musl"
                    .to_owned(),
            ),
            Error::Start { .. } | Error::Failed { .. } => None,
        }
    }
}

/// What to do about a full file system.
pub(crate) const MAKE_ROOM: &str = "make room on the file system of --out and of --cache (layout: of --disk); an image needs about three times its size";

/// How programs say that a file system is full; the second is mkfs.erofs'.
const FULL: [&str; 2] = ["No space left", "was truncated"];

fn names(tools: &[Tool]) -> String {
    tools.iter().map(|tool| tool.program).collect::<Vec<_>>().join(", ")
}

fn install(tools: &[Tool]) -> String {
    let (others, mut packages): (Vec<_>, Vec<_>) =
        tools.iter().map(|tool| tool.package).partition(|package| package.contains(' '));
    packages.sort_unstable();
    packages.dedup();
    let apt = (!packages.is_empty()).then(|| format!("apt-get install {}", packages.join(" ")));
    let others = others.first().map(|other| format!("install {other}"));
    apt.into_iter().chain(others).collect::<Vec<_>>().join("; ")
}
