//! The strict check: every problem, not the first.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::{Manifest, Ours, Place, Problem, Update, graph};
use crate::{Image, names};

/// Everything that is wrong with a manifest by itself.
pub(super) fn all(manifest: &Manifest) -> Vec<Problem> {
    let mut problems = Vec::new();
    across(manifest, &mut problems);
    for (number, update) in manifest.updates.iter().enumerate() {
        one(&Place::new(number, update), update, &mut problems);
    }
    migrations(manifest, &mut problems);
    problems
}

/// Every target that is named but not there.
pub(super) fn targets(manifest: &Manifest, mut exists: impl FnMut(&str) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut want = |target: &str, by: String| {
        if !exists(target) {
            problems.push(Problem::MissingTarget { target: target.to_owned(), by });
        }
    };
    for (number, update) in manifest.updates.iter().enumerate() {
        for (field, target) in named(update) {
            want(target, format!("{} {field}", Place::new(number, update)));
        }
    }
    for (hop, targets) in &manifest.migrations {
        for target in targets {
            want(target, format!("migration {hop}"));
        }
    }
    problems
}

/// What only a look at several updates can show.
fn across(manifest: &Manifest, problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<(&str, &str, &Version), usize> = BTreeMap::new();
    let mut max: BTreeMap<(&str, &str), (usize, &Version)> = BTreeMap::new();
    for (number, update) in manifest.updates.iter().enumerate() {
        let first = *seen.entry((&update.variant, &update.arch, &update.version)).or_insert(number);
        if first != number {
            problems.push(Problem::Duplicate { at: Place::new(number, update), first });
        }
        let (first, expected) =
            *max.entry((&update.variant, &update.arch)).or_insert((number, &update.max_version));
        if *expected != update.max_version {
            problems.push(Problem::MaxDiffers {
                at: Place::new(number, update),
                max: update.max_version.clone(),
                expected: expected.clone(),
                first,
            });
        }
    }
}

/// What one update shows by itself.
fn one(at: &Place, update: &Update, problems: &mut Vec<Problem>) {
    // One that is taken back and above the maximum is how hosts are called down from it.
    let yanked = update.updog.as_ref().is_some_and(|ours| ours.yanked.is_some());
    if update.version > update.max_version && !yanked {
        problems.push(Problem::AboveMax { at: at.clone(), max: update.max_version.clone() });
    }
    let waves = update.rollout().check();
    problems.extend(waves.into_iter().map(|problem| Problem::Waves { at: at.clone(), problem }));
    let mut targets = BTreeSet::new();
    for (field, target) in named(update) {
        if let Err(error) = names::check(target) {
            problems.push(Problem::Name { at: at.clone(), field, error });
        }
        if !targets.insert(target) {
            problems.push(Problem::SameTarget { at: at.clone(), target: target.to_owned() });
        }
    }
    let mut unknown = |field: &str, image: &str| {
        problems.push(Problem::UnknownImage {
            at: at.clone(),
            field: field.to_owned(),
            image: image.to_owned(),
        });
    };
    update.extra_images.keys().for_each(|image| unknown("images", image));
    if let Some(ours) = &update.updog {
        ours.extra_index.keys().for_each(|image| unknown("updog.index", image));
        for delta in ours.deltas.iter().filter(|delta| delta.image.parse::<Image>().is_err()) {
            unknown("updog.deltas", &delta.image);
        }
        deltas(at, ours, problems);
    }
    if let Some(format) = update.newer_format() {
        problems.push(Problem::NewerFormat { at: at.clone(), format });
    }
}

fn deltas(at: &Place, ours: &Ours, problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    for delta in &ours.deltas {
        let image = delta.image.clone();
        if !seen.insert((&delta.image, delta.from)) {
            problems.push(Problem::SameDelta { at: at.clone(), image: image.clone(), from: delta.from });
        }
        if delta.from == ours.release {
            problems.push(Problem::DeltaFromItself { at: at.clone(), image });
        }
        if !(MIN_DELTA_HEADER..=MAX_DELTA_HEADER).contains(&delta.header_length) {
            problems.push(Problem::DeltaHeader {
                at: at.clone(),
                target: delta.target.clone(),
                length: delta.header_length,
                min: MIN_DELTA_HEADER,
                max: MAX_DELTA_HEADER,
            });
        }
    }
}

fn migrations(manifest: &Manifest, problems: &mut Vec<Problem>) {
    let hops = &manifest.migrations;
    for hop in hops.keys().filter(|hop| hop.from >= hop.to) {
        problems.push(Problem::NotForward { hop: hop.clone() });
    }
    let circles = graph::circles(hops);
    problems.extend(circles.into_iter().map(|versions| Problem::Cycle { versions }));
    let versions = manifest.updates.iter().map(|update| &update.version).collect();
    for hop in graph::dangling(hops, &versions) {
        problems.push(Problem::Dangling { hop: hop.clone() });
    }
    for (hop, targets) in hops {
        for target in targets {
            if let Err(error) = names::check(target) {
                problems.push(Problem::MigrationName { hop: hop.clone(), error });
            }
        }
    }
}

/// Every target that an update names, with the field that names it.
fn named(update: &Update) -> Vec<(String, &str)> {
    let mut all = Vec::new();
    for (image, target) in update.images.iter() {
        all.push((format!("images.{image}"), target.as_str()));
    }
    if let Some(ours) = &update.updog {
        for (image, target) in ours.index.iter() {
            all.push((format!("updog.index.{image}"), target.as_str()));
        }
        for delta in &ours.deltas {
            all.push(("updog.deltas".to_owned(), delta.target.as_str()));
        }
    }
    all
}

/// The fixed part of a `.delta` header and one record.
const MIN_DELTA_HEADER: u64 = 88 + 48;
/// Enough for an image of 300 GiB in 1 MiB pieces.
pub const MAX_DELTA_HEADER: u64 = 16 << 20;
