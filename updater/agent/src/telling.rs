//! Telling a collector what became of an update (docs/seen.md): by `auto` and the daemon alone, off unless `report.url` is set.
//!
//! What is told is read from the history, so that no local verb needs a network or a configuration for it. Each report goes
//! until it was taken, oldest first; one that cannot be delivered waits for the next turn.

use serde_json::{Value, json};
use updater_core::records::Report;
use updater_core::{Reason, plain};

use crate::answer::{Answer, chain};
use crate::verbs::flags;
use crate::{Context, Result, engine};

/// Before a turn: from here on there is something to tell.
pub(crate) fn begin(ctx: &Context<'_>) {
    if ctx.config.report.url.is_some() {
        ctx.state.tolerate(ctx.state.begin_reports());
    }
}

/// After a turn that ended so. Never changes how it ended.
pub(crate) fn tell(ctx: &Context<'_>, answer: &Result<Answer>) {
    let Some(url) = &ctx.config.report.url else { return };
    let reason = answer.as_ref().map_or_else(crate::Error::reason, |answer| answer.reason);
    let never_tried = (reason == Some(Reason::NeverTried)).then(|| never_tried(ctx)).flatten();
    let reports = match ctx.state.collect_reports(never_tried) {
        Ok(reports) => reports,
        Err(error) => return ctx.note(chain(&error)),
    };
    for report in &reports.queue {
        if ctx.interrupt.raised() {
            return;
        }
        let bytes = body(ctx, report).to_string().into_bytes();
        match engine::post(ctx, url, bytes) {
            Ok(status @ (200..=299)) => tracing::debug!(status, "report taken"),
            // Asked again, it would say the same; what it does not want must not keep the others from it.
            Ok(status @ (300..=407 | 409..=424 | 426..=428 | 430..=499)) => {
                ctx.note(format!(
                    "the report {:?} is not wanted: the collector answers {status}",
                    report.event
                ));
            }
            Ok(status) => {
                return ctx.note(format!("a report waits for the next turn: the collector answers {status}"));
            }
            Err(error) => return ctx.note(format!("a report waits for the next turn: {}", chain(&error))),
        }
        ctx.state.tolerate(ctx.state.took_report(report));
    }
}

fn never_tried(ctx: &Context<'_>) -> Option<Report> {
    let slot = ctx.running().ok()?.other();
    let held = flags::held(ctx, slot);
    let (version, release) = held.map_or((None, None), |held| (Some(held.version), held.release));
    Some(Report::of_never_tried(ctx.now, slot, version, release))
}

/// What the collector gets: nothing that names the host but the id that was configured for it.
fn body(ctx: &Context<'_>, report: &Report) -> Value {
    let os = ctx.machine.os_release(ctx.config.os_release.as_deref()).unwrap_or_default();
    let (variant, arch) = ctx.names(&os);
    json!({
        "format": 1,
        "id": ctx.config.report.id,
        "event": report.event,
        "at": report.at,
        "slot": report.slot.map(|slot| slot.to_string()),
        "version": report.version.as_deref().map(|version| plain(version, 100)),
        "release": report.release,
        "cause": report.cause.as_deref().map(|cause| plain(cause, 100)),
        "host": {
            "variant": variant,
            "arch": arch,
            "version": os.version,
        },
        "updog": env!("CARGO_PKG_VERSION"),
    })
}
