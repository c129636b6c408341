//! The first layer: one file, as typed.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::keys::{KEYS, SECTIONS, nearest};
use super::{Error, Strictness, Words};

/// The keys of one file with their values, each of a type that may stand there. A key of a section has its section before it,
/// as it is named everywhere else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fragment(BTreeMap<&'static str, Value>);

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
    let table: Table = toml::from_str(text)
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

/// The keys of sections, as `[health]`, with their section before them.
fn flat(table: Table) -> impl Iterator<Item = (String, Value)> {
    table.into_iter().flat_map(|(key, value)| match value {
        Value::Table(section) if SECTIONS.contains(&&*key) => {
            section.into_iter().map(|(name, value)| (format!("{key}.{name}"), value)).collect()
        }
        value => vec![(key, value)],
    })
}

impl Fragment {
    /// The value of a key.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    fn set(&mut self, path: &Path, key: &str, value: Value) -> Result<(), Error> {
        let of_type = |source| Error::Type { path: path.to_owned(), key: key.to_owned(), source };
        if SECTIONS.contains(&key) {
            return value.try_into::<Table>().map(drop).map_err(|error| of_type(Words::from(&error)));
        }
        let Some((known, kind)) = KEYS.into_iter().find(|(known, _)| *known == key) else {
            let (path, nearest) = (path.to_owned(), nearest(key));
            return Err(Error::UnknownKey { path, key: key.to_owned(), nearest });
        };
        kind.check(&value).map_err(of_type)?;
        self.0.insert(known, value);
        Ok(())
    }
}

impl FromIterator<(&'static str, Value)> for Fragment {
    fn from_iter<I: IntoIterator<Item = (&'static str, Value)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl IntoIterator for Fragment {
    type Item = (&'static str, Value);
    type IntoIter = std::collections::btree_map::IntoIter<&'static str, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_key_is_read() {
        let error = parse(Path::new("updog.toml"), b"sead = 1", Strictness::Strict).unwrap_err();
        assert!(matches!(error, Error::UnknownKey { nearest: Some("seed"), .. }), "{error}");
    }

    #[test]
    fn lenient_keeps_what_can_be_read() {
        let text = b"seed = 7\nfrobnicate = true\nignore_waves = \"no\"\nhealth = 1\n";
        let (fragment, problems) = parse(Path::new("updog.toml"), text, Strictness::Lenient).unwrap();
        assert_eq!(fragment, Fragment::from_iter([("seed", Value::from(7))]));
        assert_eq!(problems.len(), 3);
    }
}
