//! A body chunk by chunk, with an eye on the clock: a stall ends a transfer, not its length.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::error::{Error, shown};
use crate::transport::length;

/// Time spent waiting since the last kibibyte. Time that the reader takes for itself does not count.
#[derive(Debug)]
pub(crate) struct Stall {
    limit: Duration,
    waited: Duration,
    came: u64,
}

/// So many bytes must come in the stall time: a server that drips is as good as one that is silent.
const ENOUGH: u64 = 1024;

impl Stall {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, waited: Duration::ZERO, came: 0 }
    }

    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.waited)
    }

    fn note(&mut self, waited: Duration, bytes: u64) {
        self.waited += waited;
        self.came += bytes;
        if self.came >= ENOUGH {
            (self.waited, self.came) = (Duration::ZERO, 0);
        }
    }
}

/// The next bytes; `None` at the end that HTTP itself confirms. `at` is for the error.
pub(crate) async fn next_chunk(
    response: &mut Response,
    stall: &mut Stall,
    url: &Url,
    at: u64,
) -> Result<Option<Bytes>, Error> {
    let from = Instant::now();
    match timeout(stall.left(), response.chunk()).await {
        Ok(Ok(Some(chunk))) => {
            stall.note(from.elapsed(), length(&chunk));
            Ok(Some(chunk))
        }
        Ok(Ok(None)) => Ok(None),
        Ok(Err(_)) => Err(Error::Cut { url: shown(url), at }),
        Err(_) => Err(Error::Stalled { url: shown(url), at, stall: stall.limit }),
    }
}
