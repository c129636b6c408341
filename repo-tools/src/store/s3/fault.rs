//! What a bucket's failure means to the one who publishes: one line, and whether to try again.

use std::error::Error;
use std::fmt;
use std::io;

use object_store::client::{HttpError, HttpErrorKind};
use trust_client::Location;

use crate::worker::Panicked;

/// Why a store failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kind.
    pub kind: FaultKind,
    reason: String,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// These credentials may not.
    Denied,
    /// There are no credentials.
    Credentials,
    /// There is no such bucket.
    NoBucket,
    /// The bucket is in another region.
    Region,
    /// The settings do not fit together.
    Settings,
    /// The server cannot do what a publish needs.
    Unsupported,
    /// The server failed.
    Server,
    /// No connection, or one that broke.
    Unreachable,
    /// No answer in time.
    Slow,
    /// A panic on the way there.
    Bug,
}

impl Fault {
    /// The library keeps the type of a refused request to itself, so a refusal is read from its words; the tests with a
    /// server of the protocol hold them.
    pub(crate) fn of(error: &object_store::Error) -> Self {
        if let object_store::Error::NotImplemented { operation, .. } = error {
            return Self::new(FaultKind::Unsupported, operation);
        }
        if let Some(panicked) = chain(error).find_map(|error| error.downcast_ref::<Panicked>()) {
            return Self::new(FaultKind::Bug, &panicked.to_string());
        }
        let words = error.to_string();
        if ["/latest/meta-data", "/latest/api/token"].iter().any(|path| words.contains(path)) {
            return Self::new(FaultKind::Credentials, "no credentials are set, and this machine has no role");
        }
        if let Some(error) = chain(error).find_map(|error| error.downcast_ref::<HttpError>()) {
            return match error.kind() {
                HttpErrorKind::Timeout => Self::new(FaultKind::Slow, "the server did not answer in time"),
                HttpErrorKind::Connect => Self::new(FaultKind::Unreachable, "no connection to the server"),
                _ => Self::new(FaultKind::Unreachable, "the connection broke"),
            };
        }
        if words.contains("Received redirect without LOCATION") {
            return Self::new(FaultKind::Region, "the bucket is in another region");
        }
        if let Some((_, answer)) = words.split_once("non-2xx status code: ") {
            return Self::of_answer(answer);
        }
        if let Some((_, body)) = words.split_once("Server returned error response: ") {
            let code = element(body, "Code").unwrap_or("an error");
            return Self::new(FaultKind::Server, &format!("the server answers {code}"));
        }
        Self::new(FaultKind::Server, &last_line(error))
    }

    /// `403 Forbidden: <?xml …`
    fn of_answer(answer: &str) -> Self {
        let status = answer.split(' ').next().unwrap_or_default();
        let (code, message) = (element(answer, "Code"), element(answer, "Message"));
        let kind = match (status.parse::<u16>().unwrap_or(0), code) {
            (300..400, _)
            | (400, Some("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException")) => {
                FaultKind::Region
            }
            (401 | 403, _) => FaultKind::Denied,
            (404, Some("NoSuchBucket") | None) => FaultKind::NoBucket,
            (501, _) => FaultKind::Unsupported,
            (408 | 429 | 500.., _) => FaultKind::Server,
            _ => FaultKind::Settings,
        };
        if kind == FaultKind::Region && code.is_none() {
            return Self::new(kind, "the bucket is in another region");
        }
        let words: Vec<&str> = [Some(status), code].into_iter().flatten().collect();
        let message = message.map(|message| format!(": {}", first_line(message))).unwrap_or_default();
        Self::new(kind, &format!("the server answers {}{message}", words.join(" ")))
    }

    pub(crate) fn in_settings(reason: &str) -> Self {
        Self::new(FaultKind::Settings, reason)
    }

    pub(super) fn of_settings(error: &object_store::Error) -> Self {
        Self::new(FaultKind::Settings, &last_line(error))
    }

    pub(super) fn of_machine(error: &io::Error) -> Self {
        Self::new(FaultKind::Unreachable, &format!("no thread for the network: {error}"))
    }

    pub(super) fn no_tag() -> Self {
        Self::new(
            FaultKind::Unsupported,
            "the server gives no ETag, without which two publishers cannot be kept apart",
        )
    }

    fn new(kind: FaultKind, reason: &str) -> Self {
        // The server's and the library's words may have the endpoint in them, and that a password.
        Self { kind, reason: Location::cleaned(reason) }
    }
}

impl FaultKind {
    /// Whether the same command may succeed later.
    pub fn is_transient(self) -> bool {
        match self {
            Self::Server | Self::Unreachable | Self::Slow => true,
            Self::Denied
            | Self::Credentials
            | Self::NoBucket
            | Self::Region
            | Self::Settings
            | Self::Unsupported
            | Self::Bug => false,
        }
    }

    /// What the user can do.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Denied => {
                "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy: list and get to read, put and delete to publish and prune; without list, what is not there is 403, too"
            }
            Self::Credentials => "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            Self::NoBucket => "make the bucket first, or check its name and AWS_ENDPOINT_URL",
            Self::Region => "set AWS_REGION to the bucket's region",
            Self::Settings => "check the AWS_ variables",
            Self::Bug => "report it, with what is printed above and the AWS_ variables that are no secret",
            Self::Unsupported => "the server must know conditional writes (If-Match, If-None-Match)",
            Self::Server | Self::Slow => "run the same command again: it goes on from what is there",
            Self::Unreachable => "check AWS_ENDPOINT_URL and the network, then run the same command again",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

fn chain(error: &object_store::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |error| Error::source(*error))
}

fn last_line(error: &object_store::Error) -> String {
    chain(error).last().map(|error| first_line(&error.to_string()).to_owned()).unwrap_or_default()
}

/// The text of an element in the small XML of an error.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once("</")?;
    (!text.is_empty()).then_some(text)
}

/// One line of it, and not an endless one.
fn first_line(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.char_indices().nth(200).map_or(line, |(end, _)| line.get(..end).unwrap_or(line))
}
