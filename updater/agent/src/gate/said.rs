//! The verdict of this boot, for `status` and `auto`, in a folder that does not outlive the boot.

use std::fs;
use std::io::Write as _;

use serde::{Deserialize, Serialize};
use updater_core::health::{Failing, Verdict};

use crate::Context;
use crate::state::file;

/// `/run/updog/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    format: u64,
    boot: String,
    slot: String,
    /// `checking`, `healthy` or `unhealthy`.
    pub(crate) health: String,
    /// `health:NAME` or `verity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Said {
    /// What fails, in a line.
    pub(crate) fn failing(&self) -> Option<String> {
        let reason = self.reason.as_ref()?;
        Some(format!("{reason}: {}", self.detail.as_deref().unwrap_or("no details")))
    }
}

/// What the gate said in this boot; `None`: nothing, or there is no boot.
pub(crate) fn said(ctx: &Context<'_>) -> Option<Said> {
    let bytes = file::whole(&ctx.machine.file(PATH)?, file::TEXT).ok()?;
    let said: Said = serde_json::from_slice(&bytes).ok()?;
    (said.boot == ctx.machine.boot_id()?).then_some(said)
}

/// Says it; `None`: the checks are still at work. Nobody depends on it, so that it cannot be written is a note.
pub(crate) fn say(ctx: &Context<'_>, verdict: Option<&Verdict>) {
    let (Some(path), Some(boot), Ok(slot)) = (ctx.machine.file(PATH), ctx.machine.boot_id(), ctx.running())
    else {
        return;
    };
    let (health, failing): (&str, Option<&Failing>) = match verdict {
        None => ("checking", None),
        Some(Verdict::Healthy) => ("healthy", None),
        Some(Verdict::Unhealthy(failing)) => ("unhealthy", Some(failing)),
    };
    let said = Said {
        format: 1,
        boot,
        slot: slot.to_string(),
        health: health.to_owned(),
        reason: failing.map(|failing| failing.fault.to_string()),
        detail: failing.map(|failing| failing.detail.clone()),
    };
    let mut text = serde_json::to_string(&said).unwrap_or_default();
    text.push('\n');
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    if let Err(error) = made.and_then(|()| file::create(&path)?.write_all(text.as_bytes())) {
        ctx.note(format!("{} cannot be written ({error})", path.display()));
    }
}

const PATH: &str = "run/updog/health";
