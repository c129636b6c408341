//! The nine verbs.

use partition_core::bottlerocket::{self, Unmet};
use partition_core::{BOOT_EVER_SUCCEEDED, Condition, Layout, Slot, Slots, Tries};
use partition_disk::command::{Command, Verb};
use partition_disk::{Access, Edit, confirmed, said};
use serde_json::json;

use crate::answer::{Answer, Failure};
use crate::host::{Host, run_lock};
use crate::status::{Status, flags_json};

type Change = fn(&Slots, Slot) -> Result<Slots, Unmet>;

/// Does what was typed.
pub(crate) fn run(command: &Command) -> Result<Answer, Failure> {
    match command.verb {
        Verb::Status => status(command),
        Verb::HasBootEverSucceeded => has_boot_ever_succeeded(command),
        Verb::RewriteTable => {
            let _lock = run_lock(command, command.verb)?;
            let found = Host::open(command, Access::Write)?.disk.rewrite()?;
            Ok(Answer::done("", json!({ "repaired": found != Condition::Good })))
        }
        // It says what is true already, so it may be said during an update.
        Verb::MarkSuccessfulBoot => change(command, true, |slots, active| {
            bottlerocket::mark_successful_boot(slots, active, Some(Tries::default()))
        }),
        Verb::ClearInactive => locked(command, bottlerocket::clear_inactive),
        Verb::MarkInactiveValid => locked(command, bottlerocket::mark_inactive_valid),
        Verb::UpgradeToInactive => locked(command, bottlerocket::upgrade_to_inactive),
        Verb::CancelUpgrade => locked(command, bottlerocket::cancel_upgrade),
        Verb::RollbackToInactive => locked(command, bottlerocket::rollback_to_inactive),
    }
}

fn locked(command: &Command, verb: Change) -> Result<Answer, Failure> {
    let _lock = run_lock(command, command.verb)?;
    change(command, false, verb)
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
            said::aside(&format!("warning: failed to note that this boot is confirmed: {error}"));
        }
    }
    let slots =
        |slots: &Slots| json!({ "A": flags_json(slots.get(Slot::A)), "B": flags_json(slots.get(Slot::B)) });
    let data =
        json!({ "before": slots(&changed.before), "after": slots(&changed.after), "wrote": changed.wrote });
    Ok(Answer::done("", data))
}
