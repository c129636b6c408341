//! The program, run on disk image files: local verbs without a network, the others over HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod aliases;
mod config;
mod exit_codes;
mod garbage;
mod host;
mod hostile;
mod intent;
mod interrupt;
mod locks;
mod online;
mod p8;
mod route;
mod seeds;
