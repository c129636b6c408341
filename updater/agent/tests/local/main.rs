//! The program, run on disk image files: local verbs without a network, the others over HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod again;
mod aliases;
mod auto;
mod bundle;
mod config;
mod daemon;
mod etcd;
mod evidence;
mod exit_codes;
mod garbage;
mod gate;
mod gate_limits;
mod gate_root;
mod group;
mod group_faults;
mod group_tls;
mod hooks;
mod host;
mod hostile;
mod inhibited;
mod intent;
mod interrupt;
mod journal;
mod killed;
mod locks;
mod metrics;
mod online;
mod p8;
mod report;
mod route;
mod seeds;
mod seen_doc;
mod system;
mod telling;
mod why;
