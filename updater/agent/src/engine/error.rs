//! Why check, plan, stage or verify ended early.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use partition_core::Slot;
use release::bundle::BundleError;
use release::delta::DeltaError;
use release::payload::{FrameError, IndexError};
use release::{Digest, Image};
use trust_client::Class;
use updater_core::{Exit, Reason};

use super::source::SourceError;

/// The engine ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// SIGINT or SIGTERM came between two pieces.
    #[error("interrupted; run again to go on")]
    Interrupted,
    /// The network settings cannot be used.
    #[error("failed to set up the network client")]
    Setup(#[source] trust_client::Error),
    /// A report could not be delivered.
    #[error("failed to deliver a report")]
    Post(#[source] trust_client::Error),
    /// The trusted metadata could not be had.
    #[error("failed to refresh the trusted metadata")]
    Refresh(#[source] trust_client::Error),
    /// A target that the metadata names could not be had.
    #[error("failed to fetch {name}")]
    Target {
        /// Name of the target.
        name: String,
        /// Why.
        source: trust_client::Error,
    },
    /// The manifest is signed, but cannot be understood.
    #[error("failed to parse manifest.json")]
    Manifest(#[source] release::manifest::ManifestError),
    /// An index is signed, but cannot be understood.
    #[error("failed to parse the index of the {image} image")]
    Index {
        /// Which.
        image: Image,
        /// Why.
        source: IndexError,
    },
    /// Index and metadata name different lengths for the same file.
    #[error(
        "frames of the {image} image: expected {expected} bytes by the index, found {found} in the metadata"
    )]
    FramesLength {
        /// Which image.
        image: Image,
        /// By the index.
        expected: u64,
        /// By the metadata.
        found: u64,
    },
    /// The trusted root that came with the image cannot be read.
    #[error("failed to read the trusted root {}", path.display())]
    ReadRoot {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of a bundle cannot be read.
    #[error("failed to read {} of the bundle", path.display())]
    Bundle {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A bundle is not in its form.
    #[error("failed to read bundle {}", path.display())]
    BundleForm {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BundleError,
    },
    /// The metadata of a bundle is not trusted.
    #[error("failed to trust bundle {}", path.display())]
    Carried {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: trust_client::Error,
    },
    /// The server gave no frames.
    #[error("failed to fetch the {image} image")]
    Fetch {
        /// Which.
        image: Image,
        /// Why.
        source: SourceError,
    },
    /// A delta is signed, but cannot be used.
    #[error("failed to use the delta of the {image} image")]
    Delta {
        /// Which.
        image: Image,
        /// Why.
        source: DeltaError,
    },
    /// The table of a delta is longer than its file, or than any table.
    #[error("table of the delta of the {image} image: expected at most {expected} bytes, found {found}")]
    DeltaHeader {
        /// Which image.
        image: Image,
        /// The most.
        expected: u64,
        /// By the manifest.
        found: u64,
    },
    /// The table of a delta is not the one of the manifest.
    #[error("table of the delta of the {image} image has another digest: expected {expected}, found {found}")]
    DeltaDigest {
        /// Which image.
        image: Image,
        /// By the manifest.
        expected: Digest,
        /// Of the bytes.
        found: Digest,
    },
    /// The server's file ended early.
    #[error("frames of the {image} image end early")]
    Short {
        /// Which.
        image: Image,
    },
    /// A frame is not what the index says.
    #[error("failed to use piece {piece} of the {image} image")]
    Frame {
        /// Which image.
        image: Image,
        /// Number of the piece from 0.
        piece: usize,
        /// Why.
        source: FrameError,
    },
    /// A partition cannot be opened for reading and writing past the cache.
    #[error("failed to open the {image} partition of slot {slot}")]
    Open {
        /// Which image.
        image: Image,
        /// Which slot.
        slot: Slot,
        /// Why.
        source: partition_disk::Error,
    },
    /// The device does not read.
    #[error("failed to read piece {piece} of the {image} image")]
    Read {
        /// Which image.
        image: Image,
        /// Number of the piece from 0.
        piece: usize,
        /// Why.
        source: io::Error,
    },
    /// The device does not write.
    #[error("failed to write piece {piece} of the {image} image")]
    Write {
        /// Which image.
        image: Image,
        /// Number of the piece from 0.
        piece: usize,
        /// Why.
        source: io::Error,
    },
    /// The state folder cannot take a record.
    #[error("failed to write records to {}", path.display())]
    Record {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The device does not flush.
    #[error("failed to flush the {image} image")]
    Flush {
        /// Which image.
        image: Image,
        /// Why.
        source: io::Error,
    },
    /// The device gave back other bytes than were written, or something changed them since.
    #[error(
        "failed to verify slot {slot} {image}: digest differs at piece {piece} (byte {offset}): expected {expected}, found {found}"
    )]
    Differs {
        /// Which slot.
        slot: Slot,
        /// Which image.
        image: Image,
        /// Number of the piece from 0.
        piece: usize,
        /// Where it starts in the image.
        offset: u64,
        /// From the index.
        expected: Digest,
        /// Of what the device gave.
        found: Digest,
    },
    /// It is the running slot.
    #[error("slot {slot} runs: only the other slot can be armed")]
    Runs {
        /// The slot.
        slot: Slot,
    },
    /// The partitions do not lie where they lay when they were read back.
    #[error("partitions of slot {slot} were moved since they were read back")]
    Moved {
        /// Which slot.
        slot: Slot,
    },
    /// The async runtime would not start.
    #[error("failed to start the network runtime")]
    Runtime(#[source] io::Error),
    /// A thread panicked or ended without its work.
    #[error("this is a bug in updog: a worker thread stopped early")]
    Thread,
}

impl Error {
    /// The code that the process ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Error::Interrupted | Error::Short { .. } => Exit::Transient,
            Error::Fetch { source, .. } => match source {
                SourceError::Transient(_) | SourceError::Interrupted | SourceError::NoRanges => {
                    Exit::Transient
                }
                SourceError::Refused(_) => Exit::Untrusted,
            },
            // What is missing in a bundle does not come with time.
            Error::Carried { source, .. } if source.classify() == Class::Transient => Exit::Untrusted,
            Error::Setup(source)
            | Error::Post(source)
            | Error::Refresh(source)
            | Error::Carried { source, .. }
            | Error::Target { source, .. } => trust_exit(source),
            Error::BundleForm { source, .. } if !matches!(source, BundleError::Io(_)) => Exit::Untrusted,
            Error::Manifest(_)
            | Error::Index { .. }
            | Error::FramesLength { .. }
            | Error::Frame { .. }
            | Error::Delta { .. }
            | Error::DeltaHeader { .. }
            | Error::DeltaDigest { .. } => Exit::Untrusted,
            // Mounted or mapped: somebody uses the slot, so it is no slot to write to.
            Error::Open { source: partition_disk::Error::PartitionInUse { .. }, .. }
            | Error::Moved { .. }
            | Error::Runs { .. } => Exit::Blocked,
            Error::Open { .. }
            | Error::Read { .. }
            | Error::Write { .. }
            | Error::Flush { .. }
            | Error::Record { .. }
            | Error::Differs { .. } => Exit::Disk,
            Error::ReadRoot { .. } | Error::Bundle { .. } | Error::BundleForm { .. } => Exit::Usage,
            Error::Runtime(_) | Error::Thread => Exit::Bug,
        }
    }

    /// Whether what came of a delta is the matter, so that full frames may help. A download that stalls or breaks off counts: where it is
    /// the network, they say so as well; where it is one file on one mirror, every later run would end there too.
    pub(super) fn is_about_a_delta(&self) -> bool {
        match self {
            Error::Frame { .. } | Error::Short { .. } => true,
            Error::Fetch { source, .. } => !matches!(source, SourceError::Interrupted),
            _ => false,
        }
    }

    /// The word of the rule that decided, where there is one.
    pub fn reason(&self) -> Option<Reason> {
        if self.expired().is_some_and(|(expires, now)| now.signed_duration_since(expires) > LONG_EXPIRED) {
            return Some(Reason::Clock);
        }
        (self.exit() == Exit::Untrusted).then_some(Reason::Untrusted)
    }

    /// When the metadata expired and the time it was measured against, if that is what stopped the run.
    fn expired(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let (Error::Refresh(source) | Error::Carried { source, .. } | Error::Target { source, .. }) = self
        else {
            return None;
        };
        match source {
            trust_client::Error::Trust(trust_core::Error::Expired { expires, now, .. }) => {
                Some((*expires, *now))
            }
            _ => None,
        }
    }

    /// When the answer changes by itself.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        None
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        if let Some((_, now)) = self.expired() {
            let now = updater_core::seconds(now);
            let cure = match self {
                Error::Carried { .. } => "bring a newer bundle",
                _ => "the publisher must refresh",
            };
            return Some(format!("check that this host's clock is right ({now}); if it is, {cure}"));
        }
        if let Error::Refresh(source) | Error::Target { source, .. } = self
            && let Some(hint) = source.hint()
        {
            return Some(hint.to_owned());
        }
        let hint = match self {
            Error::Differs { .. } => {
                "run \"updog stage\" to repair the slot; if it comes back, replace the disk"
            }
            Error::BundleForm { source: BundleError::Short { .. }, .. } => {
                "copy the bundle again: this copy was cut off"
            }
            Error::BundleForm { .. } => "copy the bundle again, or make it anew with \"updog-repo bundle\"",
            Error::Carried {
                source: trust_client::Error::Trust(trust_core::Error::Rollback { .. }), ..
            } => "this host has seen a newer one: bring a bundle that is newer than that",
            Error::Moved { .. } => "run \"updog stage\" again",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn trust_exit(error: &trust_client::Error) -> Exit {
    match error.classify() {
        Class::Transient => Exit::Transient,
        Class::Untrusted => Exit::Untrusted,
        Class::Bug => Exit::Bug,
        // The trust store lies on a disk; everything else that is broken on this host is a setting.
        Class::Broken => match error {
            trust_client::Error::OpenStore { .. }
            | trust_client::Error::Keep { .. }
            | trust_client::Error::Forget { .. } => Exit::Disk,
            _ => Exit::Usage,
        },
    }
}

/// No repository is left alone for so long after it expired; a clock that is so far ahead is more likely.
const LONG_EXPIRED: TimeDelta = TimeDelta::days(90);
