//! Atomic A/B updates: the host's program.
//!
//! * [`cli`]: what was typed; [`run()`] does it and answers.
//! * [`verbs`]: one file each.
//! * [`gate`]: what the health gate asks; `hooks`, `inhibitors`: who is asked before and after a step; [`execs`]: programs of others.
//! * `permit`: what this host has of its group; `etcd`: where the group keeps it.
//! * [`engine`]: check, plan, stage, verify; the only way to something that can be armed.
//! * [`context`]: the edges that verbs are given; [`config`], [`state`], [`machine`], [`report`], [`interrupt`].
//! * [`serve`]: the daemon and its API.
//! * [`metrics`], [`journal`]: what others may see of it.
//! * [`answer`]: what comes out; [`Error`]: what ends a run early.

pub mod answer;
mod chance;
pub mod cli;
pub mod config;
pub mod context;
pub mod engine;
mod error;
pub mod etcd;
mod evidence;
pub mod execs;
pub mod gate;
mod hooks;
mod inhibitors;
pub mod interrupt;
pub mod journal;
pub mod machine;
pub mod metrics;
pub mod options;
mod permit;
mod reboot;
pub mod report;
mod run;
pub mod serve;
pub mod state;
mod telling;
mod uptime;
pub mod verbs;
mod volatile;

pub use context::Context;
pub use error::{Error, Result};
pub use options::Options;
pub use run::run;
