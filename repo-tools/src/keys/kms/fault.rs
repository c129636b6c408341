//! What a failure of the key service means to the one who signs: one line, and whether to try again.

use std::fmt;

use trust_client::Location;

use crate::request::plain;
use crate::store::{Fault, FaultKind};

/// Why the key service did not sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsFault {
    /// The kind.
    pub kind: KmsFaultKind,
    reason: String,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KmsFaultKind {
    /// These credentials may not, or are not known.
    Denied,
    /// There are no credentials.
    Credentials,
    /// There is no such key.
    NoKey,
    /// The key is switched off, or waits to be deleted.
    Disabled,
    /// The key cannot sign what TUF clients verify.
    OtherKey,
    /// The settings do not fit together.
    Settings,
    /// The answer is not one of AWS KMS.
    Answer,
    /// The service failed, or was asked too often.
    Server,
    /// No connection, or one that broke.
    Unreachable,
    /// No answer in time.
    Slow,
    /// A panic on the way there.
    Bug,
}

impl KmsFault {
    pub(super) fn new(kind: KmsFaultKind, reason: impl Into<String>) -> Self {
        // The words of others may have the endpoint in them, and that a password.
        Self { kind, reason: Location::cleaned(&reason.into()) }
    }

    /// By the status and the words of an answer. Most refusals have status 400 and differ by their name alone.
    pub(super) fn of_answer(status: u16, name: &str, words: &str) -> Self {
        let name = name.rsplit('#').next().unwrap_or_default();
        let kind = match name {
            "DisabledException" | "KMSInvalidStateException" => KmsFaultKind::Disabled,
            "NotFoundException" | "InvalidArnException" | "ValidationException" => KmsFaultKind::NoKey,
            "InvalidKeyUsageException" | "UnsupportedOperationException" => KmsFaultKind::OtherKey,
            "ThrottlingException"
            | "LimitExceededException"
            | "DependencyTimeoutException"
            | "KMSInternalException"
            | "KeyUnavailableException" => KmsFaultKind::Server,
            "AccessDeniedException"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "IncompleteSignatureException"
            | "MissingAuthenticationTokenException"
            | "ExpiredTokenException"
            | "RequestExpired" => KmsFaultKind::Denied,
            _ => match status {
                401 | 403 => KmsFaultKind::Denied,
                404 => KmsFaultKind::NoKey,
                408 | 429 | 500.. => KmsFaultKind::Server,
                _ => KmsFaultKind::Answer,
            },
        };
        let mut reason = format!("AWS KMS answers {status}");
        for (sign, text) in [(" ", name), (": ", words)] {
            let text: String = text.chars().take(LONGEST).collect();
            let text = plain(text.trim().trim_end_matches('.'));
            if !text.is_empty() {
                reason.push_str(sign);
                reason.push_str(&text);
            }
        }
        Self { kind, reason }
    }

    /// Of the way to the service.
    pub(super) fn of_transport(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::new(KmsFaultKind::Slow, "AWS KMS did not answer in time");
        }
        if error.is_connect() {
            return Self::new(KmsFaultKind::Unreachable, "no connection to AWS KMS");
        }
        Self::new(KmsFaultKind::Unreachable, "the connection to AWS KMS broke")
    }

    /// Of whoever gives credentials.
    pub(super) fn of_credentials(error: &object_store::Error) -> Self {
        let fault = Fault::of(error);
        let kind = match fault.kind {
            FaultKind::Denied => KmsFaultKind::Denied,
            FaultKind::Server => KmsFaultKind::Server,
            FaultKind::Unreachable => KmsFaultKind::Unreachable,
            FaultKind::Slow => KmsFaultKind::Slow,
            FaultKind::Settings => KmsFaultKind::Settings,
            FaultKind::Bug => KmsFaultKind::Bug,
            FaultKind::Credentials | FaultKind::NoBucket | FaultKind::Region | FaultKind::Unsupported => {
                KmsFaultKind::Credentials
            }
        };
        Self::new(kind, format!("failed to get credentials: {fault}"))
    }
}

impl KmsFaultKind {
    /// Whether the same command may succeed later.
    pub fn is_transient(self) -> bool {
        match self {
            Self::Server | Self::Unreachable | Self::Slow => true,
            Self::Denied
            | Self::Credentials
            | Self::NoKey
            | Self::Disabled
            | Self::OtherKey
            | Self::Settings
            | Self::Answer
            | Self::Bug => false,
        }
    }

    /// What the user can do.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Denied => {
                "check the AWS_ variables and this machine's clock; kms:GetPublicKey and kms:Sign must be allowed"
            }
            Self::Credentials => "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            Self::NoKey => "check the key's id or alias, and its region",
            Self::Disabled => "\"aws kms enable-key\" or \"aws kms cancel-key-deletion\" brings it back",
            Self::OtherKey => {
                "make a key with usage SIGN_VERIFY and spec RSA_2048, RSA_3072, RSA_4096 or ECC_NIST_P256"
            }
            Self::Settings => {
                "aws-kms:///KEY?region=REGION, or AWS_REGION; a server by AWS_ENDPOINT_URL_KMS=https://…"
            }
            Self::Answer => {
                "check AWS_ENDPOINT_URL_KMS and AWS_ENDPOINT_URL: is it AWS KMS that answers there?"
            }
            Self::Bug => "report it, with what is printed above and the AWS_ variables that are no secret",
            Self::Server | Self::Slow => "run the same command again",
            Self::Unreachable => {
                "check AWS_ENDPOINT_URL_KMS and the network, then run the same command again"
            }
        }
    }
}

impl fmt::Display for KmsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// Letters of a foreign text that are shown.
const LONGEST: usize = 300;
