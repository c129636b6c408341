//! A body that goes on after cuts.

use std::ops::Range;

use bytes::Bytes;
use reqwest::Response;
use url::Url;

use crate::coding::{Asked, Decoder};
use crate::error::{Error, shown};
use crate::headers;
use crate::patience::Patience;
use crate::transport::{Ask, Part, Transport, length};
use crate::watch::{Stall, next_chunk};

/// The bytes of a range or of a whole file, in order, exactly as many as asked for.
///
/// They are not verified here: whoever reads them knows their digest.
#[derive(Debug)]
pub struct RangeBody {
    transport: Transport,
    url: Url,
    /// What is still to come.
    rest: Range<u64>,
    /// The length of the file when only ranges will do; a plain download of `0..end` otherwise.
    ranged: Option<u64>,
    /// Bytes of the open answer that were had before, when a server starts again from the beginning.
    skip: u64,
    answer: Option<Response>,
    asked: Asked,
    /// For the bytes of the open answer.
    decoder: Decoder,
    patience: Patience,
    stall: Stall,
}

impl RangeBody {
    /// Asks for the bytes; the first answer is judged here.
    pub(crate) async fn open(
        transport: Transport,
        url: Url,
        range: Range<u64>,
        ranged: Option<u64>,
    ) -> Result<Self, Error> {
        let patience = Patience::new(transport.config());
        let stall = Stall::new(transport.config().stall);
        let asked = match ranged {
            None => Asked::for_file(url.path(), range.end),
            Some(_) => Asked::Bytes,
        };
        let (answer, decoder) = (None, Decoder::Plain);
        let mut body =
            Self { transport, url, rest: range, ranged, skip: 0, answer, asked, decoder, patience, stall };
        if !body.rest.is_empty() {
            body.reopen().await?;
        }
        Ok(body)
    }

    /// The next bytes, `None` when all have come.
    ///
    /// # Errors
    /// When the tries are used up, or the server's answers do not fit together.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while !self.rest.is_empty() {
            let Some(answer) = &mut self.answer else {
                self.reopen().await?;
                continue;
            };
            let at = self.rest.start;
            let failed = match next_chunk(answer, &mut self.stall, &self.url, at).await {
                Ok(Some(chunk)) => match self.take(chunk).await? {
                    Some(chunk) => return Ok(Some(chunk)),
                    None => continue,
                },
                // A clean end before the last byte is a cut too: proxies end bodies so.
                Ok(None) => Error::Cut { url: shown(&self.url), at },
                Err(error) => error,
            };
            self.answer = None;
            if !self.decoder.is_plain() {
                self.asked = Asked::Uncompressed;
            }
            self.transport.pause(&mut self.patience, failed, None).await?;
        }
        self.check_end().await?;
        Ok(None)
    }

    /// Where an answer names no length, more may follow than was asked for; who sends that is not to be trusted.
    async fn check_end(&mut self) -> Result<(), Error> {
        let Some(mut answer) = self.answer.take() else { return Ok(()) };
        if !self.decoder.is_plain() {
            // The sum that ends a compressed answer, and its end; nothing may come out any more. Who goes on is not waited for.
            for _ in 0..2 {
                let more = next_chunk(&mut answer, &mut self.stall, &self.url, self.rest.end).await;
                let Ok(Some(more)) = more else { break };
                self.transport.account(length(&more)).await;
                self.decoder.decode(more, &self.url)?;
            }
            return Ok(());
        }
        if answer.content_length().is_some() {
            return Ok(());
        }
        // A cut or a stall after the last byte takes nothing away.
        match next_chunk(&mut answer, &mut self.stall, &self.url, self.rest.end).await {
            Ok(Some(more)) if !more.is_empty() => {
                Err(Error::TooLong { url: shown(&self.url), limit: self.rest.end })
            }
            _ => Ok(()),
        }
    }

    /// Where the bytes come from, for messages.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Bytes still to come.
    pub fn remaining(&self) -> u64 {
        self.rest.end.saturating_sub(self.rest.start)
    }

    async fn take(&mut self, mut chunk: Bytes) -> Result<Option<Bytes>, Error> {
        self.transport.account(length(&chunk)).await;
        chunk = self.decoder.decode(chunk, &self.url)?;
        let known = self.skip.min(length(&chunk));
        self.skip -= known;
        drop(chunk.split_to(usize::try_from(known).unwrap_or(usize::MAX)));
        if chunk.is_empty() {
            return Ok(None);
        }
        if length(&chunk) > self.remaining() {
            return Err(Error::TooLong { url: shown(&self.url), limit: self.rest.end });
        }
        self.rest.start += length(&chunk);
        // Only what was never here before: a server that starts again and cuts at the same place gets nowhere.
        self.patience.progress(length(&chunk));
        Ok(Some(chunk))
    }

    /// Asks for what is still to come and judges the answer.
    async fn reopen(&mut self) -> Result<(), Error> {
        // After one that came compressed, from the start: a place in it is none in the file.
        let whole = self.ranged.is_none() && (self.rest.start == 0 || !self.decoder.is_plain());
        let ask = if whole {
            Ask::Whole(self.asked)
        } else {
            Ask::Part(Part { range: self.rest.clone(), validator: None })
        };
        let answer = self.transport.open(&self.url, &ask, &mut self.patience).await?;
        let Some(answer) = answer else { return Err(Error::NotFound { url: shown(&self.url) }) };
        self.stall = Stall::new(self.transport.config().stall);
        let status = answer.status().as_u16();
        let total = self.ranged.unwrap_or(self.rest.end);
        let expected = headers::content_range(&self.rest, total);
        let found = headers::found_range(status, answer.headers());
        if found == expected && !whole {
            (self.skip, self.decoder) = (0, Decoder::Plain);
            let stated = answer.content_length();
            if stated.is_some_and(|stated| stated != self.remaining()) {
                let found = format!("206 with {} bytes", stated.unwrap_or_default());
                return Err(Error::NoRanges { url: shown(&self.url), expected, found });
            }
        } else if self.ranged.is_none() && status == 200 {
            // A server without ranges starts again; what is known is read past, within the same limits.
            self.skip = self.rest.start;
            self.decoder = Decoder::of(&answer, self.asked, &self.url, self.rest.end)?;
            let stated = answer.content_length().filter(|_| self.decoder.is_plain());
            if let Some(found) = stated.filter(|found| *found != self.rest.end) {
                return Err(Error::WrongLength { url: shown(&self.url), expected: self.rest.end, found });
            }
        } else {
            return Err(Error::NoRanges { url: shown(&self.url), expected, found });
        }
        self.answer = Some(answer);
        Ok(())
    }
}
