//! A document on its way may be compressed. That is between the server and us: what the bytes are is decided, as before,
//! by length and digest of what comes out (docs/decisions/0062).

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;
use reqwest::Response;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::error::{Error, shown};
use crate::transport::length;

/// What one request asks for: with the coding of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A document, whole: compressed if the server can.
    Document,
    /// The same, after a compressed answer broke off: what comes as it is goes on by range after the next cut.
    Uncompressed,
    /// The bytes of the file as they are, or a part of them.
    Bytes,
}

impl Asked {
    /// A whole file of this name and length. Payload, indexes and bundles are compressed already.
    pub(crate) fn for_file(path: &str, length: u64) -> Self {
        let document = path.strip_suffix(".json").is_some() && length <= LONGEST_DOCUMENT;
        if document { Self::Document } else { Self::Bytes }
    }

    pub(crate) fn header(self) -> (HeaderName, HeaderValue) {
        let wanted = match self {
            Self::Document => "gzip",
            Self::Uncompressed | Self::Bytes => "identity",
        };
        (ACCEPT_ENCODING, HeaderValue::from_static(wanted))
    }
}

/// Makes the bytes of a file of those of an answer.
#[derive(Debug)]
pub(crate) enum Decoder {
    /// They are the same.
    Plain,
    /// They come by gzip.
    Gzip(Box<Gunzip>),
    /// What the server calls them, the first byte tells: there are servers that call a file coded for its name, or for how it was
    /// uploaded, which is as it is.
    Labelled { label: String, limit: u64 },
}

impl Decoder {
    /// For this answer, of which at most `limit` bytes may come out.
    ///
    /// # Errors
    /// [`Error::Coding`] for a coded part of a document.
    pub(crate) fn of(response: &Response, asked: Asked, url: &Url, limit: u64) -> Result<Self, Error> {
        let label = codings(response.headers());
        if asked == Asked::Bytes || label.is_empty() {
            // Whether a labelled payload was changed, its length and digest say.
            return Ok(Self::Plain);
        }
        // A part of coded bytes is no part of the document.
        if response.status() == 206 {
            return Err(refused(url, "none for a part", &label));
        }
        Ok(Self::Labelled { label, limit })
    }

    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }

    /// What comes out when `chunk` is all that came; `url` is for the error.
    pub(crate) fn decode(&mut self, chunk: Bytes, url: &Url) -> Result<Bytes, Error> {
        match self {
            Self::Plain | Self::Gzip(_) => self.decode_known(chunk, url),
            Self::Labelled { label, limit } => {
                let Some(first) = chunk.first() else { return Ok(chunk) };
                *self = match &**label {
                    // Documents are JSON objects.
                    _ if *first == b'{' || first.is_ascii_whitespace() => Self::Plain,
                    "gzip" | "x-gzip" => Self::Gzip(Box::new(Gunzip::new(*limit))),
                    label => return Err(refused(url, "gzip or none", label)),
                };
                self.decode_known(chunk, url)
            }
        }
    }

    fn decode_known(&mut self, chunk: Bytes, url: &Url) -> Result<Bytes, Error> {
        match self {
            Self::Gzip(gunzip) => gunzip.decode(&chunk).map_err(|fault| fault.at(url, gunzip.limit)),
            Self::Plain | Self::Labelled { .. } => Ok(chunk),
        }
    }

    /// Whether the answer may end here, when `at` bytes came out: a server or proxy that was cut off can end it cleanly, too
    /// early.
    pub(crate) fn finish(&mut self, url: &Url, at: u64) -> Result<(), Error> {
        let gunzip = match self {
            Self::Plain => return Ok(()),
            Self::Labelled { .. } => return Err(Error::Cut { url: shown(url), at }),
            Self::Gzip(gunzip) => gunzip,
        };
        gunzip.decoder.try_finish().map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => Error::Cut { url: shown(url), at },
            _ => Fault::Damaged(source).at(url, gunzip.limit),
        })
    }
}

/// A gzip stream, of which memory holds 32 KiB and what came out of one chunk.
#[derive(Debug)]
pub(crate) struct Gunzip {
    decoder: MultiGzDecoder<Room>,
    limit: u64,
    /// Bytes that may still come on the wire: a stream can go on for ever without anything coming out.
    wire: u64,
}

/// What came out, up to the limit.
#[derive(Debug)]
struct Room {
    bytes: BytesMut,
    left: u64,
    over: bool,
}

enum Fault {
    TooLong,
    Damaged(io::Error),
}

impl Gunzip {
    fn new(limit: u64) -> Self {
        let room = Room { bytes: BytesMut::new(), left: limit, over: false };
        // What does not compress gets longer by five bytes in 16 KiB, and a header.
        let wire = limit.saturating_add(limit / 64).saturating_add(4096);
        Self { decoder: MultiGzDecoder::new(room), limit, wire }
    }

    fn decode(&mut self, chunk: &[u8]) -> Result<Bytes, Fault> {
        self.wire = self.wire.checked_sub(length(chunk)).ok_or(Fault::TooLong)?;
        let written = self.decoder.write_all(chunk).and_then(|()| self.decoder.flush());
        let room = self.decoder.get_mut();
        match written {
            Ok(()) => Ok(room.bytes.split().freeze()),
            Err(_) if room.over => Err(Fault::TooLong),
            Err(source) => Err(Fault::Damaged(source)),
        }
    }
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(left) = self.left.checked_sub(length(bytes)) else {
            self.over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.left = left;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Fault {
    fn at(self, url: &Url, limit: u64) -> Error {
        match self {
            Self::TooLong => Error::TooLong { url: shown(url), limit },
            Self::Damaged(source) => Error::Damaged { url: shown(url), source },
        }
    }
}

fn refused(url: &Url, expected: &'static str, found: &str) -> Error {
    Error::Coding { url: shown(url), expected, found: found.chars().take(LONGEST).collect() }
}

/// All codings of an answer in the order in which they were applied, in small letters; empty: none.
fn codings(headers: &HeaderMap) -> String {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let values: Vec<&str> = values.map(|value| value.to_str().unwrap_or("bytes that are no text")).collect();
    let codings = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    let codings = codings.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
    codings.collect::<Vec<&str>>().join(", ").to_ascii_lowercase()
}

/// Letters of a header that a message has room for.
const LONGEST: usize = 40;
/// In bytes; the longest that metadata may have. What is longer is streamed, and compressed by whoever made it.
const LONGEST_DOCUMENT: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_json_is_asked_for_compressed() {
        for (path, length, asked) in [
            ("a.manifest.json", 2_000_000, Asked::Document),
            ("a.manifest.json", LONGEST_DOCUMENT + 1, Asked::Bytes),
            ("a.tiny-x86_64-1.0.0-root.img.zst", 10, Asked::Bytes),
            ("a.tiny-x86_64-1.0.0-root.idx", 10, Asked::Bytes),
        ] {
            assert_eq!(Asked::for_file(path, length), asked, "{path}");
        }
    }

    #[test]
    fn codings_are_read_over_all_headers() {
        for (values, found) in [
            (&[][..], ""),
            (&["identity"], ""),
            (&["GZip"], "gzip"),
            (&["gzip, gzip"], "gzip, gzip"),
            (&["gzip", "br"], "gzip, br"),
            (&["\u{e9}"], "bytes that are no text"),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            assert_eq!(codings(&headers), found);
        }
    }
}
