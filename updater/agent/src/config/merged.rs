//! The second layer: all files together, each value with where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Value;
use trust_client::Location;

use super::Fragment;
use super::keys::names;

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
pub struct Merged(BTreeMap<&'static str, (Value, PathBuf)>);

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
        self.0.extend(fragment.into_iter().map(|(key, value)| (key, (value, path.to_owned()))));
    }

    /// The value of a key, as typed.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key).map(|(value, _)| value)
    }

    /// Where the value of a key came from.
    pub fn origin(&self, key: &str) -> Origin {
        self.0.get(key).map_or(Origin::Default, |(_, path)| Origin::File(path.clone()))
    }

    /// Every key with its value, those of `defaults` where no file has one; URLs without their secrets.
    pub fn show(&self, defaults: &Fragment) -> Vec<Shown> {
        let shown = |key| Shown {
            key,
            value: self.value(key).or_else(|| defaults.value(key)).map(|value| clean(key, value)),
            origin: self.origin(key),
        };
        names().map(shown).collect()
    }
}

/// Whatever key somebody has put a URL into, its secrets are not shown.
fn clean(key: &str, value: &Value) -> Value {
    let place = |text: &str| match key {
        "metadata_base_url" | "targets_base_url" | "mirrors" => Location::new(text).to_string(),
        "https_proxy" => Location::of_proxy(text),
        _ => text.to_owned(),
    };
    match value {
        Value::String(text) => Location::cleaned(&place(text)).into(),
        Value::Array(list) => Value::Array(list.iter().map(|value| clean(key, value)).collect()),
        Value::Table(table) => {
            Value::Table(table.iter().map(|(name, value)| (name.clone(), clean(key, value))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_file_wins_and_is_named() {
        let mut merged = Merged::default();
        let fragment = |values: &[(&'static str, i64)]| {
            values.iter().map(|(key, value)| (*key, Value::from(*value))).collect::<Fragment>()
        };
        merged.add(fragment(&[("seed", 1), ("tries", 2)]), Path::new("one"));
        merged.add(fragment(&[("seed", 9)]), Path::new("two"));
        for (key, value, file) in [("seed", 9, "two"), ("tries", 2, "one")] {
            assert_eq!(
                (merged.value(key), merged.origin(key).to_string()),
                (Some(&value.into()), file.to_owned())
            );
        }
        assert_eq!(merged.origin("retries"), Origin::Default);
    }
}
