//! Maps whose keys are parsed and may not repeat in any spelling: waves and migrations.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use super::Hop;

/// Waves: keys are decimal numbers of 32 bits in any spelling that Rust reads ("+5", "05").
pub(super) mod waves {
    use super::{BTreeMap, DateTime, Deserializer, Serializer, Utc, read};

    pub(in crate::manifest) fn deserialize<'de, D>(
        deserializer: D,
    ) -> Result<BTreeMap<u32, DateTime<Utc>>, D::Error>
    where
        D: Deserializer<'de>,
    {
        read(deserializer, "wave", |key| {
            key.parse::<u32>().map_err(|_| format!("wave key {:?} is no number", super::short(key)))
        })
    }

    pub(in crate::manifest) fn serialize<S>(
        keys: &BTreeMap<u32, DateTime<Utc>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
    {
        serializer.collect_map(keys)
    }
}

/// Migrations: written in the order of their text, so that `(1.10.0, …` comes before `(1.2.0, …`.
pub(super) mod migrations {
    use super::{BTreeMap, Deserializer, Hop, SerializeMap, Serializer, read};

    pub(in crate::manifest) fn deserialize<'de, D>(
        deserializer: D,
    ) -> Result<BTreeMap<Hop, Vec<String>>, D::Error>
    where
        D: Deserializer<'de>,
    {
        read(deserializer, "migration", |key| key.parse::<Hop>().map_err(|error| error.to_string()))
    }

    pub(in crate::manifest) fn serialize<S>(
        hops: &BTreeMap<Hop, Vec<String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
    {
        let texts: BTreeMap<String, &Vec<String>> =
            hops.iter().map(|(hop, targets)| (hop.to_string(), targets)).collect();
        let mut map = serializer.serialize_map(Some(texts.len()))?;
        for (text, targets) in texts {
            map.serialize_entry(&text, targets)?;
        }
        map.end()
    }
}

/// Reads a map, parses each key, and refuses a key that comes twice.
fn read<'de, D, K, V>(
    deserializer: D,
    what: &'static str,
    parse: fn(&str) -> Result<K, String>,
) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Ord + Display,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(Unique { what, parse, values: PhantomData })
}

struct Unique<K, V> {
    what: &'static str,
    parse: fn(&str) -> Result<K, String>,
    values: PhantomData<V>,
}

impl<'de, K: Ord + Display, V: Deserialize<'de>> Visitor<'de> for Unique<K, V> {
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with one key for each {}", self.what)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<BTreeMap<K, V>, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(text) = access.next_key::<String>()? {
            let key = (self.parse)(&text).map_err(Error::custom)?;
            if map.contains_key(&key) {
                return Err(Error::custom(format_args!("{} {key} is there twice", self.what)));
            }
            map.insert(key, access.next_value()?);
        }
        Ok(map)
    }
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
