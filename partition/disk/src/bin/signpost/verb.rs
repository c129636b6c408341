//! The nine verbs.

use clap::Subcommand;
use partition_core::bottlerocket::{self, Unmet};
use partition_core::{BOOT_EVER_SUCCEEDED, Condition, Layout, Slot, Slots, Tries};
use partition_disk::{Access, Edit, confirmed};
use serde_json::json;

use crate::Command;
use crate::answer::{Answer, Failure};
use crate::host::{Host, run_lock};
use crate::status::{Status, flags_json};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Verb {
    /// Show both slots, the active one and the one that boots next.
    Status,
    /// The active slot is good: successful, with its tries refilled.
    MarkSuccessfulBoot,
    /// The inactive slot is never started.
    ClearInactive,
    /// The inactive slot gets one try. Nobody checks what it holds.
    MarkInactiveValid,
    /// The inactive slot goes first at the next boot.
    UpgradeToInactive,
    /// The active slot goes first again.
    CancelUpgrade,
    /// The inactive slot goes first again, if it would boot.
    RollbackToInactive,
    /// Prints `true` if a boot has ever succeeded on this disk.
    HasBootEverSucceeded,
    /// Writes the table as it is; repairs a damaged copy.
    RewriteTable,
}

type Change = fn(&Slots, Slot) -> Result<Slots, Unmet>;

impl Verb {
    /// As typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verb::Status => "status",
            Verb::MarkSuccessfulBoot => "mark-successful-boot",
            Verb::ClearInactive => "clear-inactive",
            Verb::MarkInactiveValid => "mark-inactive-valid",
            Verb::UpgradeToInactive => "upgrade-to-inactive",
            Verb::CancelUpgrade => "cancel-upgrade",
            Verb::RollbackToInactive => "rollback-to-inactive",
            Verb::HasBootEverSucceeded => "has-boot-ever-succeeded",
            Verb::RewriteTable => "rewrite-table",
        }
    }

    pub(crate) fn run(self, command: &Command) -> Result<Answer, Failure> {
        match self {
            Verb::Status => status(command),
            Verb::HasBootEverSucceeded => has_boot_ever_succeeded(command),
            Verb::RewriteTable => {
                let _lock = run_lock(command, self)?;
                let found = Host::open(command, Access::Write)?.disk.rewrite()?;
                Ok(Answer::done("", json!({ "repaired": found != Condition::Good })))
            }
            // It says what is true already, so it may be said during an update.
            Verb::MarkSuccessfulBoot => change(command, true, |slots, active| {
                bottlerocket::mark_successful_boot(slots, active, Some(Tries::default()))
            }),
            Verb::ClearInactive => self.locked(command, bottlerocket::clear_inactive),
            Verb::MarkInactiveValid => self.locked(command, bottlerocket::mark_inactive_valid),
            Verb::UpgradeToInactive => self.locked(command, bottlerocket::upgrade_to_inactive),
            Verb::CancelUpgrade => self.locked(command, bottlerocket::cancel_upgrade),
            Verb::RollbackToInactive => self.locked(command, bottlerocket::rollback_to_inactive),
        }
    }

    fn locked(self, command: &Command, verb: Change) -> Result<Answer, Failure> {
        let _lock = run_lock(command, self)?;
        change(command, false, verb)
    }
}

fn status(command: &Command) -> Result<Answer, Failure> {
    let host = Host::open(command, Access::Read)?;
    let status = Status::of(&host.disk, host.shown())?;
    Ok(Answer::done(status.to_string(), status.to_json()))
}

fn has_boot_ever_succeeded(command: &Command) -> Result<Answer, Failure> {
    let layout = Host::open(command, Access::Read)?.disk.layout()?;
    let succeeded = layout.private.is_some_and(|entry| entry.attributes & BOOT_EVER_SUCCEEDED != 0);
    Ok(Answer::done(if succeeded { "true" } else { "" }, json!(succeeded)))
}

fn change(command: &Command, boot_ever_succeeded: bool, verb: Change) -> Result<Answer, Failure> {
    let host = Host::open(command, Access::Write)?;
    let live = host.live;
    let (disk, active) = host.active()?;
    let changed = disk.change(|layout: &Layout| {
        Ok::<_, Unmet>(Edit { slots: verb(&layout.slots(), active)?, boot_ever_succeeded })
    })?;
    // What `updog confirm` notes as well: without it no update is staged in this boot.
    if live && boot_ever_succeeded {
        let noted = confirmed::mark(&confirmed::boot_id().unwrap_or_default());
        if let Err(error) = noted {
            eprintln!("warning: failed to note that this boot is confirmed: {error}");
        }
    }
    let slots =
        |slots: &Slots| json!({ "A": flags_json(slots.get(Slot::A)), "B": flags_json(slots.get(Slot::B)) });
    let data =
        json!({ "before": slots(&changed.before), "after": slots(&changed.after), "wrote": changed.wrote });
    Ok(Answer::done("", data))
}
