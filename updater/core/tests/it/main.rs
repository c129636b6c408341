//! What updater-core promises, one file a promise.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cause;
mod excerpt;
mod exit_codes;
mod explain;
mod health;
mod likeness;
mod next_step;
mod offer;
mod permits;
mod plan;
mod reasons;
mod records;
mod reports;
mod settle;
mod status;
mod world;
