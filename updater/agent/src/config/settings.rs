//! The third layer: what the values mean.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use partition_core::Tries;
use toml::Value;
use trust_client::Location;
use updater_core::{Mode, VersionLock, Window};
use url::Url;
use waves::Seed;

use super::reader::{Reader, seconds};
use super::{
    Error, Fragment, Health, Hooks, Merged, Metrics, Reboot, Report, Serve, Strictness, units, windows,
};

/// Validated and typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where metadata is served; needed by every verb that asks a repository.
    pub metadata_base_url: Option<Url>,
    /// Where targets are served.
    pub targets_base_url: Option<Url>,
    /// More places with the same repository, asked in turn.
    pub mirrors: Vec<Mirror>,
    /// Place in every rollout; `None`: made once and kept in the state folder.
    pub seed: Option<Seed>,
    /// How far the host goes by itself.
    pub mode: Mode,
    /// Which versions the host may have.
    pub version_lock: VersionLock,
    /// Do not wait for this host's turn.
    pub ignore_waves: bool,
    /// Lower versions too, when named.
    pub allow_downgrade: bool,
    /// How long a release is left to others first.
    pub soak: TimeDelta,
    /// Within which time `auto --jitter` begins.
    pub jitter: Duration,
    /// The longest wait of `auto` after the first look in vain; nothing: it does not wait.
    pub backoff: Duration,
    /// The longest wait after any number of them.
    pub backoff_max: Duration,
    /// Proxy for all requests.
    pub https_proxy: Option<String>,
    /// Hosts that are reached without it.
    pub no_proxy: Vec<String>,
    /// PEM file with the authorities to trust for TLS.
    pub ca_bundle: Option<PathBuf>,
    /// User-Agent; `None`: name and version of this program.
    pub user_agent: Option<String>,
    /// Bytes a second.
    pub limit_rate: Option<NonZeroU64>,
    /// How long a transfer may stand still.
    pub stall: Duration,
    /// How long connecting may take.
    pub connect: Duration,
    /// How often a request is tried again.
    pub retries: u32,
    /// The trusted root that came with the image.
    pub root: PathBuf,
    /// When the running image was built: no clock is believed to be earlier.
    pub build_time: Option<DateTime<Utc>>,
    /// Tries of a trial and of a confirmed slot.
    pub tries: Tries,
    /// When the host may restart by itself; empty: always.
    pub windows: Vec<Window>,
    /// The file that names variant and version.
    pub os_release: Option<PathBuf>,
    /// Variant, instead of os-release's.
    pub variant: Option<String>,
    /// Architecture, instead of this program's.
    pub arch: Option<String>,
    /// The disk, instead of the one below `/`.
    pub disk: Option<PathBuf>,
    /// The state folder.
    pub state: PathBuf,
    /// The health gate.
    pub health: Health,
    /// Who is asked before and after a step.
    pub hooks: Hooks,
    /// The daemon.
    pub serve: Serve,
    /// What others may read of this host.
    pub metrics: Metrics,
    /// Who is told what became of an update.
    pub report: Report,
    /// How many keys and files were left out, since they make no sense.
    pub problems: usize,
    /// Who decides when the host restarts by itself.
    pub reboot: Reboot,
}

/// A place that serves the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Where metadata is served.
    pub metadata: Url,
    /// Where targets are served.
    pub targets: Url,
}

impl Settings {
    /// What the values mean, `left_out` keys and files aside. Lenient: a value that makes no sense is left out too, and returned as
    /// a problem.
    pub fn mean(
        merged: &Merged,
        strictness: Strictness,
        left_out: usize,
    ) -> Result<(Settings, Vec<Error>), Error> {
        let mut reader = Reader::new(merged, strictness);
        let windows = reader.typed("windows", windows::windows)?.unwrap_or_default();
        let settings = Settings {
            metadata_base_url: reader.text("metadata_base_url", base)?,
            targets_base_url: reader.text("targets_base_url", base)?,
            mirrors: reader.typed("mirrors", mirrors)?.unwrap_or_default(),
            seed: reader.typed("seed", seed)?,
            mode: reader.text("mode", said)?.unwrap_or_default(),
            version_lock: reader.text("version_lock", said)?.unwrap_or_default(),
            ignore_waves: reader.plain("ignore_waves")?.unwrap_or(false),
            allow_downgrade: reader.plain("allow_downgrade")?.unwrap_or(false),
            soak: reader.measure("soak", soak)?.unwrap_or_default(),
            jitter: reader.measure("jitter", units::span)?.unwrap_or(JITTER),
            backoff: reader.measure("backoff", units::span)?.unwrap_or(BACKOFF),
            backoff_max: reader.measure("backoff_max", units::span)?.unwrap_or(BACKOFF_MAX),
            https_proxy: reader.text("https_proxy", proxy)?.flatten(),
            no_proxy: reader.plain("no_proxy")?.unwrap_or_default(),
            ca_bundle: reader.text("ca_bundle", units::path)?,
            user_agent: reader.text("user_agent", units::header)?,
            limit_rate: reader.measure("limit_rate", units::rate)?,
            stall: reader.measure("stall", silence)?.unwrap_or(STALL),
            connect: reader.measure("connect", silence)?.unwrap_or(CONNECT),
            retries: reader.typed("retries", retries)?.unwrap_or(RETRIES),
            root: reader.text("root", units::path)?.unwrap_or_else(|| PathBuf::from(ROOT)),
            build_time: reader.text("build_time", said)?,
            tries: tries(&mut reader)?,
            os_release: reader.text("os_release", units::path)?,
            variant: reader.text("variant", units::name)?,
            arch: reader.text("arch", units::name)?,
            disk: reader.text("disk", units::path)?,
            state: reader.text("state", units::path)?.unwrap_or_else(|| PathBuf::from(STATE)),
            health: Health::mean(&mut reader)?,
            hooks: Hooks::mean(&mut reader)?,
            serve: Serve::mean(&mut reader)?,
            metrics: Metrics::mean(&mut reader)?,
            report: Report::mean(&mut reader)?,
            reboot: Reboot::mean(&windows, &mut reader)?,
            problems: left_out.saturating_add(reader.problems.len()),
            windows,
        };
        Ok((settings, reader.problems))
    }

