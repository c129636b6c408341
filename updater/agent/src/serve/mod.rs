//! `serve`: the daemon. The same turns as a timer takes, and an API on a Unix socket (docs/api.md, docs/decisions/0052).
//!
//! * [`keeper`]: the one loop. It owns the [`schedule`], the [`alarm`] that it waits by, and the one piece of [`work`] that is being done.
//! * [`work`]: each piece is a run of this same program, so that what is done, and what being killed leaves, is what the command line
//!   does; the daemon holds no lock, no slot and no memory of an update.
//! * [`seen`]: what is told of it; [`tail`]: what others do on this host.
//! * [`watch()`]: a client of its events.
//! * [`socket`], [`door`], [`patience`], [`peer`]: who comes in; [`api`]: what they may ask.

mod alarm;
mod api;
mod clock;
mod door;
mod keeper;
mod local;
mod patience;
mod peer;
mod schedule;
mod seen;
mod socket;
mod tail;
mod watch;
mod work;

use std::sync::Arc;

use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::answer::Answer;
use crate::cli::Global;
use crate::{Context, Error, Result};

pub use api::openapi;
pub(crate) use watch::run as watch;

/// Serves until it is told to end. `global` is handed on to every run.
pub(crate) fn run(ctx: &Context<'_>, global: &Global) -> Result<Answer> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        // Reading a disk, asking for names: few at once, and gone when they are done.
        .max_blocking_threads(8)
        .build()
        .map_err(Error::daemon("start the runtime"))?;
    to_its_end(runtime, serve(ctx, global))
}

/// Does it to its end. A request that waits for a name server or a disk has a thread of its own, which is not waited for.
fn to_its_end<T>(runtime: Runtime, work: impl Future<Output = T>) -> T {
    let ended = runtime.block_on(work);
    runtime.shutdown_background();
    ended
}

async fn serve(ctx: &Context<'_>, global: &Global) -> Result<Answer> {
    let config = &ctx.config.serve;
    // Before anybody can know that it runs.
    let signals = keeper::Signals::listen()?;
    let (listener, held) = socket::listen(config, &mut |note| ctx.note(note))?;
    let seen = Arc::new(seen::Seen::default());
    let clock = clock::Clock::new(global.clock);
    let (orders, inbox) = mpsc::channel(1);
    let rights = peer::Rules::new(config);
    if rights.group().is_none() {
        ctx.note(format!("there is no group {:?}: only root may act", config.group));
    }
    let edges = api::Edges {
        seen: Arc::clone(&seen),
        orders,
        local: Arc::new(local::Local::new(global)),
        program: Arc::new(work::Program::new(global)),
        plan: Arc::default(),
    };
    let program = Arc::clone(&edges.program);
    let door = tokio::spawn(door::keep(listener, rights, api::router(edges)));
    // The first run would make it; what it writes is to be told.
    ctx.state.tolerate(ctx.state.make());
    if let Err(error) = tail::follow(ctx.state.dir().to_owned(), Arc::clone(&seen)) {
        ctx.note(format!("what others do on this host is not told: {}: {error}", ctx.state.dir().display()));
    }
    let alarm = alarm::Alarm::new(clock).map_err(Error::daemon("make a timer"))?;
    ready();
    ctx.note(format!("listening on {}", config.socket.display()));
    let kept = keeper::Keeper {
        program: &program,
        seen: &seen,
        clock,
        alarm: &alarm,
        interval: config.interval,
        jitter: ctx.config.jitter,
    }
    .keep(inbox, signals)
    .await;
    door.abort();
    // The path goes before the lock: a daemon that starts meanwhile makes its own.
    drop(held);
    kept?;
    let socket = config.socket.display().to_string();
    Ok(Answer::done("ended by a signal", json!({ "socket": socket })))
}

/// Tells systemd, when it is listening.
fn ready() {
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::task::spawn_blocking;

    use super::*;

    /// Nothing that a host has can be made to hang at will, so this is told of the runtime and not of a whole daemon.
    #[test]
    fn a_request_that_hangs_does_not_keep_it_from_ending() {
        let (answer, silent) = channel::<()>();
        let (end, ended) = channel();
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().build().unwrap();
            to_its_end(runtime, async {
                let (begin, there) = oneshot::channel();
                spawn_blocking(move || {
                    begin.send(()).unwrap();
                    silent.recv()
                });
                there.await.unwrap();
            });
            end.send(()).unwrap();
        });
        assert!(ended.recv_timeout(Duration::from_mins(2)).is_ok(), "it waits");
        drop(answer);
    }
}
