//! Why a request or an answer is refused.

use std::fmt;
use std::path::PathBuf;

use updater_core::Exit;

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "every field is in the sentence above it")]
pub enum Fault {
    /// Another kind of file.
    #[error("expected a signing request, found something else")]
    NotARequest,
    /// Of another version of this program.
    #[error("expected format 1, found {found:?}")]
    OtherFormat { found: String },
    /// A part of the file cannot be read.
    #[error("failed to read its {part}: {reason}")]
    Part { part: &'static str, reason: String },
    /// Somebody changed the text, or the layout.
    #[error("its text is not the one that its bytes give")]
    Altered,
    /// The roots in it do not follow each other.
    #[error("its root chain is broken: {reason}")]
    Chain { reason: String },
    /// A root that does not come next.
    #[error("expected root {expected}, found root {found}")]
    NotNext { expected: u64, found: u64 },
    /// Not the manifest that the targets name.
    #[error("its manifest is not the one that its targets name")]
    OtherManifest,
    /// Hosts could not follow the manifest.
    #[error("its manifest has {} problem(s): {}", problems.len(), problems.join("; "))]
    Manifest { problems: Vec<String> },
    /// What it compares with was never good.
    #[error("what it compares with is not signed by any of its roots")]
    BeforeNotSigned,
    /// A signature that is none.
    #[error("the signature by key {key} is wrong")]
    WrongSignature { key: String },
    /// A key that may not sign this.
    #[error("key {key} may not sign it")]
    Stranger { key: String },
    /// Asks for something else than the verb signs.
    #[error("expected a request for {expected}, found one for {found}")]
    OtherRole { expected: &'static str, found: &'static str },
    /// The holder trusts another root.
    #[error("root {version} in it is not the root named by --root")]
    NotYourRoot { version: u64 },
    /// Nobody has signed it.
    #[error("it carries no signature")]
    NoSignature,
    /// Of another repository.
    #[error("it is of another repository: its root {version} is not the one here")]
    Foreign { version: u64 },
    /// Made before something changed here.
    #[error("it is stale: {reason}")]
    Stale { reason: String },
}

/// A file and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub fault: Fault,
}

/// The one to speak of: a forged file before one that is only the wrong one.
pub(crate) fn gravest(refused: &[Refused]) -> Option<&Refused> {
    refused.iter().find(|one| one.fault.exit() == Exit::Untrusted).or(refused.first())
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.fault)
    }
}

impl Fault {
    /// The exit code. Exhaustive, so that a new fault is a decision.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NotARequest | Self::OtherFormat { .. } | Self::OtherRole { .. } | Self::NoSignature => {
                Exit::Usage
            }
            Self::Part { .. }
            | Self::Altered
            | Self::Chain { .. }
            | Self::NotNext { .. }
            | Self::OtherManifest
            | Self::Manifest { .. }
            | Self::BeforeNotSigned
            | Self::WrongSignature { .. }
            | Self::Stranger { .. }
            | Self::NotYourRoot { .. }
            | Self::Foreign { .. } => Exit::Untrusted,
            Self::Stale { .. } => Exit::Blocked,
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotARequest => "\"root propose\" and \"targets propose\" write such files",
            Self::OtherFormat { .. } => "use the updog-repo that made it, or propose again with this one",
            Self::OtherRole { .. } => "\"root sign\" signs roots, \"targets sign\" signs targets",
            Self::NoSignature => {
                "it is the question, not an answer: its holder runs \"sign FILE --key KEY\" first"
            }
            Self::Stale { .. } => "propose again, and have the new file signed",
            Self::Foreign { .. } => "choose the working folder that proposed it",
            Self::NotYourRoot { .. } => {
                "do not sign; ask whoever sent it which repository this is, by another way than the file came"
            }
            Self::Part { .. }
            | Self::Altered
            | Self::Chain { .. }
            | Self::NotNext { .. }
            | Self::OtherManifest
            | Self::Manifest { .. }
            | Self::BeforeNotSigned
            | Self::WrongSignature { .. }
            | Self::Stranger { .. } => "do not sign; ask for the file again, as it was written",
        }
    }
}
