//! The client workflow against a repository in memory that attacks it.

mod delegations;
mod expiry;
mod finding;
mod host;
mod interruption;
mod properties;
mod rollback;
mod roots;
mod signatures;
