//! What was typed.

pub mod bottlerocket;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use partition_core::Slot;

use crate::Options;
use crate::config::Strictness;

/// Atomic A/B updates: writes a release to the slot that does not run, and lets a restart try it.
#[derive(Clone, Debug, Parser)]
#[command(name = "updog", version, disable_help_subcommand = false, after_help = EXIT_CODES)]
pub struct Cli {
    /// Options of all verbs.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options of all verbs.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Read this configuration instead of the standard files
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    pub config: Option<PathBuf>,
    /// Work on this disk or disk image instead of the running one
    #[arg(long, global = true, value_name = "DEV|FILE", help_heading = GLOBAL)]
    pub disk: Option<PathBuf>,
    /// Keep state in this folder [default: /var/lib/updog]
    #[arg(long, global = true, value_name = "DIR", help_heading = GLOBAL)]
    pub state: Option<PathBuf>,
    /// Which slot of a disk image counts as running
    #[arg(long, global = true, value_name = "A|B", help_heading = GLOBAL)]
    pub booted: Option<Slot>,
    /// Which boot of a disk image this is
    #[arg(long, global = true, value_name = "ID", help_heading = GLOBAL)]
    pub boot_id: Option<String>,
    /// Read variant and version of the running release from this file
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    pub os_release: Option<PathBuf>,
    /// Look for /proc, /sys, /dev, /run and /usr/bin of the running system below this folder
    #[arg(long, global = true, hide = true, value_name = "DIR", help_heading = GLOBAL)]
    pub sysroot: Option<PathBuf>,
    /// Take this for the host's clock
    #[arg(long, global = true, value_name = "RFC3339", value_parser = values::time, help_heading = GLOBAL)]
    pub clock: Option<DateTime<Utc>>,
    /// Answer with one JSON object; progress as JSON lines on stderr
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub json: bool,
    /// Log more; twice: everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = GLOBAL)]
    pub verbose: u8,
}

/// The verbs, in the order of an update; Bottlerocket's names after them.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Say which release this host may have now, or why none
    Check(Check),
    /// Print what stage would do, with no choice left open
    Plan(Update),
    /// Write the release to the other slot and read it back
    Stage(Update),
    /// Stage, then arm
    Apply(Apply),
    /// Make the staged release boot next
    Arm(Restart),
    /// Undo arm or rollback before the restart
    Cancel,
    /// Say that the running slot is healthy
    Confirm,
    /// Run the health checks: confirm when all pass, else say what failed
    Health(Restart),
    /// Say and record what became of the last boot
    Report,
    /// Take what is open for this host now; for a timer
    Auto(Auto),
    /// Take such turns by itself, and answer on a socket
    Serve,
    /// Follow what the daemon does, as it happens
    Watch,
    /// Restart this host; hooks are asked when another slot boots next
    #[command(hide = true)]
    Restart,
    /// Make the other slot boot next
    Rollback(Restart),
    /// Read a slot back and compare it with its indexes
    Verify(Verify),
    /// Show slots, what boots next, and what became of the last update
    Status,
    /// Show what happened to this host
    History,
    /// Show the configuration
    Config {
        /// What of it.
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// Give a permit to restart back; what confirm and cancel start beside themselves
    #[command(hide = true)]
    ReturnPermit {
        /// The lease that keeps it.
        lease: i64,
    },
    /// Bottlerocket's names.
    #[command(flatten)]
    Bottlerocket(bottlerocket::Verb),
}

/// Verbs of `config`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigVerb {
    /// Print each value with where it came from
    Show,
}

/// Options of `check`.
#[derive(Args, Clone, Debug)]
pub struct Check {
    /// Which release is wanted.
    #[command(flatten)]
    pub update: Update,
    /// For every release, say which rule decided
    #[arg(long)]
    pub explain: bool,
    /// List every release that is open, newest first
    #[arg(long)]
    pub all: bool,
}

/// Options that choose a release.
#[derive(Args, Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one option, as typed")]
pub struct Update {
    /// This version and no other
    #[arg(long, value_name = "VERSION")]
    pub to: Option<semver::Version>,
    /// Only when this version is what is open by all rules
    #[arg(long, hide = true, value_name = "VERSION", conflicts_with = "to")]
    pub expect: Option<semver::Version>,
    /// Keep no record of the look
    #[arg(long, hide = true)]
    pub aside: bool,
    /// Do not wait for this host's turn in the rollout
    #[arg(long)]
    pub ignore_waves: bool,
    /// Also a release that failed on this host before
    #[arg(long)]
    pub retry: bool,
    /// Also the running version
    #[arg(long)]
    pub reinstall: bool,
    /// Also a lower version, when it is named or the running one was called back
    #[arg(long)]
    pub allow_downgrade: bool,
    /// Take the repository from this bundle, or folder with metadata/ and targets/, instead of the network
    #[arg(long, value_name = "FILE|DIR")]
    pub bundle: Option<PathBuf>,
    /// Fetch at most this many bytes a second (500K, 2M)
    #[arg(long, value_name = "RATE", value_parser = crate::config::parse_rate)]
    pub limit_rate: Option<std::num::NonZeroU64>,
}

/// Options of `apply`.
#[derive(Args, Clone, Debug)]
pub struct Apply {
    /// Which release is wanted.
    #[command(flatten)]
    pub update: Update,
    /// And then.
    #[command(flatten)]
    pub restart: Restart,
}

/// Whether to restart.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Restart {
    /// Restart the machine afterwards
    #[arg(short, long)]
    pub reboot: bool,
}

