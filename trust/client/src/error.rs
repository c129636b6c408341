//! What can go wrong between a mirror, the store and the rules.

use std::path::PathBuf;
use std::time::Duration;

use trust_core::Class;
use url::Url;

use crate::location::Location;

/// Why something could not be fetched, trusted or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The HTTP client cannot be made from these settings.
    #[error("failed to set up HTTP")]
    Setup {
        /// What the HTTP client said.
        source: reqwest::Error,
    },
    /// The CA bundle cannot be read.
    #[error("failed to read CA bundle {}", path.display())]
    ReadCaBundle {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The CA bundle holds no certificates.
    #[error("failed to use CA bundle {}: expected PEM certificates", path.display())]
    BadCaBundle {
        /// The file.
        path: PathBuf,
    },
    /// The proxy is not a URL.
    #[error("failed to use proxy {proxy:?}")]
    BadProxy {
        /// The setting, without credentials.
        proxy: String,
        /// What the HTTP client said.
        source: reqwest::Error,
    },
    /// A mirror's URL cannot have files below it.
    #[error("failed to use {url:?} as a mirror: expected an http or https URL")]
    BadMirror {
        /// The setting.
        url: Location,
    },
    /// No connection, or it ended before an answer.
    #[error("failed to request {url}")]
    Connect {
        /// The URL.
        url: String,
        /// What the HTTP client said.
        source: reqwest::Error,
    },
    /// More redirects than are followed.
    #[error("failed to follow redirect of {url}")]
    Redirect {
        /// The URL.
        url: String,
        /// What the HTTP client said.
        source: reqwest::Error,
    },
    /// A redirect to where no repository is: out of http and https, or down from https to http.
    #[error("refused redirect of {url}: expected {expected}, found {found}")]
    RedirectAway {
        /// The URL that was asked for.
        url: String,
        /// Where it may lead.
        expected: &'static str,
        /// Where it leads.
        found: String,
    },
    /// The body ended early, again and again.
    #[error("connection cut while receiving {url} at byte {at}")]
    Cut {
        /// The URL.
        url: String,
        /// Bytes received before the last cut.
        at: u64,
    },
    /// Nothing, or next to nothing, came for too long.
    #[error("transfer of {url} stalled at byte {at} for {} s", stall.as_secs_f32())]
    Stalled {
        /// The URL.
        url: String,
        /// Bytes received.
        at: u64,
        /// The limit.
        stall: Duration,
    },
    /// The server is busy or failing: 408, 429, 5xx.
    #[error("server is busy: {url} answered {status}{}", after(*retry_after))]
    Busy {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// When the server says to come back.
        retry_after: Option<Duration>,
    },
    /// The server serves this to others, or to nobody: 401, 403, 407.
    #[error("failed to request {url}: the server answers {status}")]
    Denied {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// An answer that makes no sense here.
    #[error("failed to request {url}: expected 200, found {status}")]
    Status {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// A file that the metadata lists is not on the mirror.
    #[error("failed to find {url}")]
    NotFound {
        /// The URL.
        url: String,
    },
    /// More bytes than allowed; reading stopped there.
    #[error("failed to accept {url}: expected at most {limit} bytes, found more")]
    TooLong {
        /// The URL.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The server names another length than signed for.
    #[error("failed to accept {url}: expected {expected} bytes, found {found}")]
    WrongLength {
        /// The URL.
        url: String,
        /// The signed length.
        expected: u64,
        /// The length the server names, or sent before a clean end.
        found: u64,
    },
    /// The server does not serve ranges, or lies about them: take the file whole.
    #[error("failed to request a range of {url}: expected {expected}, found {found}")]
    NoRanges {
        /// The URL.
        url: String,
        /// The answer that would count.
        expected: String,
        /// The answer that came.
        found: String,
    },
    /// A whole answer that is no metadata of any kind, such as a page that says in HTML that there is no such file.
    #[error("failed to accept {url}: expected metadata in JSON, found {found}")]
    NotMetadata {
        /// The URL.
        url: String,
        /// What came.
        found: &'static str,
    },
    /// A whole answer, or a part, that is compressed otherwise than asked.
    #[error("failed to accept {url}: expected content coding {expected}, found {found}")]
    Coding {
        /// The URL.
        url: String,
        /// What would do.
        expected: &'static str,
        /// What the server says.
        found: String,
    },
    /// Bytes that are not what the server says they are.
    #[error("failed to decode {url} from gzip")]
    Damaged {
        /// The URL.
        url: String,
        /// What the decoder said.
        source: std::io::Error,
    },
    /// The rules refuse what came.
    #[error(transparent)]
    Trust(#[from] trust_core::Error),
    /// No trusted role signs for this name.
    #[error("failed to find target {name:?}: no trusted role lists it")]
    NotListed {
        /// The target.
        name: String,
    },
    /// A target longer than the caller takes.
    #[error("failed to fetch target {name:?}: expected at most {limit} bytes, found {length}")]
    TargetTooLong {
        /// The target.
        name: String,
        /// The caller's limit in bytes.
        limit: u64,
        /// The signed length.
        length: u64,
    },
    /// The trust store cannot be opened.
    #[error("failed to open trust store {}", path.display())]
    OpenStore {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A role cannot be kept: a full or unwritable folder. Nothing newer is trusted then.
    #[error("failed to keep {}", path.display())]
    Keep {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A role cannot be removed.
    #[error("failed to forget {}", path.display())]
    Forget {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// What to do about it.
    pub fn classify(&self) -> Class {
        match self {
            Self::Connect { .. }
            | Self::Cut { .. }
            | Self::Stalled { .. }
            | Self::Busy { .. }
            | Self::Denied { .. }
            | Self::Status { .. }
            | Self::Redirect { .. }
            | Self::NoRanges { .. }
            | Self::Coding { .. }
            // A publish may be in progress, or a mirror behind.
            | Self::NotFound { .. } => Class::Transient,
            Self::Setup { .. }
            | Self::ReadCaBundle { .. }
            | Self::BadCaBundle { .. }
            | Self::BadProxy { .. }
            | Self::BadMirror { .. }
            | Self::OpenStore { .. }
            | Self::Keep { .. }
            | Self::Forget { .. } => Class::Broken,
            Self::RedirectAway { .. }
            | Self::TooLong { .. }
            | Self::WrongLength { .. }
            | Self::NotMetadata { .. }
            | Self::Damaged { .. }
            | Self::NotListed { .. }
            | Self::TargetTooLong { .. } => Class::Untrusted,
            Self::Trust(error) => error.classify(),
        }
    }

    /// Whether it says no more of a file that need not be there than that it is not there: object stores answer 403 so to
    /// those who may not list.
    pub fn may_mean_absent(&self) -> bool {
        matches!(self, Self::Denied { status: 403, .. })
    }

    /// What whoever runs the mirror can do, where it is the mirror that must change.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotMetadata { .. } => {
                Some("the mirror must answer 404 or 403 where it has no file, not 200 with a page of its own")
            }
            Self::Coding { .. } => Some("the mirror must send documents by gzip or as they are"),
            _ => None,
        }
    }

    /// Whether another mirror may do better. A broken host or a bug is the same everywhere.
    pub(crate) fn another_mirror_may_help(&self) -> bool {
        matches!(self.classify(), Class::Transient | Class::Untrusted)
    }
}

/// A URL for messages: without credentials and tokens.
pub(crate) fn shown(url: &Url) -> String {
    Location::from(url).to_string()
}

fn after(retry_after: Option<Duration>) -> String {
    retry_after.map(|wait| format!(", try again in {} s", wait.as_secs())).unwrap_or_default()
}