    /// Where the repository is, the configured place first.
    pub fn places(&self) -> Result<Vec<Mirror>, Error> {
        let missing = |key| Error::Missing { key };
        let first = Mirror {
            metadata: self.metadata_base_url.clone().ok_or_else(|| missing("metadata_base_url"))?,
            targets: self.targets_base_url.clone().ok_or_else(|| missing("targets_base_url"))?,
        };
        Ok(std::iter::once(first).chain(self.mirrors.iter().cloned()).collect())
    }

    /// The values that stand where no file has any, for `config show`.
    pub fn defaults() -> Fragment {
        let none = || Value::Array(Vec::new());
        let tries = Tries::default();
        [
            ("mode", Mode::default().to_string().into()),
            ("version_lock", VersionLock::default().to_string().into()),
            ("ignore_waves", false.into()),
            ("allow_downgrade", false.into()),
            ("soak", seconds(Duration::ZERO)),
            ("jitter", seconds(JITTER)),
            ("backoff", seconds(BACKOFF)),
            ("backoff_max", seconds(BACKOFF_MAX)),
            ("no_proxy", none()),
            ("mirrors", none()),
            ("windows", none()),
            ("stall", seconds(STALL)),
            ("connect", seconds(CONNECT)),
            ("retries", RETRIES.into()),
            ("root", ROOT.into()),
            ("tries", u32::from(tries.trial()).into()),
            ("confirmed_tries", u32::from(tries.confirmed()).into()),
            ("arch", std::env::consts::ARCH.into()),
            ("os_release", crate::machine::OS_RELEASE.into()),
            ("state", STATE.into()),
        ]
        .into_iter()
        .chain(Health::defaults())
        .chain(Hooks::defaults())
        .chain(Serve::defaults())
        .chain(Report::defaults())
        .chain(Reboot::defaults())
        .collect()
    }
}

/// A base URL; one without a slash at its end gets it, as in Bottlerocket.
fn base(text: &str) -> Result<Url, String> {
    let closed = if text.ends_with('/') { text.to_owned() } else { format!("{text}/") };
    let url: Url = closed
        .parse()
        .map_err(|error| format!("expected a URL, found {:?} ({error})", Location::new(text)))?;
    if matches!(url.scheme(), "http" | "https" | "file") {
        Ok(url)
    } else {
        Err(format!("expected http, https or file, found {:?}", url.scheme()))
    }
}

fn mirrors(list: Vec<super::MirrorFragment>) -> Result<Vec<Mirror>, String> {
    let mirror = |mirror: super::MirrorFragment| {
        Ok(Mirror { metadata: base(&mirror.metadata_base_url)?, targets: base(&mirror.targets_base_url)? })
    };
    list.into_iter().map(mirror).collect()
}

