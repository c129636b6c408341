//! The verbs that need no network, run as the program on disk image files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod aliases;
mod config;
mod exit_codes;
mod host;
mod hostile;
mod intent;
mod locks;
mod online;
mod p8;
mod route;
mod seeds;
