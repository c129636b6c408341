//! The one place where async ends: a runtime of one thread and the transport on it.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};
use trust_client::{Transport, TransportConfig};

use super::error::Error;
use crate::interrupt::Interrupt;

/// The network, as blocking calls that end soon after an interrupt.
#[derive(Debug)]
pub(super) struct Online {
    runtime: Runtime,
    transport: Transport,
    interrupt: Interrupt,
}

impl Online {
    /// Nothing is connected yet.
    pub(super) fn new(config: TransportConfig, interrupt: Interrupt) -> Result<Online, Error> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
        let transport = Transport::new(config).map_err(Error::Setup)?;
        Ok(Online { runtime, transport, interrupt })
    }

    /// For reports: what is said to one place is not said to another.
    pub(super) fn without_redirects(config: TransportConfig, interrupt: Interrupt) -> Result<Online, Error> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
        let transport = Transport::without_redirects(config).map_err(Error::Setup)?;
        Ok(Online { runtime, transport, interrupt })
    }

    /// The transport, for futures that [`wait`](Self::wait) is given.
    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Runs the future to its end, or to an interrupt.
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> Result<T, Error> {
        self.runtime.block_on(self.interrupt.or_end(future)).ok_or(Error::Interrupted)
    }
}
