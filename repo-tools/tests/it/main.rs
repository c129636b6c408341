//! What updog-repo promises, from keys to validate.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod ceremony;
mod ceremony_cli;
mod change;
mod cli;
mod clocks;
mod common;
mod copy;
mod cut;
mod cut_store;
mod delegation;
mod delegation_cut;
mod desk;
mod doctor;
mod dry_run;
mod expirations;
mod full_disk;
mod intent;
mod interop;
mod key_files;
mod keys;
mod kms;
mod locked;
mod lost;
mod many;
mod moto;
mod others;
mod overtaken;
mod page;
mod pictures;
mod places;
mod prune;
mod refresh;
mod release;
mod root_chain;
mod rotate;
mod rotation;
mod s3;
mod s3_dry_run;
mod signing;
mod simulate;
mod stores;
mod token;
mod units;
mod validate;
