//! One update.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use semver::Version;
use serde_json::{Map, Value};
use waves::Rollout;

use super::Ours;
use crate::Images;

/// One update: which hosts it is for, when they may have it, and which targets it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Which flavour of the system; hosts compare it for equality.
    pub variant: String,
    /// CPU architecture; hosts compare it for equality.
    pub arch: String,
    /// Version of the update.
    pub version: Version,
    /// Versions above this one have been called back.
    pub max_version: Version,
    /// First seed and start of each wave; see [`waves::Rollout`].
    pub waves: BTreeMap<u32, DateTime<Utc>>,
    /// Target names of the images. Ours are `.img.zst` frames.
    pub images: Images<String>,
    /// What our hosts need and Bottlerocket's do not read; `None`: not one of ours, it can be shown but not applied.
    pub updog: Option<Ours>,
    /// Keys of `images` that this version does not know, kept.
    pub extra_images: Map<String, Value>,
    /// Keys that this version does not know, kept; among them an `updog` of a later format.
    pub extra: Map<String, Value>,
}

impl Update {
    /// Its waves, ready to answer.
    pub fn rollout(&self) -> Rollout {
        Rollout::new(self.waves.clone())
    }

    /// The format of an `updog` object that is too new to be read.
    pub fn newer_format(&self) -> Option<u64> {
        self.extra.get("updog")?.get("format")?.as_u64()
    }
}
