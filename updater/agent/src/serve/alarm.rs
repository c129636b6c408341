//! Waiting for the next turn: two timers of the kernel, which wake nobody before their time.
//!
//! The time of an answer is one of the clock that people set, so its timer goes by that clock, and ends early when it is set. The
//! interval goes by the clock that nobody sets. Both go on while the host is suspended; neither wakes it.

use std::io;
use std::os::fd::OwnedFd;

use chrono::{DateTime, Utc};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::clock::{Clock, Moment};
use super::schedule::{Due, Wake, woken};

/// What a wait needs of the host.
pub(super) trait Timers {
    /// What its clocks say.
    fn moment(&self) -> Moment;

    /// Sets the timers anew; that the clock was set since counts as well.
    fn set(&self, due: &Due) -> io::Result<()>;

    /// Waits for one of them, or until the clock is set.
    async fn rings(&self) -> io::Result<()>;
}

/// Waits until it is time, and tells when that will be each time it looks. Whoever drops it and begins anew misses nothing.
pub(super) async fn wait(
    timers: &impl Timers,
    due: &Due,
    mut tell: impl FnMut(DateTime<Utc>),
) -> io::Result<()> {
    loop {
        // Before looking: a clock that is set in between ends the wait.
        timers.set(due)?;
        match woken(due, timers.moment()) {
            Wake::Turn(why) => {
                tracing::debug!(?why, "a turn is due");
                return Ok(());
            }
            Wake::Wait(until) => tell(until),
        }
        timers.rings().await?;
    }
}

/// The kernel's.
#[derive(Debug)]
pub(super) struct Alarm {
    clock: Clock,
    by_clock: AsyncFd<OwnedFd>,
    by_uptime: AsyncFd<OwnedFd>,
}

impl Alarm {
    /// Not set yet. Inside a runtime.
    #[expect(
        deprecated,
        reason = "what replaces it is unsafe, for types that may not own the descriptor that they name; this one does"
    )]
    pub(super) fn new(clock: Clock) -> io::Result<Alarm> {
        let timer = |id| {
            let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
            AsyncFd::with_interest(timerfd_create(id, flags)?, Interest::READABLE)
        };
        let (by_clock, by_uptime) = (timer(TimerfdClockId::Realtime)?, timer(TimerfdClockId::Boottime)?);
        Ok(Alarm { clock, by_clock, by_uptime })
    }
}

impl Timers for Alarm {
    fn moment(&self) -> Moment {
        self.clock.moment()
    }

    fn set(&self, due: &Due) -> io::Result<()> {
        // Where no moment is waited for: that the clock is set is news all the same.
        let at =
            due.changes().map_or(NEVER, |at| self.clock.by_host(at).timestamp_nanos_opt().unwrap_or(NEVER));
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        set(&self.by_clock, flags, at)?;
        let latest = i64::try_from(due.latest().as_nanos()).unwrap_or(NEVER);
        set(&self.by_uptime, TimerfdTimerFlags::ABSTIME, latest)
    }

    async fn rings(&self) -> io::Result<()> {
        tokio::select! {
            rang = rings(&self.by_clock) => rang,
            rang = rings(&self.by_uptime) => rang,
        }
    }
}

