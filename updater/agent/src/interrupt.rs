//! Ctrl-C, asked for between pieces.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use tokio::time::timeout;

use crate::{Error, Result};

/// Raised once by SIGINT or SIGTERM. Work that can stop asks for it; a second signal ends the process at once.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A flag that the two signals raise.
    pub fn on_signals() -> std::io::Result<Interrupt> {
        let interrupt = Interrupt::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order the second signal finds the flag raised and ends the process as signals do.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&interrupt.0))?;
            signal_hook::flag::register(signal, Arc::clone(&interrupt.0))?;
        }
        Ok(interrupt)
    }

    /// Raises it, as a signal would.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was raised.
    pub fn raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error once it was raised. To be asked between pieces, never between a write and its flush.
    pub fn check(&self) -> Result<()> {
        if self.raised() { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Runs the future to its end; `None`: it was raised before.
    pub(crate) async fn or_end<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        loop {
            if self.raised() {
                return None;
            }
            if let Ok(value) = timeout(POLL, &mut future).await {
                return Some(value);
            }
        }
    }
}

/// How long it can go unseen.
const POLL: Duration = Duration::from_millis(100);
