//! `[reboot]`: who decides when the host restarts by itself.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;
use updater_core::{Strategy, Window};
use url::Url;

use super::reader::{Reader, seconds};
use super::{Error, units};

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

impl Reboot {
    /// What the values mean, beside these windows.
    pub(super) fn mean(windows: &[Window], reader: &mut Reader<'_>) -> Result<Reboot, Error> {
        let default = Reboot::default();
        let endpoints = reader.typed("reboot.endpoints", endpoints)?.unwrap_or_default();
        let strategy = reader.text("reboot.strategy", |word| {
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
        let client = both(reader, "reboot.client_cert", "reboot.client_key")?;
        let login = both(reader, "reboot.user", "reboot.password_file")?;
        Ok(Reboot {
            strategy: strategy.unwrap_or_default(),
            endpoints,
            group: reader.text("reboot.group", group)?.unwrap_or(default.group),
            slots: reader.typed("reboot.slots", slots)?.unwrap_or(default.slots),
            max_hold: reader
                .measure("reboot.max_hold", |span| units::within(span, HOLD, "5s to 7d"))?
                .unwrap_or(default.max_hold),
            timeout: reader
                .measure("reboot.timeout", |span| units::within(span, ANSWER, "1s to 60s"))?
                .unwrap_or(default.timeout),
            prefix: reader.text("reboot.prefix", prefix)?.unwrap_or(default.prefix),
            client: client.map(|(cert, key)| (PathBuf::from(cert), PathBuf::from(key))),
            login: login.map(|(user, file)| (user, PathBuf::from(file))),
        })
    }
}

impl Reboot {
    /// The values that stand where no file has any.
    pub(super) fn defaults() -> [(&'static str, Value); 7] {
        let default = Reboot::default();
        [
            ("reboot.strategy", default.strategy.to_string().into()),
            ("reboot.endpoints", Value::Array(Vec::new())),
            ("reboot.group", default.group.into()),
            ("reboot.slots", default.slots.into()),
            ("reboot.max_hold", seconds(default.max_hold)),
            ("reboot.timeout", seconds(default.timeout)),
            ("reboot.prefix", default.prefix.into()),
        ]
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

/// Two texts of which neither makes sense without the other.
fn both(
    reader: &mut Reader<'_>,
    one: &'static str,
    other: &'static str,
) -> Result<Option<(String, String)>, Error> {
    let found = match (reader.plain(one)?, reader.plain(other)?) {
        (None, None) => return Ok(None),
        (Some(first), Some(second)) => return Ok(Some((first, second))),
        (Some::<String>(_), None::<String>) => one,
        (None, Some(_)) => other,
    };
    reader.judge(found, Err(format!("expected {one} and {other}, found one of them")))
}

fn endpoints(list: Vec<String>) -> Result<Vec<Url>, String> {
    let endpoint = |text: String| {
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
    list.into_iter().map(endpoint).collect()
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

/// In seconds. etcd's shortest lease is 2 s, and no host restarts in less than some.
const HOLD: (u64, u64) = (5, 7 * 86_400);
const ANSWER: (u64, u64) = (1, 60);
