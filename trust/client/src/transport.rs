//! One HTTP client for metadata and images.

use std::io::{self, Read as _};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, HeaderValue, IF_RANGE, RANGE};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy, Response};
use tokio::time::{sleep, timeout};
use url::Url;

use crate::body::RangeBody;
use crate::coding::{Asked, Decoder};
use crate::config::TransportConfig;
use crate::error::{Error, shown};
use crate::headers;
use crate::location::Location;
use crate::pace::Pace;
use crate::patience::{Patience, jitter};
use crate::redirect;
use crate::watch::{Stall, next_chunk};

/// Fetches files below mirrors. Cheap to clone; clones share connections, counters and the rate limit.
#[derive(Debug, Clone)]
pub struct Transport(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    config: TransportConfig,
    pace: Pace,
    requests: AtomicU64,
    received: AtomicU64,
}

/// What to ask for.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    /// All of a file.
    Whole(Asked),
    /// Some of its bytes, as they are.
    Part(Part),
}

/// A part of a file to ask for, and what must be the same file for the part to fit.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) range: Range<u64>,
    pub(crate) validator: Option<HeaderValue>,
}

impl Transport {
    /// Makes the client. Nothing is connected yet.
    pub fn new(config: TransportConfig) -> Result<Self, Error> {
        Self::with(config, || Policy::custom(redirect::follow))
    }

    /// The same for [`post`](Self::post): what is said to one place is not said to another.
    pub fn without_redirects(config: TransportConfig) -> Result<Self, Error> {
        Self::with(config, Policy::none)
    }

