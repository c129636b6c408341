//! The host's state for Prometheus (docs/seen.md): rendered for whoever asks, and kept in a file for `node_exporter`'s textfile
//! collector when `metrics.textfile` names one.

mod exposition;
mod file;

use chrono::{DateTime, Utc};
use partition_core::{Flags, Slot, Standing, verbs};
use partition_disk::Access;
use updater_core::records::HistoryEvent;
use updater_core::{Settled, Status};

use crate::cli::Verb;
use crate::verbs::status;
use crate::{Context, gate};

use exposition::{Exposition, Sample};

/// All of it, as it is now. What cannot be known is not there; this never fails.
pub fn render(ctx: &Context<'_>) -> String {
    let mut all = Exposition::default();
    let build = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    all.gauge(("updog_build_info", "The version of updog itself."), [Sample { labels: build, value: 1 }]);
    let slots = ctx.disk(Access::Read).ok().and_then(|disk| disk.layout().ok()).map(|layout| layout.slots());
    all.number(
        ("updog_disk_readable", "Whether the partition table can be read."),
        Some(i64::from(slots.is_some())),
    );
    if let Some(slots) = slots {
        slots_of(&mut all, ctx, &status::of(ctx, ctx.running().ok(), slots));
    }
    looks(&mut all, ctx);
    let failed = i64::try_from(ctx.state.failed().releases.len()).ok();
    all.number(
        ("updog_failed_releases", "Releases that this host has left and is not offered again."),
        failed,
    );
    let said = gate::said(ctx);
    let health = said.as_ref().map_or("unknown", |said| said.health.as_str());
    all.one_of(("updog_health", "The health gate's word in this boot."), ("state", &HEALTH), Some(health));
    let problems = i64::try_from(ctx.config.problems).ok();
    all.number(("updog_config_errors", "Keys and files of the configuration that were left out."), problems);
    all.text()
}

/// Keeps it in the configured file, after a verb that changes or looks. That it cannot be written is a note.
pub(crate) fn keep(ctx: &Context<'_>, verb: &Verb) {
    let Some(path) = &ctx.config.metrics.textfile else { return };
    if !verb.is_seen() {
        return;
    }
    if let Err(error) = file::write(path, &render(ctx)) {
        ctx.note(format!("failed to write {}: {error}", path.display()));
    }
}

fn slots_of(all: &mut Exposition, ctx: &Context<'_>, status: &Status) {
    let held = |slot: Slot| match slot {
        Slot::A => status.holds[0].as_ref(),
        Slot::B => status.holds[1].as_ref(),
    };
    let version = |slot| held(slot).map_or_else(String::new, |held| held.version.clone());
    let info = Slot::ALL.into_iter().filter_map(|slot| {
        let labels = vec![
            ("slot", slot.to_string()),
            ("version", version(slot)),
            ("state", status.state(slot)?.to_owned()),
        ];
        Some(Sample { labels, value: 1 })
    });
    all.gauge(("updog_slot_info", "What a slot holds, and what it is."), info);
    let tries = Slot::ALL.into_iter().filter_map(|slot| {
        let tries = status.slots.get(slot)?.tries();
        Some(Sample { labels: vec![("slot", slot.to_string())], value: i64::from(tries) })
    });
    all.gauge(("updog_slot_tries", "Boots that a slot has left without being confirmed."), tries);
    let next = status.next().map(|next| Sample { labels: vec![("slot", next.slot.to_string())], value: 1 });
    all.gauge(("updog_next_info", "The slot that boots next."), next);
    if let Some(running) = status.running {
        let labels = vec![("slot", running.to_string()), ("version", version(running))];
        all.gauge(
            ("updog_running_info", "The slot and the version that run."),
            [Sample { labels, value: 1 }],
        );
        let flag = |is: bool| Some(i64::from(is));
        let successful = status.slots.get(running).is_some_and(Flags::successful);
        all.number(("updog_trial", "Whether the running slot is on trial."), flag(!successful));
        let confirmed = successful && ctx.standing() == Standing::ConfirmedThisBoot;
        all.number(
            ("updog_confirmed", "Whether the running slot was confirmed in this boot."),
            flag(confirmed),
        );
        let armed = verbs::armed(&status.slots, running);
        all.number(("updog_armed", "Whether the other slot boots next."), flag(armed));
    }
    let last = status.last.as_ref();
    let outcome = last.map(|last| last.outcome.as_str());
    let endings: Vec<HistoryEvent> = Settled::ALL.into_iter().filter_map(Settled::ending).collect();
    let words: Vec<&str> = endings.iter().map(HistoryEvent::as_str).collect();
    all.one_of(("updog_last_outcome", "How the last update ended."), ("outcome", &words), outcome);
    let at = last.map(|last| last.at.timestamp());
    all.number(("updog_last_outcome_timestamp_seconds", "When that was found out."), at);
}

fn looks(all: &mut Exposition, ctx: &Context<'_>) {
    let Some(looked) = ctx.state.looked() else { return };
    let time = |at: DateTime<Utc>| Some(at.timestamp());
    all.number(
        ("updog_last_check_timestamp_seconds", "When the repository was asked last."),
        time(looked.at),
    );
    all.number(
        ("updog_last_check_exit_code", "The exit code of that answer (docs/exit-codes.md)."),
        Some(i64::from(looked.exit)),
    );
    let still = ctx.still();
    let open = looked.version.as_ref().is_some_and(|version| still.is_open(version));
    all.number(
        (
            "updog_update_open",
            "Whether an update is open for this host, by that answer and what the host knows since.",
        ),
        Some(i64::from(open)),
    );
    all.number(
        ("updog_check_failures", "How often in a row the repository was asked in vain."),
        Some(i64::from(looked.failures)),
    );
    all.number(
        ("updog_next_check_timestamp_seconds", "Before this time auto does not ask again."),
        looked.next.and_then(time),
    );
    let fetched = looked.fetched_bytes.and_then(|bytes| i64::try_from(bytes).ok());
    all.number(
        ("updog_fetched_bytes", "Bytes of images that the last run to write a slot has fetched."),
        fetched,
    );
}

const HEALTH: [&str; 4] = ["checking", "healthy", "unhealthy", "unknown"];
