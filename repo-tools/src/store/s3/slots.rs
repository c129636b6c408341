//! So many parts in flight and no more: what bounds the memory of an upload.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A count of free places.
#[derive(Debug, Clone)]
pub(super) struct Slots(Arc<(Mutex<usize>, Condvar)>);

/// One place; free again when dropped.
#[derive(Debug)]
pub(super) struct Slot(Slots);

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Self(Arc::new((Mutex::new(count), Condvar::new())))
    }

    /// Waits for a free place.
    pub(super) fn take(&self) -> Slot {
        let (free, freed) = &*self.0;
        let mut free = free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Slot(self.clone())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let (free, freed) = &*self.0.0;
        *free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        freed.notify_one();
    }
}