    fn with(config: TransportConfig, policy: fn() -> Policy) -> Result<Self, Error> {
        install_provider();
        let client = match &config.ca_bundle {
            Some(path) => build(&config, Some(authorities(path)?), policy())?,
            // A host without any authorities still reaches its http mirrors; https then fails for itself.
            None => build(&config, None, policy()).or_else(|_| build(&config, Some(Vec::new()), policy()))?,
        };
        let pace = Pace::new(config.limit_rate);
        let (requests, received) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self(Arc::new(Inner { client, config, pace, requests, received })))
    }

    /// A document, whole: `None` when the server does not have it (404, 410). It may come compressed. After a cut it goes on
    /// from there where the server can prove that it is the same file and did not compress it, else anew and as it is.
    ///
    /// # Errors
    /// [`Error::TooLong`] as soon as more than `max_length` bytes are announced or come out; what HTTP throws up.
    pub async fn get(&self, base: &Url, path: &str, max_length: u64) -> Result<Option<Bytes>, Error> {
        let url = join(base, path)?;
        let mut patience = Patience::new(&self.0.config);
        let mut have = BytesMut::new();
        let mut validator = None;
        let mut furthest = 0;
        let mut asked = Asked::Document;
        loop {
            let ask = match validator.take().filter(|_| !have.is_empty()) {
                Some(same) => Ask::Part(Part { range: length(&have)..u64::MAX, validator: Some(same) }),
                None => Ask::Whole(asked),
            };
            let Some(response) = self.open(&url, &ask, &mut patience).await? else {
                return Ok(None);
            };
            if response.status() != 206 {
                have.clear();
            }
            let decoder = Decoder::of(&response, asked, &url, max_length)?;
            // A place in a compressed answer is none in the document.
            let plain = decoder.is_plain();
            validator = headers::validator(response.headers()).filter(|_| plain);
            match self.read_to_end((response, decoder), &url, &mut have, max_length).await {
                Ok(()) => return Ok(Some(have.freeze())),
                Err(error @ (Error::Cut { .. } | Error::Stalled { .. })) => {
                    // A server that starts again and cuts at the same place gets nowhere.
                    patience.progress(length(&have).saturating_sub(furthest));
                    furthest = furthest.max(length(&have));
                    if !plain && asked == Asked::Document {
                        // Fewer bytes of it are had then, and they are what getting on is measured by.
                        (asked, furthest) = (Asked::Uncompressed, 0);
                    }
                    self.pause(&mut patience, error, None).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A metadata file by [`get`](Self::get): what is no JSON object at all is told by its URL, before anybody parses it.
    ///
    /// # Errors
    /// Those of `get`, and [`Error::NotMetadata`].
    pub async fn metadata(&self, base: &Url, path: &str, max_length: u64) -> Result<Option<Bytes>, Error> {
        let bytes = self.get(base, path, max_length).await?;
        match bytes.as_deref().and_then(foreign) {
            Some(found) => Err(Error::NotMetadata { url: shown(&join(base, path)?), found }),
            None => Ok(bytes),
        }
    }

    /// A part of a file of `total` bytes. Only an answer 206 with exactly this range counts. The body resumes by
    /// itself after any cut.
    ///
    /// # Errors
    /// [`Error::NoRanges`] when the server does not serve ranges or lies about them; then [`whole`](Self::whole) is
    /// the way.
    pub async fn range(
        &self,
        base: &Url,
        path: &str,
        range: Range<u64>,
        total: u64,
    ) -> Result<RangeBody, Error> {
        RangeBody::open(self.clone(), join(base, path)?, range, Some(total)).await
    }

    /// A file of `length` bytes as one plain download. After a cut it goes on by range, or, where the server knows
    /// none, reads past what it already has.
    pub async fn whole(&self, base: &Url, path: &str, length: u64) -> Result<RangeBody, Error> {
        RangeBody::open(self.clone(), join(base, path)?, 0..length, None).await
    }

    /// Says something to a server, once: JSON, answered within this time. Returns the status; the answer is not read.
    ///
    /// # Errors
    /// No connection, or no answer in time.
    pub async fn post(&self, url: &Url, json: Vec<u8>, within: Duration) -> Result<u16, Error> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let request = self.0.client.post(url.clone()).header(CONTENT_TYPE, "application/json").body(json);
        match timeout(within, request.send()).await {
            Ok(Ok(response)) => Ok(response.status().as_u16()),
            Ok(Err(source)) => Err(Error::Connect { url: shown(url), source: source.without_url() }),
            Err(_) => Err(Error::Stalled { url: shown(url), at: 0, stall: within }),
        }
    }

    /// Requests sent so far.
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Body bytes received so far.
    pub fn bytes_received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    pub(crate) fn config(&self) -> &TransportConfig {
        &self.0.config
    }

    /// Counts and paces bytes that came.
    pub(crate) async fn account(&self, bytes: u64) {
        self.0.received.fetch_add(bytes, Ordering::Relaxed);
        self.0.pace.spend(bytes).await;
    }

    /// Sends the request until there is an answer worth reading; `None` is "not there".
    pub(crate) async fn open(
        &self,
        url: &Url,
        ask: &Ask,
        patience: &mut Patience,
    ) -> Result<Option<Response>, Error> {
        loop {
            let (error, asked) = match self.send(url, ask).await {
                Ok(response) => match response.status().as_u16() {
                    200 | 206 => return Ok(Some(response)),
                    404 | 410 => return Ok(None),
                    status @ (401 | 403 | 407) => return Err(Error::Denied { url: shown(url), status }),
                    301 | 302 | 303 | 307 | 308 => return Err(redirect::unreadable(url, response.headers())),
                    status @ (408 | 425 | 429 | 500..=599) => {
                        let retry_after = headers::retry_after(response.headers());
                        (Error::Busy { url: shown(url), status, retry_after }, retry_after)
                    }
                    status => return Err(Error::Status { url: shown(url), status }),
                },
                Err(error @ (Error::Redirect { .. } | Error::RedirectAway { .. })) => return Err(error),
                Err(error) => (error, None),
            };
            self.pause(patience, error, asked).await?;
        }
    }

    /// Waits before the next try, or gives up with `error`.
    pub(crate) async fn pause(
        &self,
        patience: &mut Patience,
        error: Error,
        asked: Option<Duration>,
    ) -> Result<(), Error> {
        let Some(pause) = patience.after_failure(asked, jitter()) else { return Err(error) };
        tracing::debug!(%error, ?pause, "trying again");
        sleep(pause).await;
        Ok(())
    }

    async fn send(&self, url: &Url, ask: &Ask) -> Result<Response, Error> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let (name, coding) = match ask {
            Ask::Whole(asked) => asked.header(),
            Ask::Part(_) => Asked::Bytes.header(),
        };
        let mut request = self.0.client.get(url.clone()).header(name, coding);
        if let Ask::Part(Part { range, validator }) = ask {
            let end = range.end < u64::MAX;
            let value = if end { headers::range(range) } else { format!("bytes={}-", range.start) };
            request = request.header(RANGE, value);
            if let Some(validator) = validator {
                request = request.header(IF_RANGE, validator);
            }
        }
        let stall = self.0.config.stall;
        match timeout(stall, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(source)) => {
                Err(redirect::refused(url, &source).unwrap_or_else(|| {
                    // The URL is said once, by us, without credentials.
                    let (redirect, url, source) = (source.is_redirect(), shown(url), source.without_url());
                    if redirect { Error::Redirect { url, source } } else { Error::Connect { url, source } }
                }))
            }
            Err(_) => Err(Error::Stalled { url: shown(url), at: 0, stall }),
        }
    }

    async fn read_to_end(
        &self,
        (mut response, mut decoder): (Response, Decoder),
        url: &Url,
        have: &mut BytesMut,
        limit: u64,
    ) -> Result<(), Error> {
        let too_long = || Error::TooLong { url: shown(url), limit };
        let stated = response.content_length().filter(|_| decoder.is_plain());
        if stated.is_some_and(|more| more > limit.saturating_sub(length(have))) {
            return Err(too_long());
        }
        let mut stall = Stall::new(self.0.config.stall);
        loop {
            let Some(chunk) = next_chunk(&mut response, &mut stall, url, length(have)).await? else {
                return decoder.finish(url, length(have));
            };
            let came = length(&chunk);
            let chunk = decoder.decode(chunk, url)?;
            if length(&chunk) > limit.saturating_sub(length(have)) {
                return Err(too_long());
            }
            have.extend_from_slice(&chunk);
            self.account(came).await;
        }
    }
}

