//! A peer that does not read what it has asked for loses its place.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream to which nothing could be written for `within`: writing fails. Waits for nothing else, and for nothing at all while its peer
/// reads.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    within: Duration,
    follows: Follows,
    waits: Option<Pin<Box<Sleep>>>,
}

/// Whether the peer follows events: it may be as slow as it likes, and is told what it has missed.
#[derive(Clone, Debug, Default)]
pub(super) struct Follows(Arc<AtomicBool>);

impl Follows {
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, within: Duration, follows: Follows) -> Patient<S> {
        Patient { stream, within, follows, waits: None }
    }

    fn watch<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() || self.follows.0.load(Ordering::Relaxed) {
            self.waits = None;
            return polled;
        }
        let within = self.within;
        let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(within)));
        waits.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(polled, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(polled, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(polled, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn who_never_reads_is_left_and_who_follows_or_reads_is_not() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let short = Duration::from_millis(1);
            let (ours, _never_read) = duplex(16);
            let written = Patient::new(ours, short, Follows::default()).write_all(&[7; 64]).await;
            assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);

            let (ours, mut theirs) = duplex(16);
            let follows = Follows::default();
            follows.begin();
            let mut patient = Patient::new(ours, short, follows);
            let late = async {
                sleep(short * 20).await;
                let mut bytes = [0; 64];
                theirs.read_exact(&mut bytes).await
            };
            let (written, read) = tokio::join!(patient.write_all(&[7; 64]), late);
            assert!(written.is_ok() && read.is_ok());

            let (ours, mut theirs) = duplex(16);
            let mut patient = Patient::new(ours, Duration::from_mins(1), Follows::default());
            let mut bytes = [0; 64];
            let (written, read) = tokio::join!(patient.write_all(&[7; 64]), theirs.read_exact(&mut bytes));
            assert!(written.is_ok() && read.is_ok());
        });
    }
}
