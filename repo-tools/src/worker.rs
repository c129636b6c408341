//! One thread that does the waiting, so that everything else can be plain calls, wherever they come from.

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A thread with an event loop; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Work that ended without an answer: a panic, ours or a library's, that comes again however often it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the network thread panicked")]
pub(crate) struct Panicked;

impl Worker {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("network".into()).spawn(move || {
            // Ends by the sender's drop too.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Does `work` there and waits for it.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Panicked> {
        self.begin(work).recv().map_err(|_| Panicked)
    }

    /// Begins `work` there; the answer comes when it has ended.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> mpsc::Receiver<T> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            // Nobody listens any more after a failure elsewhere.
            let _ = answer.send(work.await);
        });
        answered
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been answered for where its result was missed.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer_too() {
        let worker = Worker::start().unwrap();
        assert_eq!(worker.run(async { 1 }), Ok(1));
        let broken: Result<u8, Panicked> = worker.run(async { panic!("as a library does") });
        assert_eq!(broken, Err(Panicked));
        assert_eq!(worker.run(async { 2 }), Ok(2), "others go on");
    }
}