/// The length of what is in memory, as bytes on the wire are counted.
pub(crate) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// What bytes are that begin like no JSON object.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    match bytes.trim_ascii_start().first() {
        Some(b'{') => None,
        Some(b'<') => Some("HTML or XML"),
        Some(_) => Some("other text or bytes"),
        None => Some("nothing"),
    }
}

fn join(base: &Url, path: &str) -> Result<Url, Error> {
    base.join(path).map_err(|_| Error::BadMirror { url: Location::from(base) })
}

fn build(config: &TransportConfig, only: Option<Vec<Certificate>>, policy: Policy) -> Result<Client, Error> {
    let mut builder = ClientBuilder::new()
        .user_agent(&config.user_agent)
        .connect_timeout(config.connect)
        .redirect(policy)
        .default_headers([Asked::Bytes.header()].into_iter().collect())
        .pool_idle_timeout(Duration::from_mins(1))
        .referer(false);
    if config.no_proxy.iter().any(|host| host == "*") {
        builder = builder.no_proxy();
    } else if let Some(proxy) = &config.proxy {
        let source = |source| Error::BadProxy { proxy: Location::of_proxy(proxy), source };
        let except = NoProxy::from_string(&config.no_proxy.join(","));
        builder = builder.proxy(Proxy::all(proxy).map_err(source)?.no_proxy(except));
    }
    if let Some(only) = only {
        builder = builder.tls_certs_only(only);
    }
    builder.build().map_err(|source| Error::Setup { source })
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, Error> {
    let pem = read(path).map_err(|source| Error::ReadCaBundle { path: path.to_owned(), source })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Error::BadCaBundle { path: path.to_owned() }),
    }
}

/// A pipe is not waited for, and a device not read: neither is a file that somebody means.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LONGEST_BUNDLE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_BUNDLE {
        let detail = format!("it is longer than {LONGEST_BUNDLE} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, detail));
    }
    Ok(bytes)
}

/// In bytes. All authorities that browsers know have a quarter of it.
const LONGEST_BUNDLE: u64 = 1 << 20;

/// rustls takes no provider for granted. A second install is refused, which is as good: there is only this one. For clients
/// beside [`Transport`].
pub fn install_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}
