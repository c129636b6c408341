//! `[reboot]`: who decides when the host restarts by itself.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;
use updater_core::{Strategy, Window};
use url::Url;

use super::{Error, Words, units};

/// The keys of `[reboot]` in one file. `None`: the file does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RebootFragment {
    /// `immediate`, `window` or `etcd`.
    pub strategy: Option<String>,
    /// Where the members of the etcd cluster listen.
    pub endpoints: Option<Vec<String>>,
    /// The group of hosts.
    pub group: Option<String>,
    /// How many of them may restart at a time.
    pub slots: Option<i64>,
    /// How long a host that does not return keeps its permit.
    pub max_hold: Option<Value>,
    /// How long one question to one member may take.
    pub timeout: Option<Value>,
    /// What all keys in etcd begin with.
    pub prefix: Option<String>,
    /// PEM file with the certificate that this host shows.
    pub client_cert: Option<String>,
    /// PEM file with its key.
    pub client_key: Option<String>,
    /// As whom this host logs in.
    pub user: Option<String>,
    /// File with the password.
    pub password_file: Option<String>,
}

/// Validated and typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reboot {
    /// Who decides.
    pub strategy: Strategy,
    /// Where the members of the etcd cluster listen.
    pub endpoints: Vec<Url>,
    /// The group of hosts.
    pub group: String,
    /// How many of them may restart at a time.
    pub slots: u32,
    /// How long a host that does not return keeps its permit.
    pub max_hold: Duration,
    /// How long one question to one member may take.
    pub timeout: Duration,
    /// What all keys in etcd begin with.
    pub prefix: String,
    /// PEM files with the certificate that this host shows, and its key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// As whom this host logs in, and the file with the password.
    pub login: Option<(String, PathBuf)>,
}

impl RebootFragment {
    /// Reads one key; `None`: there is no such key.
    pub(super) fn set(&mut self, key: &str, value: Value) -> Option<Result<(), Words>> {
        Some(match key {
            "reboot.strategy" => units::read(&mut self.strategy, value),
            "reboot.endpoints" => units::read(&mut self.endpoints, value),
            "reboot.group" => units::read(&mut self.group, value),
            "reboot.slots" => units::read(&mut self.slots, value),
            "reboot.max_hold" => units::read(&mut self.max_hold, value),
            "reboot.timeout" => units::read(&mut self.timeout, value),
            "reboot.prefix" => units::read(&mut self.prefix, value),
            "reboot.client_cert" => units::read(&mut self.client_cert, value),
            "reboot.client_key" => units::read(&mut self.client_key, value),
            "reboot.user" => units::read(&mut self.user, value),
            "reboot.password_file" => units::read(&mut self.password_file, value),
            _ => return None,
        })
    }

    /// The value of a key as TOML.
    pub(super) fn value(&self, key: &str) -> Option<Value> {
        match key {
            "reboot.strategy" => self.strategy.as_deref().map(Value::from),
            "reboot.endpoints" => self.endpoints.clone().map(Value::from),
            "reboot.group" => self.group.as_deref().map(Value::from),
            "reboot.slots" => self.slots.map(Value::from),
            "reboot.max_hold" => self.max_hold.clone(),
            "reboot.timeout" => self.timeout.clone(),
            "reboot.prefix" => self.prefix.as_deref().map(Value::from),
            "reboot.client_cert" => self.client_cert.as_deref().map(Value::from),
            "reboot.client_key" => self.client_key.as_deref().map(Value::from),
            "reboot.user" => self.user.as_deref().map(Value::from),
            "reboot.password_file" => self.password_file.as_deref().map(Value::from),
            _ => None,
        }
    }

    /// These values, and `below` where there are none.
    pub(super) fn over(self, below: RebootFragment) -> RebootFragment {
        RebootFragment {
            strategy: self.strategy.or(below.strategy),
            endpoints: self.endpoints.or(below.endpoints),
            group: self.group.or(below.group),
            slots: self.slots.or(below.slots),
            max_hold: self.max_hold.or(below.max_hold),
            timeout: self.timeout.or(below.timeout),
            prefix: self.prefix.or(below.prefix),
            client_cert: self.client_cert.or(below.client_cert),
            client_key: self.client_key.or(below.client_key),
            user: self.user.or(below.user),
            password_file: self.password_file.or(below.password_file),
        }
    }

    /// The values that stand where no file has any.
    pub(super) fn defaults() -> RebootFragment {
        let default = Reboot::default();
        let secs = |span: Duration| Some(Value::from(format!("{}s", span.as_secs())));
        RebootFragment {
            strategy: Some(default.strategy.to_string()),
            endpoints: Some(Vec::new()),
            group: Some(default.group),
            slots: Some(default.slots.into()),
            max_hold: secs(default.max_hold),
            timeout: secs(default.timeout),
            prefix: Some(default.prefix),
            ..RebootFragment::default()
        }
    }
}

