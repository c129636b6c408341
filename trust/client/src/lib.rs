//! HTTP transport, trust store, mirrors and retries.
//!
//! [`refresh()`] drives a [`trust_core::Session`] over a [`Transport`] and keeps what it trusts in a [`Store`]; the
//! [`Trusted`] it returns leads to the targets. Servers are dumb: any static file host will do.

mod body;
mod coding;
mod config;
mod error;
mod files;
mod headers;
mod location;
mod mirrors;
mod pace;
mod patience;
mod redirect;
mod refresh;
mod store;
mod transport;
mod watch;

pub use body::RangeBody;
pub use config::TransportConfig;
pub use error::Error;
pub use files::{Files, NewFile};
pub use location::Location;
pub use mirrors::{Mirror, Mirrors};
pub use refresh::{Trusted, refresh};
pub use store::Store;
pub use transport::{Transport, install_provider};
pub use trust_core::{Class, Expiry, Freshness, Role, Target};
