//! Many targets at a time, but not all.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::error::Result;

/// Does `work` for every item on at most `workers` threads; the answers come in the order of the items. After an error no
/// item is begun, and the error of the first one in order is told.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    workers: usize,
    work: &(dyn Fn(&T) -> Result<R> + Sync),
) -> Result<Vec<R>> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let answers = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || {
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { return };
            let answer = work(item);
            stop.fetch_or(answer.is_err(), Ordering::Relaxed);
            answers.lock().unwrap_or_else(PoisonError::into_inner).push((number, answer));
        }
    };
    thread::scope(|scope| {
        for _ in 0..workers.max(1).min(items.len()) {
            scope.spawn(worker);
        }
    });
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Told how far a long run is: bytes done, bytes in all.
pub type Tell<'a> = dyn Fn(u64, u64) + Sync + 'a;

/// Adds up what the threads have done.
pub(crate) struct Meter<'a> {
    tell: &'a Tell<'a>,
    done: AtomicU64,
    total: u64,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(total: u64, tell: &'a Tell<'a>) -> Self {
        Self { tell, done: AtomicU64::new(0), total }
    }

    pub(crate) fn add(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(0);
        let done = self.done.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        (self.tell)(done, self.total);
    }
}

impl fmt::Debug for Meter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("done", &self.done).field("total", &self.total).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn answers_come_in_order_and_never_more_at_a_time_than_allowed() {
        let items: Vec<u64> = (0..50).collect();
        let (busy, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = |item: &u64| {
            most.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::yield_now();
            busy.fetch_sub(1, Ordering::SeqCst);
            Ok(item * 2)
        };
        assert_eq!(each(&items, 4, &work).unwrap(), (0..50).map(|item| item * 2).collect::<Vec<_>>());
        assert!(most.load(Ordering::SeqCst) <= 4);
    }

    #[test]
    fn an_error_ends_it() {
        let begun = AtomicU64::new(0);
        let work = |item: &u64| {
            begun.fetch_add(1, Ordering::SeqCst);
            if *item == 3 { Err(Error::Usage { reason: "three".into() }) } else { Ok(()) }
        };
        assert!(each(&(0..1000).collect::<Vec<u64>>(), 1, &work).is_err());
        assert_eq!(begun.load(Ordering::SeqCst), 4);
    }
}
