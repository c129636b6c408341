//! The transport, the store and the refresh against servers that lie, break and dawdle.

mod coded;
mod host;
mod interop;
mod kept;
mod mirrors;
mod ranges;
mod reach;
mod store;
mod store_cut;
mod targets;
mod tls;
