//! What updog-repo promises, from keys to validate.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod cli;
mod common;
mod cut;
mod dry_run;
mod interop;
mod keys;
mod pictures;
mod refresh;
mod release;
mod rotation;
mod signing;
mod validate;
