//! etcd, by its JSON gateway: leases, and keys that they keep. Whatever an answer says, the worst that comes of it is that a host
//! waits, or restarts when it should not yet: nothing here is about what is installed.

mod error;
mod wire;

use std::cell::OnceCell;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::header::AUTHORIZATION;
use reqwest::{Certificate, Client, ClientBuilder, Identity, redirect};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use updater_core::plain;
use url::Url;

use crate::config::Settings;
use crate::interrupt::Interrupt;
use crate::state::file;

pub use error::Error;
use wire::Call;
pub(crate) use wire::{Created, Entry};

/// The members of a cluster, asked in turn until one answers.
#[derive(Debug)]
pub(crate) struct Etcd {
    runtime: Runtime,
    client: Client,
    endpoints: Vec<Url>,
    timeout: Duration,
    /// For all questions together, and when it is over.
    all: (Duration, Instant),
    interrupt: Interrupt,
    login: Option<Login>,
}

/// As whom this host asks; nothing of it is ever shown.
struct Login {
    user: String,
    password: String,
    token: OnceCell<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// What came of one question to one member.
enum Asked {
    Answer(Value),
    /// Another member may know better.
    Elsewhere(String),
    /// The lease is not there.
    NoLease,
    Failed(Error),
}

impl Etcd {
    /// Nothing is connected yet.
    pub(crate) fn new(config: &Settings, interrupt: Interrupt) -> Result<Etcd, Error> {
        let setup = |detail: String| Error::Setup { detail };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| setup(error.to_string()))?;
        let timeout = config.reboot.timeout;
        let client = client(config, timeout).map_err(setup)?;
        let login = login(config).map_err(setup)?;
        let endpoints = config.reboot.endpoints.clone();
        let members = u32::try_from(endpoints.len()).unwrap_or(u32::MAX);
        let span = timeout.saturating_mul(QUESTIONS).saturating_mul(members).min(LONGEST_SPAN);
        let all = (span, Instant::now() + span);
        Ok(Etcd { runtime, client, endpoints, timeout, all, interrupt, login })
    }

    /// A lease that ends by itself after this time.
    pub(crate) fn grant(&self, ttl: Duration) -> Result<i64, Error> {
        let granted = self.ask(&wire::grant(ttl.as_secs()), wire::granted)?;
        granted.ok_or_else(|| self.no_sense("get a lease from etcd"))
    }

    /// Lets a lease live for its whole time once more; `false`: it has ended.
    pub(crate) fn renew(&self, lease: i64) -> Result<bool, Error> {
        Ok(self.ask(&wire::keep_alive(lease), wire::left)?.is_some_and(|left| left > 0))
    }

    /// Ends a lease, and every key that it keeps; `false`: it had ended.
    pub(crate) fn revoke(&self, lease: i64) -> Result<bool, Error> {
        let ended = |answer: &Value| answer.get("header").map(|_| ());
        Ok(self.ask(&wire::revoke(lease), ended)?.is_some())
    }

    /// All keys that begin with `prefix`.
    pub(crate) fn below(&self, prefix: &str) -> Result<Vec<Entry>, Error> {
        let entries = self.ask(&wire::below(prefix, MOST_KEYS), wire::entries)?;
        entries.ok_or_else(|| self.no_sense("read the group from etcd"))
    }

    /// Makes a key, unless it is there.
    pub(crate) fn create(&self, key: &str, value: &[u8], lease: i64) -> Result<Created, Error> {
        let created = self.ask(&wire::create(key, value, lease), wire::created)?;
        created.ok_or_else(|| self.no_sense("take a permit in etcd"))
    }

    /// Where a lease is no part of the question, or has just been granted.
    fn no_sense(&self, call: &'static str) -> Error {
        let endpoint = self.endpoints.first().map(shown).unwrap_or_default();
        Error::NoAnswer { call, tried: vec![format!("{endpoint}: the lease is not there")] }
    }

    /// Asks, as whom the configuration says; `None`: the lease in the question is not there.
    fn ask<T>(&self, call: &Call, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, Error> {
        let Some(login) = &self.login else { return self.ask_each(call, None, read) };
        if login.token.get().is_none() {
            let token = self.ask_each(&wire::log_in(&login.user, &login.password), None, wire::token)?;
            // There was none before, and nobody else is here.
            let _ = login.token.set(token.unwrap_or_default());
        }
        self.ask_each(call, login.token.get(), read)
    }

    /// Asks one member after the other.
    fn ask_each<T>(
        &self,
        call: &Call,
        token: Option<&String>,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let mut tried = Vec::new();
        for endpoint in &self.endpoints {
            if Instant::now() >= self.all.1 {
                tried.push(format!("the {} s for all questions together are over", self.all.0.as_secs()));
                break;
            }
            let asked = self.runtime.block_on(self.interrupt.or_end(self.once(endpoint, call, token)));
            let why = match asked {
                None => return Err(Error::Interrupted),
                Some(Asked::NoLease) => return Ok(None),
                Some(Asked::Failed(error)) => return Err(error),
                Some(Asked::Elsewhere(why)) => why,
                Some(Asked::Answer(answer)) => match read(&answer) {
                    Some(meant) => return Ok(Some(meant)),
                    None => "the answer is none of etcd's".to_owned(),
                },
            };
            tried.push(format!("{}: {why}", shown(endpoint)));
        }
        Err(Error::NoAnswer { call: call.name, tried })
    }

    /// Asks one member.
    async fn once(&self, endpoint: &Url, call: &Call, token: Option<&String>) -> Asked {
        let late = || Asked::Elsewhere(format!("no answer within {} s", self.timeout.as_secs()));
        let answer = match tokio::time::timeout(self.timeout, self.post(endpoint, call, token)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(why)) => return Asked::Elsewhere(why),
            Err(_) => return late(),
        };
        let Some((code, said)) = wire::refusal(&answer) else { return Asked::Answer(answer) };
        let (call, endpoint) = (call.name, shown(endpoint));
        match code {
            NOT_FOUND => Asked::NoLease,
            RESOURCE_EXHAUSTED if said.contains("space exceeded") => {
                Asked::Failed(Error::Full { call, endpoint, said })
            }
            PERMISSION_DENIED | UNAUTHENTICATED => Asked::Failed(Error::Denied { call, endpoint, said }),
            INVALID_ARGUMENT if NO_LOGIN.iter().any(|words| said.contains(words)) => {
                Asked::Failed(Error::Denied { call, endpoint, said })
            }
            _ => Asked::Elsewhere(said),
        }
    }

