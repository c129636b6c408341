//! The second layer: all files together, each value with where it came from.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::Value;
use trust_client::Location;

use super::fragment::MirrorFragment;
use super::keys::KEYS;
use super::{Fragment, WindowFragment};

/// Where a value came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// No file names it.
    #[default]
    Default,
    /// A file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path) => path.display().fmt(f),
        }
    }
}

/// All fragments, the later one over the earlier.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// The values.
    pub values: Fragment,
    origins: Vec<(&'static str, PathBuf)>,
}

/// One line of `config show`.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The key.
    pub key: &'static str,
    /// Its value as TOML; `None`: not set, and there is no default.
    pub value: Option<Value>,
    /// Where it came from.
    pub origin: Origin,
}

impl Merged {
    /// Lays a fragment over what is there.
    pub fn add(&mut self, fragment: Fragment, path: &Path) {
        for key in KEYS {
            if fragment.value(key).is_some() {
                self.origins.retain(|(known, _)| *known != key);
                self.origins.push((key, path.to_owned()));
            }
        }
        self.values = fragment.over(std::mem::take(&mut self.values));
    }

    /// Where the value of a key came from.
    pub fn origin(&self, key: &str) -> Origin {
        let found = self.origins.iter().find(|(known, _)| *known == key);
        found.map_or(Origin::Default, |(_, path)| Origin::File(path.clone()))
    }

    /// Every key with its value, those of `defaults` where no file has one.
    pub fn show(&self, defaults: &Fragment) -> Vec<Shown> {
        let shown = |key| Shown {
            key,
            value: self.values.value(key).or_else(|| defaults.value(key)).map(clean),
            origin: self.origin(key),
        };
        KEYS.into_iter().map(shown).collect()
    }
}

impl Fragment {
    /// The value of a key as TOML, to be shown: a URL is there without its secrets.
    fn value(&self, key: &str) -> Option<Value> {
        fn text(value: Option<&String>) -> Option<Value> {
            value.map(|value| Value::from(value.as_str()))
        }
        match key {
            "metadata_base_url" => self.metadata_base_url.as_deref().map(place),
            "targets_base_url" => self.targets_base_url.as_deref().map(place),
            "seed" => self.seed.map(Value::from),
            "mode" => text(self.mode.as_ref()),
            "version_lock" => text(self.version_lock.as_ref()),
            "ignore_waves" => self.ignore_waves.map(Value::from),
            "https_proxy" => self.https_proxy.as_deref().map(|proxy| Location::of_proxy(proxy).into()),
            "no_proxy" => self.no_proxy.clone().map(Value::from),
            "mirrors" => self
                .mirrors
                .as_ref()
                .map(|mirrors| Value::Array(mirrors.iter().map(MirrorFragment::value).collect())),
            "root" => text(self.root.as_ref()),
            "ca_bundle" => text(self.ca_bundle.as_ref()),
            "user_agent" => text(self.user_agent.as_ref()),
            "limit_rate" => self.limit_rate.clone(),
            "stall" => self.stall.clone(),
            "connect" => self.connect.clone(),
            "retries" => self.retries.map(Value::from),
            "tries" => self.tries.map(Value::from),
            "confirmed_tries" => self.confirmed_tries.map(Value::from),
            "allow_downgrade" => self.allow_downgrade.map(Value::from),
            "soak" => self.soak.clone(),
            "jitter" => self.jitter.clone(),
            "backoff" => self.backoff.clone(),
            "backoff_max" => self.backoff_max.clone(),
            "windows" => self
                .windows
                .as_ref()
                .map(|windows| Value::Array(windows.iter().map(WindowFragment::value).collect())),
            "os_release" => text(self.os_release.as_ref()),
            "variant" => text(self.variant.as_ref()),
            "arch" => text(self.arch.as_ref()),
            "build_time" => text(self.build_time.as_ref()),
            "disk" => text(self.disk.as_ref()),
            "state" => text(self.state.as_ref()),
            key => self
                .health
                .value(key)
                .or_else(|| self.hooks.value(key))
                .or_else(|| self.serve.value(key))
                .or_else(|| self.seen.value(key))
                .or_else(|| self.reboot.value(key)),
        }
    }

