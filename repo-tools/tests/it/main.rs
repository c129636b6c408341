//! What updog-repo promises, from keys to validate.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod cli;
mod common;
mod cut;
mod doctor;
mod dry_run;
mod expirations;
mod intent;
mod interop;
mod keys;
mod locked;
mod page;
mod pictures;
mod refresh;
mod release;
mod rotation;
mod signing;
mod simulate;
mod units;
mod validate;
