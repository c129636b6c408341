//! What every verb is given: settings, state, machine, time, and who listens.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use partition_core::{Slot, Standing};
use partition_disk::{Access, Disk};
use trust_client::Store;
use updater_core::{Host, Policy, Still};

use crate::config::Settings;
use crate::interrupt::Interrupt;
use crate::machine::{Machine, OsRelease};
use crate::options::Options;
use crate::report::{Event, Reporter};
use crate::state::{State, file};
use crate::uptime::uptime;
use crate::{Error, Result};

/// The edges of one run. Nothing here is opened before a verb asks for it, so that a verb needs no more than it uses.
#[derive(Debug)]
pub struct Context<'a> {
    /// What the configuration means.
    pub config: Settings,
    /// The state folder.
    pub state: State,
    /// The disk, the slot that runs, the boot, the release that runs.
    pub machine: Machine,
    /// The host's clock, read once a run, or `--clock`. Trust applies its floor on top (design §7).
    pub now: DateTime<Utc>,
    /// How long the host was up then.
    pub began: Duration,
    /// Who is told about progress.
    pub reporter: &'a dyn Reporter,
    /// Raised by SIGINT and SIGTERM; long work asks it between pieces.
    pub interrupt: Interrupt,
}

impl Context<'_> {
    /// The disk: `--disk`, or the one the running slot lies on.
    pub fn disk(&self, access: Access) -> Result<Disk> {
        self.machine.open(access)
    }

    /// The slot that runs; writing verbs refuse when it is not known (design §4).
    pub fn running(&self) -> Result<Slot> {
        self.machine.running()
    }

    /// Whether the running slot was confirmed in this boot.
    pub fn standing(&self) -> Standing {
        self.machine.standing()
    }

    /// What this host is, for choosing a release. Makes the seed when there is none yet.
    pub fn host(&self) -> Result<Host> {
        let os = self.machine.os_release(self.config.os_release.as_deref())?;
        let (variant, arch) = self.names(&os);
        Ok(Host {
            variant: variant.ok_or(Error::Unnamed { what: "variant" })?,
            arch,
            version: os.version.ok_or(Error::Unnamed { what: "version" })?,
            seed: self.state.seed(self.config.seed)?,
        })
    }

    /// Variant and architecture, as releases for this host name them.
    pub(crate) fn names(&self, os: &OsRelease) -> (Option<String>, String) {
        let variant = self.config.variant.as_ref().or(os.variant.as_ref());
        (variant.cloned(), self.config.arch.clone().unwrap_or_else(|| std::env::consts::ARCH.to_owned()))
    }

    /// What is wanted: the configuration and, over it, the command line.
    pub fn policy(&self, options: &Options) -> Policy {
        Policy {
            mode: self.config.mode,
            version_lock: self.config.version_lock.clone(),
            to: options.to.clone(),
            ignore_waves: self.config.ignore_waves || options.ignore_waves,
            retry: options.retry,
            reinstall: options.reinstall,
            allow_downgrade: self.config.allow_downgrade || options.allow_downgrade,
            soak: self.config.soak,
            windows: self.config.windows.clone(),
            strategy: self.config.reboot.strategy,
            tries: self.config.tries,
        }
    }

    /// What the last look is held against: the host may have restarted since, left a release, or been told otherwise.
    pub(crate) fn still(&self) -> Still {
        let os = self.machine.os_release(self.config.os_release.as_deref()).unwrap_or_default();
        Still { running: os.version, policy: self.policy(&Options::default()), failed: self.state.failed() }
    }

    /// The clock of now: long work takes time, and a host may be suspended meanwhile; a window may close.
    pub fn clock(&self) -> DateTime<Utc> {
        let took = TimeDelta::from_std(uptime().saturating_sub(self.began)).unwrap_or_default();
        self.now.checked_add_signed(took).unwrap_or(self.now)
    }

    /// When to ask somebody again who holds the restart up.
    pub(crate) fn again(&self) -> DateTime<Utc> {
        updater_core::again(&self.config.windows, self.clock())
    }

    /// No time is earlier: when the running image was built, or what was signed last. What cannot be read says nothing.
    pub(crate) fn floor(&self) -> DateTime<Utc> {
        let signed_at = || {
            let trust = self.state.dir().join("trust");
            // Opening it would make it.
            let store = trust.is_dir().then(|| Store::open(trust).ok())??;
            store.signed_at(&file::whole(&self.config.root, file::TEXT).ok()?)
        };
        trust_core::floor(self.config.build_time.unwrap_or(DateTime::UNIX_EPOCH), signed_at())
    }

    /// A warning or a fact worth a line.
    pub fn note(&self, message: impl Into<String>) {
        self.reporter.event(&Event::Note { message: message.into() });
    }
}
