//! What can go wrong between this host and etcd.

use updater_core::Exit;

/// etcd could not be asked, or has refused. No text has a secret in it: endpoints have no credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The certificates, or the client itself.
    #[error("failed to set up the client of etcd: {detail}")]
    Setup {
        /// What was tried and why it failed.
        detail: String,
    },
    /// No member has given an answer that can be used.
    #[error("failed to {call}: {}", tried.join("; "))]
    NoAnswer {
        /// What was asked for.
        call: &'static str,
        /// Each endpoint and what came of it.
        tried: Vec<String>,
    },
    /// The quota of the cluster's store is used up.
    #[error("failed to {call}: etcd at {endpoint} is full: {said}")]
    Full {
        /// What was asked for.
        call: &'static str,
        /// Who said so.
        endpoint: String,
        /// In its words.
        said: String,
    },
    /// The cluster does not want this host.
    #[error("failed to {call}: etcd at {endpoint} does not allow it: {said}")]
    Denied {
        /// What was asked for.
        call: &'static str,
        /// Who said so.
        endpoint: String,
        /// In its words.
        said: String,
    },
    /// SIGINT or SIGTERM came.
    #[error("interrupted; run again to go on")]
    Interrupted,
}

impl Error {
    /// The code that the process ends with.
    pub fn exit(&self) -> Exit {
        match self {
            Error::Setup { .. } | Error::Denied { .. } => Exit::Usage,
            Error::NoAnswer { .. } | Error::Full { .. } | Error::Interrupted => Exit::Transient,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::NoAnswer { .. } => Some("what is armed stays armed"),
            Error::Full { .. } => {
                Some("compact and defragment etcd, then clear its alarm: etcdctl alarm disarm")
            }
            Error::Denied { .. } => {
                Some("this host needs to read and write the keys below reboot.prefix, and leases")
            }
            Error::Setup { .. } | Error::Interrupted => None,
        }
    }
}
