//! The manifest as it stands in the file: field order, unknown keys, formats.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ours::FORMAT;
use super::strict::Strict;
use super::{Delta, Halt, Hop, keys};
use crate::{Images, ReleaseId};

#[derive(Serialize, Deserialize)]
pub(super) struct Manifest {
    updates: Vec<Update>,
    #[serde(with = "keys::migrations")]
    migrations: BTreeMap<Hop, Vec<String>>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct Update {
    variant: String,
    arch: String,
    version: Version,
    max_version: Version,
    #[serde(with = "keys::waves")]
    waves: BTreeMap<u32, DateTime<Utc>>,
    images: Names,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updog: Option<Updog>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// Target names, and keys that we do not know.
#[derive(Clone, Serialize, Deserialize)]
struct Names {
    boot: String,
    root: String,
    hash: String,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// Our object, or one of a format that is not ours to judge.
#[derive(Serialize)]
#[serde(untagged)]
enum Updog {
    Ours(Box<Ours>),
    Newer(Value),
}

#[derive(Serialize, Deserialize)]
struct Ours {
    format: u64,
    release: ReleaseId,
    index: Names,
    #[serde(default)]
    deltas: Vec<Delta>,
    #[serde(default)]
    from: Option<VersionReq>,
    #[serde(default)]
    paused: Option<Halt>,
    #[serde(default)]
    yanked: Option<Halt>,
    #[serde(default)]
    notes: String,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl<'de> Deserialize<'de> for Updog {
    /// A format above ours is kept as it is: one release of the future must not hide the others from today's hosts.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Updog, D::Error> {
        let Strict(value) = Strict::deserialize(deserializer)?;
        if value.get("format").and_then(Value::as_u64).is_some_and(|format| format > FORMAT) {
            return Ok(Updog::Newer(value));
        }
        let ours: Ours = serde_json::from_value(value).map_err(serde::de::Error::custom)?;
        if ours.format != FORMAT {
            return Err(serde::de::Error::custom(format_args!(
                "updog has format {}: expected {FORMAT}",
                ours.format
            )));
        }
        Ok(Updog::Ours(Box::new(ours)))
    }
}

impl From<Manifest> for super::Manifest {
    fn from(wire: Manifest) -> super::Manifest {
        super::Manifest {
            updates: wire.updates.into_iter().map(Into::into).collect(),
            migrations: wire.migrations,
            extra: wire.extra,
        }
    }
}

impl From<&super::Manifest> for Manifest {
    fn from(manifest: &super::Manifest) -> Manifest {
        Manifest {
            updates: manifest.updates.iter().map(Into::into).collect(),
            migrations: manifest.migrations.clone(),
            extra: manifest.extra.clone(),
        }
    }
}

impl From<Update> for super::Update {
    fn from(wire: Update) -> super::Update {
        let mut extra = wire.extra;
        let updog = match wire.updog {
            Some(Updog::Ours(ours)) => Some((*ours).into()),
            Some(Updog::Newer(value)) => {
                extra.insert(UPDOG.to_owned(), value);
                None
            }
            None => None,
        };
        let (images, extra_images) = wire.images.split();
        super::Update {
            variant: wire.variant,
            arch: wire.arch,
            version: wire.version,
            max_version: wire.max_version,
            waves: wire.waves,
            images,
            updog,
            extra_images,
            extra,
        }
    }
}

impl From<&super::Update> for Update {
    fn from(update: &super::Update) -> Update {
        let mut extra = update.extra.clone();
        let newer = extra.shift_remove(UPDOG).map(Updog::Newer);
        let ours = update.updog.as_ref().map(|ours| Updog::Ours(Box::new(ours.into())));
        Update {
            variant: update.variant.clone(),
            arch: update.arch.clone(),
            version: update.version.clone(),
            max_version: update.max_version.clone(),
            waves: update.waves.clone(),
            images: Names::join(&update.images, &update.extra_images),
            updog: ours.or(newer),
            extra,
        }
    }
}

impl From<Ours> for super::Ours {
    fn from(wire: Ours) -> super::Ours {
        let (index, extra_index) = wire.index.split();
        super::Ours {
            release: wire.release,
            index,
            deltas: wire.deltas,
            from: wire.from,
            paused: wire.paused,
            yanked: wire.yanked,
            notes: wire.notes,
            extra_index,
            extra: wire.extra,
        }
    }
}

impl From<&super::Ours> for Ours {
    fn from(ours: &super::Ours) -> Ours {
        Ours {
            format: FORMAT,
            release: ours.release,
            index: Names::join(&ours.index, &ours.extra_index),
            deltas: ours.deltas.clone(),
            from: ours.from.clone(),
            paused: ours.paused.clone(),
            yanked: ours.yanked.clone(),
            notes: ours.notes.clone(),
            extra: ours.extra.clone(),
        }
    }
}

impl Names {
    fn split(self) -> (Images<String>, Map<String, Value>) {
        (Images { boot: self.boot, root: self.root, hash: self.hash }, self.extra)
    }

    fn join(names: &Images<String>, extra: &Map<String, Value>) -> Names {
        let Images { boot, root, hash } = names.clone();
        Names { boot, root, hash, extra: extra.clone() }
    }
}

const UPDOG: &str = "updog";
