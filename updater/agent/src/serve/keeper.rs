//! The loop: takes a turn when it is due and does what is asked, one at a time, until a signal ends it.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::alarm::{Alarm, wait};
use super::clock::Clock;
use super::schedule;
use super::seen::Seen;
use super::work::{Ended, Program, Work};
use crate::{Error, Result, chance};

/// Something to be done, and where to say that it was begun.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) work: Work,
    pub(super) begun: oneshot::Sender<Result<(), Busy>>,
}

/// Something else is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

/// What the loop works with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeper<'a> {
    pub(super) program: &'a Program,
    pub(super) seen: &'a Seen,
    pub(super) clock: Clock,
    pub(super) alarm: &'a Alarm,
    pub(super) interval: Duration,
    /// Within which time after its moment a turn begins.
    pub(super) jitter: Duration,
}

impl Keeper<'_> {
    /// Runs until SIGTERM or SIGINT. What is being done then is asked to stop, and waited for.
    pub(super) async fn keep(self, mut inbox: mpsc::Receiver<Order>, mut signals: Signals) -> Result<()> {
        let mut due = schedule::first(self.interval, self.late(), self.clock.moment());
        loop {
            let work = tokio::select! {
                waited = wait(self.alarm, &due, |at| self.seen.next_turn(at)) => {
                    waited.map_err(Error::daemon("wait for the next turn"))?;
                    Work::Auto
                }
                Some(order) = inbox.recv() => {
                    // Who asked may be gone; it was asked all the same.
                    let _ = order.begun.send(Ok(()));
                    order.work
                }
                () = signals.raised() => return Ok(()),
            };
            let began = self.clock.moment();
            self.seen.started(&work, began.wall);
            let Some(ended) = self.carry_out(&work, &mut inbox, &mut signals).await else { return Ok(()) };
            if work == Work::Auto {
                due = schedule::next(self.interval, self.late(), &ended, began, self.clock.moment());
            }
            self.seen.ended(work, ended);
        }
    }

    /// Does one piece of work to its end; `None`: a signal came.
    async fn carry_out(
        self,
        work: &Work,
        inbox: &mut mpsc::Receiver<Order>,
        signals: &mut Signals,
    ) -> Option<Ended> {
        let failed = |error| Ended::failed(&error, self.clock.now());
        let run = match self.program.start(work) {
            Ok(run) => run,
            Err(error) => return Some(failed(error)),
        };
        let brake = run.brake();
        let mut tell = |line| self.seen.line(line);
        let end = run.end(work, self.clock, &mut tell);
        tokio::pin!(end);
        loop {
            tokio::select! {
                ended = &mut end => return Some(ended.unwrap_or_else(failed)),
                // Whoever orders something meanwhile hears that it is not the time.
                Some(order) = inbox.recv() => {
                    let _ = order.begun.send(Err(Busy));
                }
                () = signals.raised() => {
                    brake.pull();
                    // One that does not stop is killed, which loses nothing either (P7).
                    let _ = timeout(STOP_WITHIN, end).await;
                    return None;
                }
            }
        }
    }

    /// This turn's share of the jitter.
    fn late(self) -> Duration {
        self.jitter.mul_f64(chance::share())
    }
}

/// SIGTERM and SIGINT.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Signals> {
        let listen = |kind| signal(kind).map_err(Error::daemon("wait for signals"));
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn raised(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Below what systemd gives a service to stop (`TimeoutStopSec`, 90 s).
const STOP_WITHIN: Duration = Duration::from_mins(1);
