//! The first layer: one file, as typed.

use std::path::Path;

use super::keys::{SECTIONS, nearest};
use super::units::read;
use super::{
    Error, HealthFragment, HooksFragment, RebootFragment, SeenFragment, ServeFragment, Strictness,
    WindowFragment, Words,
};

/// The keys of one file. `None`: the file does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fragment {
    /// Where metadata is served.
    pub metadata_base_url: Option<String>,
    /// Where targets are served.
    pub targets_base_url: Option<String>,
    /// Place in every rollout, 0..=2047.
    pub seed: Option<i64>,
    /// How far the host goes by itself.
    pub mode: Option<String>,
    /// `latest`, `current`, a version or a requirement.
    pub version_lock: Option<String>,
    /// Do not wait for this host's turn.
    pub ignore_waves: Option<bool>,
    /// Proxy for all requests.
    pub https_proxy: Option<String>,
    /// Hosts that are reached without the proxy.
    pub no_proxy: Option<Vec<String>>,
    /// More places with the same repository.
    pub mirrors: Option<Vec<MirrorFragment>>,
    /// The trusted root that came with the image.
    pub root: Option<String>,
    /// PEM file with the authorities to trust for TLS, instead of the system's.
    pub ca_bundle: Option<String>,
    /// User-Agent of all requests.
    pub user_agent: Option<String>,
    /// Bytes a second.
    pub limit_rate: Option<toml::Value>,
    /// How long a transfer may stand still.
    pub stall: Option<toml::Value>,
    /// How long connecting may take.
    pub connect: Option<toml::Value>,
    /// How often a request is tried again.
    pub retries: Option<i64>,
    /// Tries of a trial.
    pub tries: Option<i64>,
    /// Tries of a confirmed slot.
    pub confirmed_tries: Option<i64>,
    /// Lower versions too, when named.
    pub allow_downgrade: Option<bool>,
    /// How long a release is left to others first.
    pub soak: Option<toml::Value>,
    /// Within which time `auto --jitter` begins.
    pub jitter: Option<toml::Value>,
    /// The longest wait after the first look in vain.
    pub backoff: Option<toml::Value>,
    /// The longest wait after any number of them.
    pub backoff_max: Option<toml::Value>,
    /// When the host may restart by itself.
    pub windows: Option<Vec<WindowFragment>>,
    /// The file that names variant and version.
    pub os_release: Option<String>,
    /// Variant, instead of os-release's.
    pub variant: Option<String>,
    /// Architecture, instead of this program's.
    pub arch: Option<String>,
    /// When the running image was built, RFC 3339: no clock is believed to be earlier.
    pub build_time: Option<String>,
    /// The disk, instead of the one below `/`.
    pub disk: Option<String>,
    /// The state folder.
    pub state: Option<String>,
    /// `[health]`: the health gate.
    pub health: HealthFragment,
    /// `[hooks]`: who is asked before and after a step.
    pub hooks: HooksFragment,
    /// `[serve]`: the daemon.
    pub serve: ServeFragment,
    /// `[metrics]` and `[report]`: what is to be seen from outside.
    pub seen: SeenFragment,
    /// `[reboot]`: who decides when the host restarts by itself.
    pub reboot: RebootFragment,
}

/// One entry of `mirrors`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorFragment {
    /// Where its metadata is served.
    pub metadata_base_url: String,
    /// Where its targets are served.
    pub targets_base_url: String,
}

/// Reads one file: the first problem that is not tolerated is the answer; keys with others are left out and returned.
pub(super) fn parse(
    path: &Path,
    bytes: &[u8],
    strictness: Strictness,
) -> Result<(Fragment, Vec<Error>), Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::Text { path: path.to_owned() })?;
    let table: toml::Table = toml::from_str(text)
        .map_err(|error| Error::Parse { path: path.to_owned(), source: Words::in_text(&error, text) })?;
    let mut fragment = Fragment::default();
    let mut problems = Vec::new();
    for (key, value) in flat(table) {
        if let Err(error) = fragment.set(path, &key, value) {
            match (strictness, &error) {
                (Strictness::Lenient, _) | (Strictness::Known, Error::UnknownKey { .. }) => {
                    problems.push(error);
                }
                (Strictness::Strict | Strictness::Known, _) => return Err(error),
            }
        }
    }
    Ok((fragment, problems))
}

