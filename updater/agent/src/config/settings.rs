//! The third layer: what the values mean.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use partition_core::Tries;
use trust_client::Location;
use updater_core::{Mode, VersionLock, Window};
use url::Url;
use waves::Seed;

use super::{
    Error, Fragment, Health, HealthFragment, Hooks, HooksFragment, Merged, Metrics, Reboot, RebootFragment,
    Report, SeenFragment, Serve, ServeFragment, Strictness, units, windows,
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
        let mut reader = Reader { merged, strictness, problems: Vec::new() };
        let values = &merged.values;
        let tries = (values.tries, values.confirmed_tries);
        let tries_key = if values.tries.is_some() { "tries" } else { "confirmed_tries" };
        let windows = reader
            .read("windows", values.windows.as_ref(), |list| windows::windows(list))?
            .unwrap_or_default();
        let reboot = Reboot::mean(&values.reboot, &windows, &mut reader)?;
        let settings = Settings {
            metadata_base_url: reader.read(
                "metadata_base_url",
                values.metadata_base_url.as_ref(),
                |text| base(text),
            )?,
            targets_base_url: reader
                .read("targets_base_url", values.targets_base_url.as_ref(), |text| base(text))?,
            mirrors: reader
                .read("mirrors", values.mirrors.as_ref(), |list| mirrors(list))?
                .unwrap_or_default(),
            seed: reader.read("seed", values.seed.as_ref(), |number| seed(*number))?,
            mode: reader.read("mode", values.mode.as_ref(), |text| said(text))?.unwrap_or_default(),
            version_lock: reader
                .read("version_lock", values.version_lock.as_ref(), |text| said(text))?
                .unwrap_or_default(),
            ignore_waves: values.ignore_waves.unwrap_or(false),
            allow_downgrade: values.allow_downgrade.unwrap_or(false),
            soak: reader.read("soak", values.soak.as_ref(), soak)?.unwrap_or_default(),
            jitter: reader.read("jitter", values.jitter.as_ref(), units::span)?.unwrap_or(JITTER),
            backoff: reader.read("backoff", values.backoff.as_ref(), units::span)?.unwrap_or(BACKOFF),
            backoff_max: reader
                .read("backoff_max", values.backoff_max.as_ref(), units::span)?
                .unwrap_or(BACKOFF_MAX),
            https_proxy: values.https_proxy.clone().filter(|proxy| !proxy.is_empty()),
            no_proxy: values.no_proxy.clone().unwrap_or_default(),
            ca_bundle: values.ca_bundle.as_ref().map(PathBuf::from),
            user_agent: values.user_agent.clone(),
            limit_rate: reader.read("limit_rate", values.limit_rate.as_ref(), units::rate)?,
            stall: reader.read("stall", values.stall.as_ref(), units::some_time)?.unwrap_or(STALL),
            connect: reader.read("connect", values.connect.as_ref(), units::some_time)?.unwrap_or(CONNECT),
            retries: reader
                .read("retries", values.retries.as_ref(), |number| retries(*number))?
                .unwrap_or(RETRIES),
            root: values.root.as_ref().map_or_else(|| PathBuf::from(ROOT), PathBuf::from),
            build_time: reader.read("build_time", values.build_time.as_ref(), |text| said(text))?,
            tries: reader
                .read(tries_key, tries_given(tries).as_ref(), |given| tries_of(*given))?
                .unwrap_or_default(),
            windows,
            os_release: values.os_release.as_ref().map(PathBuf::from),
            variant: values.variant.clone(),
            arch: values.arch.clone(),
            disk: values.disk.as_ref().map(PathBuf::from),
            state: values.state.as_ref().map_or_else(|| PathBuf::from(STATE), PathBuf::from),
            health: Health::mean(&values.health, &mut reader)?,
            hooks: Hooks::mean(&values.hooks, &mut reader)?,
            serve: Serve::mean(&values.serve, &mut reader)?,
            metrics: Metrics::mean(&values.seen, &mut reader)?,
            report: Report::mean(&values.seen, &mut reader)?,
            problems: left_out.saturating_add(reader.problems.len()),
            reboot,
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
        let number = |number: u64| i64::try_from(number).ok();
        let tries = Tries::default();
        Fragment {
            mode: Some(Mode::default().to_string()),
            version_lock: Some(VersionLock::default().to_string()),
            ignore_waves: Some(false),
            allow_downgrade: Some(false),
            soak: Some("0s".into()),
            jitter: Some(format!("{}s", JITTER.as_secs()).into()),
            backoff: Some(format!("{}s", BACKOFF.as_secs()).into()),
            backoff_max: Some(format!("{}s", BACKOFF_MAX.as_secs()).into()),
            no_proxy: Some(Vec::new()),
            mirrors: Some(Vec::new()),
            windows: Some(Vec::new()),
            stall: Some(format!("{}s", STALL.as_secs()).into()),
            connect: Some(format!("{}s", CONNECT.as_secs()).into()),
            retries: number(RETRIES.into()),
            root: Some(ROOT.to_owned()),
            tries: number(tries.trial().into()),
            confirmed_tries: number(tries.confirmed().into()),
            arch: Some(std::env::consts::ARCH.to_owned()),
            os_release: Some(crate::machine::OS_RELEASE.to_owned()),
            state: Some(STATE.to_owned()),
            health: HealthFragment::defaults(),
            hooks: HooksFragment::defaults(),
            serve: ServeFragment::defaults(),
            seen: SeenFragment::defaults(),
            reboot: RebootFragment::defaults(),
            ..Fragment::default()
        }
    }
}

