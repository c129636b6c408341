//! Why no delta was made or removed, and what to do about it.

use std::path::PathBuf;

use release::Version;
use release::payload::PackError;
use updater_core::Exit;

use crate::error::Error;

/// Why a delta was refused; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "every field is in the sentence above it")]
pub enum Refusal {
    /// The draft has no such base.
    #[error("failed to find base {base} for {release}: the draft has {known}")]
    UnknownBase { release: String, base: Version, known: String },
    /// A base for other hosts.
    #[error("refused base {base}: expected a release of the variant and architecture of {release}")]
    OtherHosts { release: String, base: String },
    /// Hosts go up.
    #[error("refused base {base}: expected one older than {release}")]
    NotOlder { release: String, base: Version },
    /// Nothing to make it of.
    #[error("refused {release}: it has no updog object, so it is not one of ours")]
    NotOurs { release: String },
    /// Both images must be cut in the same way.
    #[error("refused base {base}: its pieces have {found} bytes, those of {release} have {expected}")]
    PieceSize { release: String, base: Version, expected: u32, found: u32 },
    /// Frames or an index are not at hand.
    #[error("failed to find {}", path.display())]
    Missing { path: PathBuf },
    /// Neither in the working folder nor where it was looked for.
    #[error("failed to find {name}: it is neither in the working folder nor in the source")]
    Nowhere { name: String },
    /// Frames or an index are damaged.
    #[error("failed to unpack {}", path.display())]
    Damaged { path: PathBuf, source: PackError },
    /// What the source gives is not what the draft names.
    #[error("refused {name} of the source: expected SHA-256 {expected}, found {found}")]
    Fetched { name: String, expected: String, found: String },
    /// Nothing that is meant is there.
    #[error("failed to find a delta of {release} from {from}")]
    NoDelta { release: String, from: String },
}

impl Refusal {
    /// As the end of a verb. There is no `From`, so that `?` elsewhere needs no words.
    pub(crate) fn ends(self) -> Error {
        Error::RefusedDelta(self)
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::UnknownBase { .. }
            | Self::OtherHosts { .. }
            | Self::Missing { .. }
            | Self::Nowhere { .. }
            | Self::NoDelta { .. } => Exit::Usage,
            Self::NotOlder { .. } | Self::NotOurs { .. } | Self::PieceSize { .. } => Exit::Blocked,
            Self::Damaged { .. } | Self::Fetched { .. } => Exit::Untrusted,
        }
    }

    /// What the user can do.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownBase { .. } | Self::OtherHosts { .. } => {
                "\"updog-repo release list\" shows what there is".into()
            }
            Self::NotOlder { .. } => "name an older release with --from, or count them with --last".into(),
            Self::NotOurs { .. } => return None,
            Self::PieceSize { .. } => {
                "make them apart, from those that have the same piece size: \"updog-repo delta add --from V\""
                    .into()
            }
            Self::Missing { .. } => {
                "name a published copy with --source, or bring the file back from one".into()
            }
            Self::Nowhere { .. } => {
                "name a copy that still has it with --source, or choose another base".into()
            }
            Self::Damaged { path, .. } => {
                format!("remove {} and name a published copy with --source", path.display())
            }
            Self::Fetched { .. } => "\"updog-repo validate\" lists what is wrong with that copy".into(),
            Self::NoDelta { .. } => "\"updog-repo delta list\" shows what there is".into(),
        })
    }
}