/// Options of `auto`.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Auto {
    /// And then.
    #[command(flatten)]
    pub restart: Restart,
    /// Begin at any time within the configured jitter, so that hosts with one timer do not come at once
    #[arg(long)]
    pub jitter: bool,
}

/// Options of `verify`.
#[derive(Args, Clone, Copy, Debug)]
pub struct Verify {
    /// Which slot [default: the one that does not run]
    #[arg(long, value_name = "A|B")]
    pub slot: Option<Slot>,
}

impl Verb {
    /// Its name, as typed.
    pub fn name(&self) -> &'static str {
        match self {
            Verb::Check(_) => "check",
            Verb::Plan(_) => "plan",
            Verb::Stage(_) => "stage",
            Verb::Apply(_) => "apply",
            Verb::Arm(_) => "arm",
            Verb::Cancel => "cancel",
            Verb::Confirm => "confirm",
            Verb::Health(_) => "health",
            Verb::Report => "report",
            Verb::Auto(_) => "auto",
            Verb::Serve => "serve",
            Verb::Watch => "watch",
            Verb::Restart => "restart",
            Verb::Rollback(_) => "rollback",
            Verb::Verify(_) => "verify",
            Verb::Status => "status",
            Verb::History => "history",
            Verb::Config { .. } => "config show",
            Verb::ReturnPermit { .. } => "return-permit",
            Verb::Bottlerocket(verb) => verb.name(),
        }
    }

    /// Whether it changes or looks, so that others are told of it (docs/seen.md).
    pub fn is_seen(&self) -> bool {
        match self {
            Verb::Check(_)
            | Verb::Stage(_)
            | Verb::Apply(_)
            | Verb::Arm(_)
            | Verb::Cancel
            | Verb::Confirm
            | Verb::Health(_)
            | Verb::Report
            | Verb::Auto(_)
            | Verb::Rollback(_) => true,
            Verb::Bottlerocket(verb) => !matches!(verb, bottlerocket::Verb::Prepare(_)),
            // The daemon has it done by runs of their own.
            Verb::Plan(_)
            | Verb::Verify(_)
            | Verb::Status
            | Verb::History
            | Verb::Serve
            | Verb::Watch
            | Verb::Restart
            | Verb::ReturnPermit { .. }
            | Verb::Config { .. } => false,
        }
    }

    /// How problems in the configuration are taken: local verbs need none (P8), `arm` and what runs by itself need one that
    /// can be read, though a later version may have written it.
    pub fn strictness(&self) -> Strictness {
        match self {
            Verb::Status
            | Verb::Confirm
            | Verb::Health(_)
            | Verb::Report
            | Verb::Cancel
            | Verb::Rollback(_)
            | Verb::History
            | Verb::Restart
            | Verb::ReturnPermit { .. }
            | Verb::Watch
            | Verb::Config { .. }
            | Verb::Bottlerocket(bottlerocket::Verb::UpdateRevert(_)) => Strictness::Lenient,
            Verb::Arm(_)
            | Verb::Auto(_)
            | Verb::Serve
            | Verb::Bottlerocket(bottlerocket::Verb::UpdateApply(_)) => Strictness::Known,
            Verb::Check(_)
            | Verb::Plan(_)
            | Verb::Stage(_)
            | Verb::Apply(_)
            | Verb::Verify(_)
            | Verb::Bottlerocket(_) => Strictness::Strict,
        }
    }
}

impl Global {
    /// As they would be typed for another run on the same host, output aside.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut typed = Vec::new();
        let mut option = |name: &str, value: Option<OsString>| {
            if let Some(value) = value {
                typed.extend([OsString::from(name), value]);
            }
        };
        let path = |path: &Option<PathBuf>| path.clone().map(PathBuf::into_os_string);
        option("--config", path(&self.config));
        option("--disk", path(&self.disk));
        option("--state", path(&self.state));
        option("--booted", self.booted.map(|slot| slot.to_string().into()));
        option("--boot-id", self.boot_id.clone().map(OsString::from));
        option("--os-release", path(&self.os_release));
        option("--sysroot", path(&self.sysroot));
        option("--clock", self.clock.map(|at| at.to_rfc3339().into()));
        typed
    }
}

impl From<Update> for Options {
    fn from(typed: Update) -> Options {
        Options {
            to: typed.to,
            ignore_waves: typed.ignore_waves,
            retry: typed.retry,
            reinstall: typed.reinstall,
            allow_downgrade: typed.allow_downgrade,
            expect: typed.expect,
            aside: typed.aside,
            bundle: typed.bundle,
            limit_rate: typed.limit_rate,
            whole: false,
        }
    }
}

const GLOBAL: &str = "Global options";

const EXIT_CODES: &str = "Exit codes: 0 done (check: an update is open), 1 bug, 2 usage or configuration, 10 nothing to do,
11 must wait, 12 attention (health: a check failed), 20 transient, 30 untrusted, 40 disk, 50 blocked.
Bottlerocket's names: check-update, whats, update, update-image, update-apply, update-revert, prepare; exit codes 0 and 1.";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }

    #[test]
    fn global_options_are_handed_on_whole() {
        let typed = "updog --config c --disk d --state s --booted B --boot-id i --os-release o --sysroot r --clock 2026-01-02T03:04:05Z";
        let global = |text: &str| super::Cli::parse_from(format!("{text} status").split(' ')).global;
        let handed: Vec<String> =
            global(typed).arguments().into_iter().map(|word| word.into_string().unwrap()).collect();
        let again = global(&format!("updog {}", handed.join(" ")));
        assert_eq!(format!("{again:?}"), format!("{:?}", global(typed)));
        assert_eq!(handed.len(), 16);
        assert!(global("updog").arguments().is_empty());
    }
}