    async fn post(&self, endpoint: &Url, call: &Call, token: Option<&String>) -> Result<Value, String> {
        let url = endpoint.join(call.path).map_err(|error| error.to_string())?;
        let started = Instant::now();
        let mut request = self.client.post(url).body(call.body.to_string());
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        let mut response = request.send().await.map_err(|error| causes(&error.without_url()))?;
        let status = response.status();
        let mut have = Vec::new();
        while let Some(more) = response.chunk().await.map_err(|error| causes(&error.without_url()))? {
            have.extend_from_slice(&more);
            if have.len() > LONGEST {
                return Err(format!("expected an answer of at most {LONGEST} bytes, found more"));
            }
            // A stream is asked one thing, and says one.
            if more.last() == Some(&b'\n') {
                break;
            }
        }
        tracing::debug!(call = call.name, %status, took = ?started.elapsed(), "etcd has answered");
        let answer = serde_json::from_slice::<Value>(&have);
        match answer {
            Ok(answer) if status.is_success() || wire::refusal(&answer).is_some() => Ok(answer),
            Ok(_) => Err(format!("expected status 200, found {}", status.as_u16())),
            Err(_) if !status.is_success() => Err(format!("expected status 200, found {}", status.as_u16())),
            Err(_) => Err("the answer is no JSON".to_owned()),
        }
    }
}

/// Never by a proxy, and never elsewhere: the members are named one by one.
fn client(config: &Settings, timeout: Duration) -> Result<Client, String> {
    trust_client::install_provider();
    let mut builder = ClientBuilder::new()
        .no_proxy()
        .connect_timeout(timeout)
        .redirect(redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("updog/", env!("CARGO_PKG_VERSION")));
    let only = |pem: &[u8]| Certificate::from_pem_bundle(pem).ok().filter(|list| !list.is_empty());
    if let Some(path) = &config.ca_bundle {
        let list = only(&read(path)?).ok_or_else(|| format!("{} has no certificates", path.display()))?;
        builder = builder.tls_certs_only(list);
    } else if config.reboot.endpoints.iter().all(|endpoint| endpoint.scheme() == "http") {
        // A host without any authorities reaches members without TLS.
        builder = builder.tls_certs_only(Vec::new());
    }
    if let Some((cert, key)) = &config.reboot.client {
        let mut pem = read(cert)?;
        pem.push(b'\n');
        pem.extend(read(key)?);
        let identity = Identity::from_pem(&pem).map_err(|_| {
            format!("{} and {} are no certificate with its key", cert.display(), key.display())
        })?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(|error| causes(&error))
}

fn login(config: &Settings) -> Result<Option<Login>, String> {
    let Some((user, file)) = &config.reboot.login else { return Ok(None) };
    let text = String::from_utf8(read(file)?).map_err(|_| format!("{} is no UTF-8", file.display()))?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    if password.is_empty() {
        return Err(format!("{} has no password in its first line", file.display()));
    }
    Ok(Some(Login { user: user.clone(), password, token: OnceCell::new() }))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    file::whole(path, file::TEXT).map_err(|error| format!("failed to read {}: {error}", path.display()))
}

fn shown(endpoint: &Url) -> String {
    endpoint.as_str().trim_end_matches('/').to_owned()
}

/// The last of the causes says what has happened; those before it say that it was HTTP.
fn causes(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    plain(&last.to_string(), 200)
}

/// More than any group has.
const MOST_KEYS: u32 = 256;
/// Answered as late as may be by all members, so many are asked: more than any turn has that goes on.
const QUESTIONS: u32 = 10;
/// Whatever is configured.
const LONGEST_SPAN: Duration = Duration::from_mins(30);
/// In bytes.
const LONGEST: usize = 1 << 20;

/// Codes of gRPC.
const INVALID_ARGUMENT: i64 = 3;
const NOT_FOUND: i64 = 5;
const PERMISSION_DENIED: i64 = 7;
const RESOURCE_EXHAUSTED: i64 = 8;
const UNAUTHENTICATED: i64 = 16;

/// In etcd's words, which have the code of a question that makes no sense.
const NO_LOGIN: [&str; 2] = ["authentication failed", "user name is empty"];
