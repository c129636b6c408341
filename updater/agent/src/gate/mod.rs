//! What the health gate asks: the root, the checks of `health.d`, the required units. What is done about the answers is
//! decided by [`updater_core::health`].

mod checks;
mod said;
mod scan;
mod units;

use std::thread::sleep;
use std::time::{Duration, Instant};

use updater_core::health::{Checked, Failing, Found, Verdict, verdict};
use updater_core::records::{Mark, Stage};

pub use scan::read_to_end;

pub(crate) use said::{said, say};

use crate::execs::{self, Limit};
use crate::report::{Event, Step};
use crate::{Context, Result};

/// Which gate it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boot {
    /// The slot was never confirmed: its root is read whole, and it has to stay healthy for a while.
    Trial,
    /// It was, in an earlier boot: one round.
    Confirmed,
}

/// The verdict, and what was asked last.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) verdict: Verdict,
    pub(crate) checked: Vec<Checked>,
}

/// Asks all of it. Only an interrupt ends it early.
pub(crate) fn ask(ctx: &Context<'_>, boot: Boot) -> Result<Asked> {
    if boot == Boot::Trial {
        mark(ctx, Stage::Scan);
        if let Some(failing) = scan::root(ctx)? {
            return Ok(Asked { verdict: Verdict::Unhealthy(failing), checked: Vec::new() });
        }
        mark(ctx, Stage::Health);
    }
    let asked = round(ctx)?;
    let settle = ctx.config.health.settle;
    if boot == Boot::Confirmed || asked.verdict != Verdict::Healthy || settle.is_zero() {
        return Ok(asked);
    }
    step(ctx, format!("healthy; must stay so for {} s", settle.as_secs()));
    let start = Instant::now();
    loop {
        rest(ctx, settle.saturating_sub(start.elapsed()).min(AGAIN))?;
        let asked = round(ctx)?;
        if asked.verdict != Verdict::Healthy || start.elapsed() >= settle {
            return Ok(asked);
        }
    }
}

/// All checks and units once, up to the first that fails.
fn round(ctx: &Context<'_>) -> Result<Asked> {
    let health = &ctx.config.health;
    let limit = Limit { each: health.timeout, until: Instant::now() + health.timeout_all };
    let mut checked = Vec::new();
    for check in execs::list(&health.dir) {
        checked.push(checks::ask(ctx, check, limit)?);
        if failed(ctx, &checked) {
            return Ok(Asked { verdict: verdict(checked.clone()), checked });
        }
    }
    for unit in &health.units {
        checked.push(units::ask(ctx, unit, limit)?);
        if failed(ctx, &checked) {
            break;
        }
    }
    Ok(Asked { verdict: verdict(checked.clone()), checked })
}

/// Tells of the last one.
fn failed(ctx: &Context<'_>, checked: &[Checked]) -> bool {
    let Some(last) = checked.last() else { return false };
    match &last.found {
        Found::Passed => {
            step(ctx, format!("{} passed", last.name));
            false
        }
        Found::Failed(detail) => {
            step(ctx, format!("{} failed: {detail}", last.name));
            true
        }
    }
}

/// Leaves a mark: should this boot end here, the other slot can say where. On a tmpfs or a full disk it cannot.
fn mark(ctx: &Context<'_>, stage: Stage) {
    if let (Some(boot), Ok(slot)) = (ctx.machine.boot_id(), ctx.running()) {
        ctx.state.tolerate(ctx.state.write_mark(&Mark::new(boot, slot, stage)));
    }
}

fn step(ctx: &Context<'_>, message: String) {
    ctx.reporter.event(&Event::Step { step: Step::Health, message });
}

/// Waits, unless interrupted.
fn rest(ctx: &Context<'_>, span: Duration) -> Result<()> {
    let start = Instant::now();
    while let Some(left) = span.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
        ctx.interrupt.check()?;
        sleep(left.min(POLL));
    }
    ctx.interrupt.check()
}

/// A failing root, or a failing gate: nothing of `health.d` was at fault.
fn of_root(detail: String) -> Failing {
    Failing { fault: updater_core::health::Fault::Health("root".to_owned()), detail }
}

/// How often a slot that must stay healthy is asked.
const AGAIN: Duration = Duration::from_secs(10);
/// How long an interrupt can go unseen.
const POLL: Duration = Duration::from_millis(100);