    /// These values, and `below` where there are none.
    fn over(self, below: Fragment) -> Fragment {
        Fragment {
            metadata_base_url: self.metadata_base_url.or(below.metadata_base_url),
            targets_base_url: self.targets_base_url.or(below.targets_base_url),
            seed: self.seed.or(below.seed),
            mode: self.mode.or(below.mode),
            version_lock: self.version_lock.or(below.version_lock),
            ignore_waves: self.ignore_waves.or(below.ignore_waves),
            https_proxy: self.https_proxy.or(below.https_proxy),
            no_proxy: self.no_proxy.or(below.no_proxy),
            mirrors: self.mirrors.or(below.mirrors),
            root: self.root.or(below.root),
            ca_bundle: self.ca_bundle.or(below.ca_bundle),
            user_agent: self.user_agent.or(below.user_agent),
            limit_rate: self.limit_rate.or(below.limit_rate),
            stall: self.stall.or(below.stall),
            connect: self.connect.or(below.connect),
            retries: self.retries.or(below.retries),
            tries: self.tries.or(below.tries),
            confirmed_tries: self.confirmed_tries.or(below.confirmed_tries),
            allow_downgrade: self.allow_downgrade.or(below.allow_downgrade),
            soak: self.soak.or(below.soak),
            jitter: self.jitter.or(below.jitter),
            backoff: self.backoff.or(below.backoff),
            backoff_max: self.backoff_max.or(below.backoff_max),
            windows: self.windows.or(below.windows),
            os_release: self.os_release.or(below.os_release),
            variant: self.variant.or(below.variant),
            arch: self.arch.or(below.arch),
            build_time: self.build_time.or(below.build_time),
            disk: self.disk.or(below.disk),
            state: self.state.or(below.state),
            health: self.health.over(below.health),
            hooks: self.hooks.over(below.hooks),
            serve: self.serve.over(below.serve),
            seen: self.seen.over(below.seen),
            reboot: self.reboot.over(below.reboot),
        }
    }
}

impl MirrorFragment {
    fn value(&self) -> Value {
        let mut table = toml::Table::new();
        table.insert("metadata_base_url".to_owned(), place(&self.metadata_base_url));
        table.insert("targets_base_url".to_owned(), place(&self.targets_base_url));
        Value::Table(table)
    }
}

/// Whatever key somebody has put a URL into, its secrets are not shown.
fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Location::cleaned(&text).into(),
        Value::Array(list) => Value::Array(list.into_iter().map(clean).collect()),
        Value::Table(table) => {
            Value::Table(table.into_iter().map(|(key, value)| (key, clean(value))).collect())
        }
        other => other,
    }
}

fn place(url: &str) -> Value {
    Location::new(url).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{HealthFragment, HooksFragment, RebootFragment, SeenFragment, ServeFragment};

    fn every_key() -> Fragment {
        let text = || Some("x".to_owned());
        let value = || Some(Value::from(1));
        Fragment {
            metadata_base_url: text(),
            targets_base_url: text(),
            seed: Some(1),
            mode: text(),
            version_lock: text(),
            ignore_waves: Some(true),
            https_proxy: text(),
            no_proxy: Some(vec![]),
            mirrors: Some(vec![]),
            root: text(),
            ca_bundle: text(),
            user_agent: text(),
            limit_rate: value(),
            stall: value(),
            connect: value(),
            retries: Some(1),
            tries: Some(1),
            confirmed_tries: Some(1),
            allow_downgrade: Some(true),
            soak: value(),
            jitter: value(),
            backoff: value(),
            backoff_max: value(),
            windows: Some(vec![]),
            os_release: text(),
            variant: text(),
            arch: text(),
            build_time: text(),
            disk: text(),
            state: text(),
            health: HealthFragment {
                dir: text(),
                timeout: value(),
                timeout_all: value(),
                settle: value(),
                units: Some(vec![]),
                confirmed: text(),
            },
            hooks: HooksFragment { dir: text(), timeout: value(), timeout_all: value() },
            serve: ServeFragment { socket: text(), group: text(), read: text(), interval: value() },
            seen: SeenFragment { textfile: text(), url: text(), id: text(), timeout: value() },
            reboot: RebootFragment {
                strategy: text(),
                endpoints: Some(vec![]),
                group: text(),
                slots: Some(1),
                max_hold: value(),
                timeout: value(),
                prefix: text(),
                client_cert: text(),
                client_key: text(),
                user: text(),
                password_file: text(),
            },
        }
    }

    #[test]
    fn every_key_is_shown_and_laid_over() {
        let mut merged = Merged::default();
        merged.add(every_key(), Path::new("/etc/updog.toml"));
        for shown in merged.show(&Fragment::default()) {
            assert!(shown.value.is_some(), "{}", shown.key);
            assert_eq!(shown.origin.to_string(), "/etc/updog.toml", "{}", shown.key);
        }
        assert_eq!(Fragment::default().over(every_key()), every_key());
        assert_eq!(every_key().over(Fragment::default()), every_key());
    }

    #[test]
    fn the_later_file_wins_and_is_named() {
        let mut merged = Merged::default();
        merged.add(Fragment { seed: Some(1), tries: Some(2), ..Fragment::default() }, Path::new("one"));
        merged.add(Fragment { seed: Some(9), ..Fragment::default() }, Path::new("two"));
        assert_eq!((merged.values.seed, merged.origin("seed").to_string()), (Some(9), "two".to_owned()));
        assert_eq!((merged.values.tries, merged.origin("tries").to_string()), (Some(2), "one".to_owned()));
        assert_eq!(merged.origin("retries"), Origin::Default);
    }
}