impl Reboot {
    /// What the values mean, beside these windows.
    pub(super) fn mean(
        values: &RebootFragment,
        windows: &[Window],
        reader: &mut super::settings::Reader<'_>,
    ) -> Result<Reboot, Error> {
        let default = Reboot::default();
        let endpoints = reader
            .read("reboot.endpoints", values.endpoints.as_ref(), |list| endpoints(list))?
            .unwrap_or_default();
        let strategy = reader.read("reboot.strategy", values.strategy.as_ref(), |word| {
            match word.parse().map_err(|error: updater_core::ParseStrategy| error.to_string())? {
                Strategy::Window if windows.is_empty() => {
                    Err("\"window\" expects at least one of [[windows]], found none".to_owned())
                }
                Strategy::Etcd if endpoints.is_empty() => {
                    Err("\"etcd\" expects at least one of reboot.endpoints, found none".to_owned())
                }
                strategy => Ok(strategy),
            }
        })?;
        let (cert, key) = (values.client_cert.as_ref(), values.client_key.as_ref());
        let named = if cert.is_some() { "reboot.client_cert" } else { "reboot.client_key" };
        let client = reader
            .read(named, cert.or(key), |_| both(cert.zip(key), "reboot.client_cert and reboot.client_key"))?;
        let (user, file) = (values.user.as_ref(), values.password_file.as_ref());
        let named = if user.is_some() { "reboot.user" } else { "reboot.password_file" };
        let login = reader
            .read(named, user.or(file), |_| both(user.zip(file), "reboot.user and reboot.password_file"))?;
        Ok(Reboot {
            strategy: strategy.unwrap_or_default(),
            endpoints,
            group: reader
                .read("reboot.group", values.group.as_ref(), |name| group(name))?
                .unwrap_or(default.group),
            slots: reader
                .read("reboot.slots", values.slots.as_ref(), |count| slots(*count))?
                .unwrap_or(default.slots),
            max_hold: reader
                .read("reboot.max_hold", values.max_hold.as_ref(), |span| within(span, HOLD, "5s to 7d"))?
                .unwrap_or(default.max_hold),
            timeout: reader
                .read("reboot.timeout", values.timeout.as_ref(), |span| within(span, ANSWER, "1s to 60s"))?
                .unwrap_or(default.timeout),
            prefix: reader
                .read("reboot.prefix", values.prefix.as_ref(), |text| prefix(text))?
                .unwrap_or(default.prefix),
            client: client.map(|(cert, key)| (PathBuf::from(cert), PathBuf::from(key))),
            login: login.map(|(user, file)| (user.to_owned(), PathBuf::from(file))),
        })
    }
}

impl Default for Reboot {
    fn default() -> Reboot {
        Reboot {
            strategy: Strategy::default(),
            endpoints: Vec::new(),
            group: "default".to_owned(),
            slots: 1,
            max_hold: Duration::from_mins(30),
            timeout: Duration::from_secs(5),
            prefix: "/updog/reboot".to_owned(),
            client: None,
            login: None,
        }
    }
}

/// Two values of which neither makes sense without the other.
fn both<'a>(given: Option<(&'a String, &'a String)>, names: &str) -> Result<(&'a str, &'a str), String> {
    let (one, other) = given.ok_or_else(|| format!("expected {names}, found one of them"))?;
    Ok((one, other))
}

fn endpoints(list: &[String]) -> Result<Vec<Url>, String> {
    let endpoint = |text: &String| {
        // They would be in messages and logs. What is wrong with them is not said by showing them.
        if text.contains('@') {
            return Err("expected URLs without user and password, found one with \"@\"".to_owned());
        }
        let url: Url = text.parse().map_err(|error| format!("expected a URL, found {text:?} ({error})"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("expected http or https, found {:?}", url.scheme()));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(format!("expected a scheme, a host and a port, found {text:?}"));
        }
        Ok(url)
    };
    list.iter().map(endpoint).collect()
}

fn group(name: &str) -> Result<String, String> {
    let letter = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(letter) {
        return Ok(name.to_owned());
    }
    Err(format!("expected 1 to 64 of A-Z, a-z, 0-9, \".\", \"_\" and \"-\", found {name:?}"))
}

fn slots(count: i64) -> Result<u32, String> {
    let slots = u32::try_from(count).ok().filter(|count| (1..=100).contains(count));
    slots.ok_or_else(|| format!("expected 1 to 100, found {count}"))
}

fn prefix(text: &str) -> Result<String, String> {
    let bare = text.trim_end_matches('/');
    if (1..=200).contains(&bare.len()) && bare.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(bare.to_owned());
    }
    Err(format!("expected 1 to 200 printable ASCII characters without spaces, found {text:?}"))
}

fn within(value: &Value, (least, most): (u64, u64), expected: &str) -> Result<Duration, String> {
    let span = units::span(value)?;
    if (least..=most).contains(&span.as_secs()) {
        return Ok(span);
    }
    Err(format!("expected {expected}, found {}s", span.as_secs()))
}

/// In seconds. etcd's shortest lease is 2 s, and no host restarts in less than some.
const HOLD: (u64, u64) = (5, 7 * 86_400);
const ANSWER: (u64, u64) = (1, 60);