/// Reads values one by one; lenient: collects what makes no sense.
pub(super) struct Reader<'a> {
    merged: &'a Merged,
    strictness: Strictness,
    problems: Vec<Error>,
}

impl Reader<'_> {
    /// What a value means; `None`: there is none, or it was left out.
    pub(super) fn read<V, T>(
        &mut self,
        key: &'static str,
        value: Option<&V>,
        mean: impl FnOnce(&V) -> Result<T, String>,
    ) -> Result<Option<T>, Error> {
        let Some(value) = value else { return Ok(None) };
        match mean(value) {
            Ok(meant) => Ok(Some(meant)),
            Err(detail) => {
                // It may repeat what was typed.
                let detail = Location::cleaned(&detail);
                let error = Error::Value { key, origin: self.merged.origin(key), detail };
                if self.strictness != Strictness::Lenient {
                    return Err(error);
                }
                self.problems.push(error);
                Ok(None)
            }
        }
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

fn mirrors(list: &[super::MirrorFragment]) -> Result<Vec<Mirror>, String> {
    let mirror = |mirror: &super::MirrorFragment| {
        Ok(Mirror { metadata: base(&mirror.metadata_base_url)?, targets: base(&mirror.targets_base_url)? })
    };
    list.iter().map(mirror).collect()
}

fn seed(number: i64) -> Result<Seed, String> {
    let seed = u32::try_from(number).ok().and_then(|number| Seed::new(number).ok());
    seed.ok_or_else(|| format!("expected 0 to {}, found {number}", waves::SEEDS - 1))
}

/// A value that is written as text.
fn said<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn soak(value: &toml::Value) -> Result<TimeDelta, String> {
    let span = units::span(value)?;
    TimeDelta::from_std(span).map_err(|error| error.to_string())
}

fn retries(number: i64) -> Result<u32, String> {
    match u32::try_from(number) {
        Ok(retries) if retries <= 100 => Ok(retries),
        _ => Err(format!("expected 0 to 100, found {number}")),
    }
}

/// Both numbers of tries, defaults where one is missing; `None`: neither is given.
fn tries_given((trial, confirmed): (Option<i64>, Option<i64>)) -> Option<(i64, i64)> {
    let default = Tries::default();
    (trial.is_some() || confirmed.is_some())
        .then(|| (trial.unwrap_or(default.trial().into()), confirmed.unwrap_or(default.confirmed().into())))
}

fn tries_of((trial, confirmed): (i64, i64)) -> Result<Tries, String> {
    // Beyond a byte is beyond every range; the largest byte says so in the error.
    let byte = |number: i64| u8::try_from(number).unwrap_or(u8::MAX);
    Tries::new(byte(trial), byte(confirmed)).map_err(|error| error.to_string())
}

const ROOT: &str = "/usr/share/updog/root.json";
const STATE: &str = "/var/lib/updog";
const STALL: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
const RETRIES: u32 = 5;
/// As long as the timer of the container image spreads its starts.
const JITTER: Duration = Duration::from_mins(5);
const BACKOFF: Duration = Duration::from_mins(1);
/// A repository that was down is found again on the same day.
const BACKOFF_MAX: Duration = Duration::from_hours(6);