/// The keys of sections, as `[health]`, with their section before them, as they are named everywhere else.
fn flat(table: toml::Table) -> impl Iterator<Item = (String, toml::Value)> {
    table.into_iter().flat_map(|(key, value)| match value {
        toml::Value::Table(section) if SECTIONS.contains(&&*key) => {
            section.into_iter().map(|(name, value)| (format!("{key}.{name}"), value)).collect()
        }
        value => vec![(key, value)],
    })
}

impl Fragment {
    fn set(&mut self, path: &Path, key: &str, value: toml::Value) -> Result<(), Error> {
        let of_section = match key.split_once('.') {
            Some(("health", _)) => self.health.set(key, value.clone()),
            Some(("hooks", _)) => self.hooks.set(key, value.clone()),
            Some(("serve", _)) => self.serve.set(key, value.clone()),
            Some(("reboot", _)) => self.reboot.set(key, value.clone()),
            Some(("metrics" | "report", _)) => self.seen.set(key, value.clone()),
            _ => None,
        };
        if let Some(done) = of_section {
            return done.map_err(|source| Error::Type { path: path.to_owned(), key: key.to_owned(), source });
        }
        let done = match key {
            "metadata_base_url" => read(&mut self.metadata_base_url, value),
            "targets_base_url" => read(&mut self.targets_base_url, value),
            "seed" => read(&mut self.seed, value),
            "mode" => read(&mut self.mode, value),
            "version_lock" => read(&mut self.version_lock, value),
            "ignore_waves" => read(&mut self.ignore_waves, value),
            "https_proxy" => read(&mut self.https_proxy, value),
            "no_proxy" => read(&mut self.no_proxy, value),
            "mirrors" => read(&mut self.mirrors, value),
            "root" => read(&mut self.root, value),
            "ca_bundle" => read(&mut self.ca_bundle, value),
            "user_agent" => read(&mut self.user_agent, value),
            "limit_rate" => read(&mut self.limit_rate, value),
            "stall" => read(&mut self.stall, value),
            "connect" => read(&mut self.connect, value),
            "retries" => read(&mut self.retries, value),
            "tries" => read(&mut self.tries, value),
            "confirmed_tries" => read(&mut self.confirmed_tries, value),
            "allow_downgrade" => read(&mut self.allow_downgrade, value),
            "soak" => read(&mut self.soak, value),
            "jitter" => read(&mut self.jitter, value),
            "backoff" => read(&mut self.backoff, value),
            "backoff_max" => read(&mut self.backoff_max, value),
            "windows" => read(&mut self.windows, value),
            "os_release" => read(&mut self.os_release, value),
            "variant" => read(&mut self.variant, value),
            "arch" => read(&mut self.arch, value),
            "build_time" => read(&mut self.build_time, value),
            "disk" => read(&mut self.disk, value),
            "state" => read(&mut self.state, value),
            "health" | "hooks" | "metrics" | "reboot" | "report" | "serve" => {
                read(&mut None::<toml::Table>, value)
            }
            _ => {
                let (path, nearest) = (path.to_owned(), nearest(key));
                return Err(Error::UnknownKey { path, key: key.to_owned(), nearest });
            }
        };
        done.map_err(|source| Error::Type { path: path.to_owned(), key: key.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::KEYS;

    #[test]
    fn every_listed_key_is_read_and_no_other() {
        let path = Path::new("updog.toml");
        for key in KEYS {
            let mut fragment = Fragment::default();
            let wrong = fragment.set(path, key, toml::Value::Table(toml::Table::new()));
            let known = !matches!(wrong, Err(Error::UnknownKey { .. }));
            assert!(known, "{key}");
        }
        let error = parse(path, b"sead = 1", Strictness::Strict).unwrap_err();
        assert!(matches!(error, Error::UnknownKey { nearest: Some("seed"), .. }), "{error}");
    }

    #[test]
    fn lenient_keeps_what_can_be_read() {
        let text = b"seed = 7\nfrobnicate = true\nignore_waves = \"no\"\n";
        let (fragment, problems) = parse(Path::new("updog.toml"), text, Strictness::Lenient).unwrap();
        assert_eq!(fragment, Fragment { seed: Some(7), ..Fragment::default() });
        assert_eq!(problems.len(), 2);
    }
}