/// `None`: there is none, as Bottlerocket writes it. What was typed is not repeated: it may hold a password.
fn proxy(text: &str) -> Result<Option<String>, String> {
    if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Err(
            "expected a host and a port, or a URL, found one with blanks or control characters".to_owned()
        );
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

fn seed(number: i64) -> Result<Seed, String> {
    let seed = u32::try_from(number).ok().and_then(|number| Seed::new(number).ok());
    seed.ok_or_else(|| format!("expected 0 to {}, found {number}", waves::SEEDS - 1))
}

/// A value that is written as text.
fn said<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn silence(value: &Value) -> Result<Duration, String> {
    units::within(value, SILENCE, "1s to 1h")
}

fn soak(value: &Value) -> Result<TimeDelta, String> {
    let span = units::span(value)?;
    TimeDelta::from_std(span).map_err(|error| error.to_string())
}

fn retries(number: i64) -> Result<u32, String> {
    match u32::try_from(number) {
        Ok(retries) if retries <= 100 => Ok(retries),
        _ => Err(format!("expected 0 to 100, found {number}")),
    }
}

/// Both numbers of tries, the default where one is missing.
fn tries(reader: &mut Reader<'_>) -> Result<Tries, Error> {
    let (trial, confirmed): (Option<i64>, Option<i64>) =
        (reader.plain("tries")?, reader.plain("confirmed_tries")?);
    let key = if trial.is_some() { "tries" } else { "confirmed_tries" };
    let default = Tries::default();
    // Beyond a byte is beyond every range; the largest byte says so in the error.
    let byte = |typed: Option<i64>, default| typed.map_or(default, |n| u8::try_from(n).unwrap_or(u8::MAX));
    let meant = Tries::new(byte(trial, default.trial()), byte(confirmed, default.confirmed()));
    Ok(reader.judge(key, meant.map_err(|error| error.to_string()))?.unwrap_or_default())
}

const ROOT: &str = "/usr/share/updog/root.json";
const STATE: &str = "/var/lib/updog";
const STALL: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
/// In seconds.
const SILENCE: (u64, u64) = (1, 3600);
const RETRIES: u32 = 5;
/// As long as the timer of the container image spreads its starts.
const JITTER: Duration = Duration::from_mins(5);
const BACKOFF: Duration = Duration::from_mins(1);
/// A repository that was down is found again on the same day.
const BACKOFF_MAX: Duration = Duration::from_hours(6);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{fragment, keys};

    fn meant(text: &str) -> Settings {
        let (fragment, _) =
            fragment::parse(Path::new("updog.toml"), text.as_bytes(), Strictness::Strict).unwrap();
        let mut merged = Merged::default();
        merged.add(fragment, Path::new("updog.toml"));
        Settings::mean(&merged, Strictness::Strict, 0).unwrap().0
    }

    /// A key that is listed and that nobody asks for would be taken without a word.
    #[test]
    fn every_key_means_something() {
        let place = "{ metadata_base_url = \"file:///m\", targets_base_url = \"file:///t\" }";
        let window = "[{ start = \"01:00\", end = \"02:00\" }]";
        for (key, kind) in keys::KEYS {
            let value = match key {
                "metadata_base_url" | "targets_base_url" | "report.url" => "\"http://host/\"".to_owned(),
                "mode" => "\"off\"".to_owned(),
                "version_lock" => "\"1.2.3\"".to_owned(),
                "build_time" => "\"2026-01-01T00:00:00Z\"".to_owned(),
                "serve.read" => "\"all\"".to_owned(),
                "serve.group" | "reboot.group" | "variant" | "arch" => "\"x\"".to_owned(),
                "reboot.strategy" => "\"window\"".to_owned(),
                "reboot.endpoints" => "[\"http://host:2379\"]".to_owned(),
                "reboot.client_cert" => "\"/x\"\nclient_key = \"/y\"".to_owned(),
                "reboot.client_key" => "\"/x\"\nclient_cert = \"/y\"".to_owned(),
                "reboot.user" => "\"x\"\npassword_file = \"/y\"".to_owned(),
                "reboot.password_file" => "\"/x\"\nuser = \"y\"".to_owned(),
                // There is one answer so far, which is the default.
                "health.confirmed" => continue,
                _ => match kind {
                    keys::Kind::Text => "\"/x\"".to_owned(),
                    keys::Kind::Texts => "[\"x\"]".to_owned(),
                    keys::Kind::Number => "4".to_owned(),
                    keys::Kind::Flag => "true".to_owned(),
                    keys::Kind::Measure => "41".to_owned(),
                    keys::Kind::Mirrors => format!("[{place}]"),
                    keys::Kind::Windows => window.to_owned(),
                },
            };
            // A strategy that waits for windows needs one.
            let beside =
                if key == "reboot.strategy" { format!("windows = {window}\n") } else { String::new() };
            let text = key.split_once('.').map_or_else(
                || format!("{key} = {value}\n"),
                |(section, key)| format!("[{section}]\n{key} = {value}\n"),
            );
            assert_ne!(meant(&format!("{beside}{text}")), meant(&beside), "{text}");
        }
    }

    #[test]
    fn defaults_mean_what_no_file_means() {
        let mut merged = Merged::default();
        merged.add(Settings::defaults(), Path::new("defaults"));
        let (shown, _) = Settings::mean(&merged, Strictness::Strict, 0).unwrap();
        let settings = meant("");
        // What the host itself knows is shown, and not set.
        let (arch, os_release) = (shown.arch.clone(), shown.os_release.clone());
        assert_eq!(shown, Settings { os_release, arch, ..settings });
    }
}