/// Sets a timer to so many nanoseconds by its clock.
fn set(timer: &AsyncFd<OwnedFd>, flags: TimerfdTimerFlags, at: i64) -> io::Result<()> {
    // 0 would stop it.
    let at = at.clamp(1, NEVER);
    let it_value = Timespec { tv_sec: at / SECOND, tv_nsec: at % SECOND };
    let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
    match timerfd_settime(timer.get_ref(), flags, &Itimerspec { it_interval, it_value }) {
        // It is set all the same; the clock was too, before.
        Ok(_) | Err(Errno::CANCELED) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn rings(timer: &AsyncFd<OwnedFd>) -> io::Result<()> {
    loop {
        let mut ready = timer.readable().await?;
        if let Ok(rang) = ready.try_io(|timer| {
            match rustix::io::read(timer.get_ref(), &mut [0_u8; 8]) {
                // The clock was set.
                Ok(_) | Err(Errno::CANCELED) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }) {
            return rang;
        }
    }
}

const SECOND: i64 = 1_000_000_000;
/// In nanoseconds: 200 years, after 1970 or after the start of the host.
const NEVER: i64 = 200 * 365 * 86_400 * SECOND;

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::time::Duration;

    use chrono::TimeDelta;
    use tokio::runtime::{Builder, Runtime};
    use tokio::time::timeout;

    use super::super::schedule::{first, next};
    use super::super::work::Ended;
    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// Waits with the kernel's timers; it only takes longer on a busy machine.
    fn waited(clock: Clock, due: &Due) -> Moment {
        runtime().block_on(async {
            let alarm = Alarm::new(clock).unwrap();
            timeout(Duration::from_mins(2), wait(&alarm, due, |_| ())).await.unwrap().unwrap();
            alarm.moment()
        })
    }

    #[test]
    fn each_timer_wakes_who_waits() {
        let hour = Duration::from_hours(1);
        let typed = "2001-02-03T04:05:06Z".parse().ok();
        for clock in [Clock::new(None), Clock::new(typed)] {
            let began = clock.moment();
            let changes = began.wall + TimeDelta::milliseconds(1100);
            let ended = Ended { until: Some(changes), ..Ended::default() };
            let woke = waited(clock, &next(hour, Duration::ZERO, &ended, began, began));
            assert!(woke.wall >= changes, "{woke:?}");
            let soon = Duration::from_millis(50);
            let woke = waited(clock, &first(soon, Duration::ZERO, began));
            assert!(woke.up >= began.up + soon, "{woke:?}");
        }
    }

    /// Whoever begins to wait anew is not woken by what was set before.
    #[test]
    fn a_timer_that_has_rung_and_is_set_anew_is_silent() {
        let clock = Clock::new(None);
        let (gone, hour) = (clock.moment(), Duration::from_hours(1));
        runtime().block_on(async {
            let alarm = Alarm::new(clock).unwrap();
            wait(&alarm, &first(Duration::ZERO, Duration::ZERO, gone), |_| ()).await.unwrap();
            alarm.rings().await.unwrap();
            wait(&alarm, &first(Duration::ZERO, Duration::ZERO, gone), |_| ()).await.unwrap();
            alarm.set(&first(hour, Duration::ZERO, clock.moment())).unwrap();
            let rang = timeout(Duration::from_millis(50), alarm.rings()).await;
            assert!(rang.is_err(), "{rang:?}");
        });
    }

    /// A host whose timers ring whenever its clocks say something new.
    struct Fake {
        moments: RefCell<Vec<Moment>>,
        now: Cell<Moment>,
        set: Cell<usize>,
    }

    impl Timers for Fake {
        fn moment(&self) -> Moment {
            self.now.get()
        }

        fn set(&self, _: &Due) -> io::Result<()> {
            self.set.set(self.set.get() + 1);
            Ok(())
        }

        async fn rings(&self) -> io::Result<()> {
            let next = self.moments.borrow_mut().pop();
            self.now.set(next.ok_or_else(|| io::Error::other("nothing happens any more"))?);
            Ok(())
        }
    }

    #[test]
    fn a_clock_that_is_set_makes_who_waits_look_again_and_no_more() {
        let began = Clock::new("2026-01-02T03:04:05Z".parse().ok()).moment();
        let after = |minutes: u64, ahead: i64| {
            let up = Duration::from_mins(minutes);
            let wall = began.wall + TimeDelta::from_std(up).unwrap() + TimeDelta::minutes(ahead);
            Moment { wall, up: began.up + up }
        };
        let until = began.wall + TimeDelta::minutes(20);
        let ended = Ended { until: Some(until), ..Ended::default() };
        let due = next(Duration::from_hours(1), Duration::ZERO, &ended, began, began);
        // The last is what happens first.
        for (moments, looks) in [
            (vec![after(2, 18)], 2),
            (vec![after(20, 0), after(2, 10), after(1, 5)], 4),
            (vec![after(600, 0)], 2),
            (vec![after(3, -30), after(2, 0)], 3),
        ] {
            let fake = Fake { moments: RefCell::new(moments), now: Cell::new(began), set: Cell::new(0) };
            let mut told = Vec::new();
            runtime().block_on(wait(&fake, &due, |at| told.push(at))).unwrap();
            assert_eq!((fake.set.get(), told), (looks, vec![until; looks - 1]));
            assert_eq!(fake.moments.borrow().len(), 0);
        }
    }
}
