//! Words for the tests: times, releases, hosts, manifests.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use partition_core::{Flags, Slot, Slots};
use release::manifest::{Manifest, Ours, Update};
use release::{Digest, Images, ReleaseId};
use serde_json::Map;
use updater_core::Host;
use updater_core::records::{By, Held, Intent, Outcome, Wish};
use waves::Seed;

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn release(name: &str) -> ReleaseId {
    ReleaseId::new(Digest::of(name.as_bytes()))
}

pub(crate) fn host(version: &str) -> Host {
    Host {
        variant: "tiny".to_owned(),
        arch: "x86_64".to_owned(),
        version: version.parse().unwrap(),
        seed: Seed::new(1024).unwrap(),
    }
}

/// An update for [`host`], open to all, named after its version.
pub(crate) fn update(version: &str) -> Update {
    Update {
        variant: "tiny".to_owned(),
        arch: "x86_64".to_owned(),
        version: version.parse().unwrap(),
        max_version: "9.0.0".parse().unwrap(),
        waves: BTreeMap::new(),
        images: Images::from_fn(|image| format!("tiny-x86_64-{version}-{image}.img.zst")),
        updog: Some(Ours {
            release: release(version),
            index: Images::from_fn(|image| format!("tiny-x86_64-{version}-{image}.idx")),
            deltas: Vec::new(),
            from: None,
            paused: None,
            yanked: None,
            notes: String::new(),
            extra_index: Map::new(),
            extra: Map::new(),
        }),
        extra_images: Map::new(),
        extra: Map::new(),
    }
}

pub(crate) fn manifest(updates: impl IntoIterator<Item = Update>) -> Manifest {
    Manifest { updates: updates.into_iter().collect(), ..Manifest::default() }
}

pub(crate) fn slots(a: (u8, u8, bool), b: (u8, u8, bool)) -> Slots {
    let flags = |(priority, tries, successful)| Some(Flags::of(priority, tries, successful));
    Slots::new(flags(a), flags(b))
}

pub(crate) fn held(version: &str) -> Held {
    Held { version: version.to_owned(), release: Some(release(version)) }
}

pub(crate) fn intent(by: By, target: Slot, version: &str) -> Intent {
    Intent {
        by,
        wish: Wish::Auto,
        target,
        tries: 3,
        boot_id: Some("boot-1".to_owned()),
        at: at("2026-01-02T03:04:05Z"),
        held: Some(held(version)),
        fallback: false,
        extra: Map::new(),
    }
}

/// A host that was confirmed in A and has something pending.
pub(crate) fn pending(intent: Intent) -> Outcome {
    Outcome { intent: Some(intent), confirmed: Some(Slot::A), ..Outcome::default() }
}
