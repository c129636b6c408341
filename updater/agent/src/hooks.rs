//! `hooks.d`: programs of the image's builder that are asked before a slot is written, after it was read back, and before the
//! machine restarts.

use std::fs::{File, TryLockError};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use partition_core::Slot;

use crate::execs::{self, Ended, Limit};
use crate::report::{Event, Step};
use crate::{Context, Error, Result};

/// When they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before anything of the other slot changes.
    PreStage,
    /// Once the other slot was read back; what is not armed yet stays so when one fails.
    PostStage,
    /// Before the machine restarts into another slot.
    PreReboot,
}

impl Phase {
    /// The folder's name, and `UPDOG_PHASE`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Phase::PreStage => "pre-stage",
            Phase::PostStage => "post-stage",
            Phase::PreReboot => "pre-reboot",
        }
    }
}

/// Asks all hooks of a phase, up to the first that does not agree. `to`: the version in, or for, `slot`.
///
/// Of a disk image nobody is asked: the hooks of this machine have no part in it.
///
/// # Errors
/// [`Error::Deferred`] when one ends with 75, [`Error::Hook`] when one fails in any other way.
pub(crate) fn ask(ctx: &Context<'_>, phase: Phase, slot: Slot, to: Option<&str>) -> Result<()> {
    if !ctx.machine.runs() {
        return Ok(());
    }
    let hooks = &ctx.config.hooks;
    let found = execs::list(&hooks.dir.join(phase.name()));
    let Some(first) = found.first() else { return Ok(()) };
    let lock = alone(ctx, &format!("{}/{}", phase.name(), first.name))?;
    let limit = Limit { each: hooks.timeout, until: Instant::now() + hooks.timeout_all };
    for hook in found {
        let message = format!("asking {} hook {}", phase.name(), hook.name);
        ctx.reporter.event(&Event::Step { step: Step::Hook, message });
        let name = format!("{}/{}", phase.name(), hook.name);
        let refused = |detail| Error::Hook { name: name.clone(), detail };
        let program = hook.program.map_err(|error| refused(format!("cannot be run: {error}")))?;
        let mut command = Command::new(program);
        command.env("UPDOG_PHASE", phase.name()).env("UPDOG_SLOT", slot.to_string());
        command.env("UPDOG_FROM", from(ctx)).env("UPDOG_TO", to.unwrap_or_default());
        let ran = match lock.as_ref().and_then(|lock| lock.try_clone().ok()) {
            Some(lock) => execs::run_holding(command, lock, limit, &ctx.interrupt)?,
            None => execs::run(command, limit, &ctx.interrupt)?,
        };
        let Some(detail) = execs::failure(&ran) else { continue };
        return Err(match ran.ended {
            Ended::Status(status) if status.code() == Some(DEFER) => {
                Error::Deferred { name, said: execs::last_lines(&ran.output), until: ctx.again() }
            }
            _ => refused(detail),
        });
    }
    Ok(())
}

/// Waits for a hook of another run, as one that was killed has left it: as long as hooks may take. `None`: there can be no lock in
/// the state folder, and nothing is waited for.
fn alone(ctx: &Context<'_>, first: &str) -> Result<Option<File>> {
    let Some(lock) = ctx.state.hooks_lock() else { return Ok(None) };
    let (started, mut told) = (Instant::now(), false);
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(Some(lock)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) if started.elapsed() >= ctx.config.hooks.timeout_all => {
                let said = "a hook of another run has not ended".to_owned();
                return Err(Error::Deferred { name: first.to_owned(), said, until: ctx.again() });
            }
            Err(TryLockError::WouldBlock) => {
                ctx.interrupt.check()?;
                if !std::mem::replace(&mut told, true) {
                    let message = "waiting for a hook of another run".to_owned();
                    ctx.reporter.event(&Event::Step { step: Step::Hook, message });
                }
                sleep(POLL);
            }
        }
    }
}

/// The version that runs; empty where nobody knows.
fn from(ctx: &Context<'_>) -> String {
    let os = ctx.machine.os_release(ctx.config.os_release.as_deref()).ok();
    os.and_then(|os| os.version).map(|version| version.to_string()).unwrap_or_default()
}

/// How long an interrupt can go unseen.
const POLL: Duration = Duration::from_millis(100);
/// `EX_TEMPFAIL` of sysexits.h: not now.
const DEFER: i32 = 75;
