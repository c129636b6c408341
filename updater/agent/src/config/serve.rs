//! `[serve]`: the daemon, who may talk to it, and how often it looks.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

use super::reader::Reader;
use super::{Error, units};

/// Validated and typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serve {
    /// The socket.
    pub socket: PathBuf,
    /// The group whose members may act, root aside.
    pub group: String,
    /// Who may read.
    pub read: Readers,
    /// How long after one turn the next one comes, at most.
    pub interval: Duration,
}

/// Who may read and not act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readers {
    /// Nobody but those who may act.
    #[default]
    Group,
    /// Everybody on this host.
    All,
}

impl Serve {
    /// What the values mean.
    pub(super) fn mean(reader: &mut Reader<'_>) -> Result<Serve, Error> {
        let default = Serve::default();
        Ok(Serve {
            socket: reader.text("serve.socket", socket)?.unwrap_or(default.socket),
            group: reader.text("serve.group", group)?.unwrap_or(default.group),
            read: reader.text("serve.read", readers)?.unwrap_or_default(),
            interval: reader.measure("serve.interval", interval)?.unwrap_or(default.interval),
        })
    }
}

impl Serve {
    /// The values that stand where no file has any.
    pub(super) fn defaults() -> [(&'static str, Value); 4] {
        let Serve { socket, group, read, interval } = Serve::default();
        [
            ("serve.socket", socket.display().to_string().into()),
            ("serve.group", group.into()),
            ("serve.read", read.as_str().into()),
            ("serve.interval", format!("{}m", interval.as_secs() / 60).into()),
        ]
    }
}

impl Default for Serve {
    fn default() -> Serve {
        Serve {
            socket: PathBuf::from("/run/updog/api.sock"),
            group: "updog".to_owned(),
            read: Readers::default(),
            interval: Duration::from_hours(1),
        }
    }
}

impl Readers {
    /// As in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Readers::Group => "group",
            Readers::All => "all",
        }
    }
}

/// A path that an address of a Unix socket can hold.
fn socket(text: &str) -> Result<PathBuf, String> {
    if !text.starts_with('/') {
        return Err(format!("expected a path from /, found {text:?}"));
    }
    if text.len() > SOCKET_MAX {
        return Err(format!("expected a path of at most {SOCKET_MAX} bytes, found {}", text.len()));
    }
    Ok(PathBuf::from(text))
}

fn group(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if text.is_empty() || text.len() > 32 || !text.chars().all(plain) {
        return Err(format!("expected the name of a group, found {text:?}"));
    }
    Ok(text.to_owned())
}

fn readers(text: &str) -> Result<Readers, String> {
    [Readers::Group, Readers::All]
        .into_iter()
        .find(|readers| readers.as_str() == text)
        .ok_or_else(|| format!("expected \"group\" or \"all\", found {text:?}"))
}

fn interval(value: &Value) -> Result<Duration, String> {
    let span = units::span(value)?;
    if (INTERVAL_MIN..=INTERVAL_MAX).contains(&span) {
        Ok(span)
    } else {
        Err(format!("expected \"10s\" to \"30d\", found {} seconds", span.as_secs()))
    }
}

/// `sockaddr_un` holds 108 bytes, the closing zero among them.
const SOCKET_MAX: usize = 107;
/// A repository is not asked more often by a host that asks by itself.
const INTERVAL_MIN: Duration = Duration::from_secs(10);
const INTERVAL_MAX: Duration = Duration::from_hours(30 * 24);
