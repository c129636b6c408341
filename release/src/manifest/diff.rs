//! What hosts will see otherwise: two manifests compared, each difference once.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use semver::Version;
use serde::Serialize;
use serde_json::{Value, json};
use waves::{Rollout, paused_until};

use super::{Halt, Manifest, Ours, Update};

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A release more.
    Added,
    /// A release less.
    Removed,
    /// Other images under the same version.
    Images,
    /// When hosts have their turn.
    Waves,
    /// Which running versions may go to it.
    From,
    /// The rollout stands still, or goes on.
    Paused,
    /// The release is taken back, or offered again.
    Yanked,
    /// Above which version hosts go down.
    MaxVersion,
    /// Shorter ways from earlier releases.
    Deltas,
    /// The line for people, or the history.
    Notes,
    /// Keys that this version does not know.
    Other,
    /// The way of data from one version to another.
    Migration,
    /// Other bytes under the name of a target, or a target more or less that no manifest names.
    Target,
}

/// One difference. `Display` is a line for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What is different.
    pub kind: Kind,
    /// Of which release, line of releases or hop.
    pub of: String,
    /// How it was; null: not at all.
    pub was: Value,
    /// How it will be; null: not at all.
    pub is: Value,
    #[serde(skip)]
    text: String,
}

impl Difference {
    /// One that does not stand in the manifest. `text`: the line for people.
    pub fn of_target(of: String, [was, is]: [Value; 2], text: String) -> Self {
        Self { kind: Kind::Target, of, was, is, text }
    }
}

impl Difference {
    /// Whether all that was there before is there still: a release more, or lines of a history.
    pub fn only_adds(&self) -> bool {
        match (self.kind, self.was.as_array(), self.is.as_array()) {
            (Kind::Added, ..) => true,
            (Kind::Notes, Some(was), Some(is)) => is.starts_with(was),
            (Kind::Notes, None, Some(_)) => self.was.is_null(),
            _ => false,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Manifest {
    /// What hosts see otherwise when this manifest takes the place of `before`: releases in the order of this file, then
    /// those that are gone, then migrations.
    pub fn differences(&self, before: &Manifest) -> Vec<Difference> {
        let mut found = Differences(Vec::new());
        let old: BTreeMap<_, &Update> = before.updates.iter().map(|update| (key(update), update)).collect();
        let new: BTreeMap<_, &Update> = self.updates.iter().map(|update| (key(update), update)).collect();
        for update in &self.updates {
            if let Some(before) = old.get(&key(update)) {
                found.update(before, update);
            } else {
                let text = format!("added: {}, {}", title(update), rollout_text(&update.rollout()));
                found.add(Kind::Added, title(update), [Value::Null, release(update)], text);
            }
        }
        for update in before.updates.iter().filter(|update| !new.contains_key(&key(update))) {
            let text = format!("removed: {}", title(update));
            found.add(Kind::Removed, title(update), [release(update), Value::Null], text);
        }
        found.max_versions(before, self);
        found.migrations(before, self);
        found.0
    }
}

struct Differences(Vec<Difference>);

impl Differences {
    fn add(&mut self, kind: Kind, of: String, [was, is]: [Value; 2], text: String) {
        self.0.push(Difference { kind, of, was, is, text });
    }

    fn update(&mut self, old: &Update, new: &Update) {
        let (of, told) = (title(new), self.0.len());
        let ids = [release(old), release(new)];
        if ids[0] != ids[1] || old.images != new.images {
            let text = format!("other images under the same version: {of}");
            self.add(Kind::Images, of.clone(), ids, text);
        }
        if old.waves != new.waves {
            let [was, is] = [old.rollout(), new.rollout()].map(|rollout| rollout_text(&rollout));
            let text = if was == is {
                format!("waves of {of}: {is}, other times between")
            } else {
                format!("waves of {of}: {is} (before: {was})")
            };
            self.add(Kind::Waves, of.clone(), [json!(old.waves), json!(new.waves)], text);
        }
        if let (Some(old), Some(new)) = (&old.updog, &new.updog) {
            self.ours(of.clone(), old, new);
        } else if old.updog != new.updog {
            let text = format!("updog object of {of}: added or removed");
            self.add(Kind::Other, of.clone(), [json!(old.updog.is_some()), json!(new.updog.is_some())], text);
        }
        if old.extra != new.extra || old.extra_images != new.extra_images {
            let text = format!("unknown keys of {of} differ");
            self.add(Kind::Other, of.clone(), [json!(old.extra), json!(new.extra)], text);
        }
        // It follows from the rest; where that is as it was, it went there and back, and is another file all the same.
        if self.0.len() == told {
            self.history(&of, old, new);
        }
    }

    fn history(&mut self, of: &str, old: &Update, new: &Update) {
        let raw = |update: &Update| update.updog.as_ref().and_then(|ours| ours.extra.get("history").cloned());
        let (was, is) = (raw(old), raw(new));
        if was == is {
            return;
        }
        let known = |update: &Update| update.updog.as_ref().map(Ours::history).unwrap_or_default();
        let before = known(old);
        let since: Vec<String> =
            known(new).into_iter().filter(|event| !before.contains(event)).map(|event| event.what).collect();
        let what = if since.is_empty() { "others before it".to_owned() } else { since.join(", ") };
        self.add(Kind::Notes, of.to_owned(), [json!(was), json!(is)], format!("history of {of}: {what}"));
    }

    fn ours(&mut self, of: String, old: &Ours, new: &Ours) {
        if old.from != new.from {
            let text = |ours: &Ours| ours.from.as_ref().map_or("any version".to_owned(), ToString::to_string);
            let line = format!("from of {of}: {} (before: {})", text(new), text(old));
            self.add(Kind::From, of.clone(), [json!(old.from), json!(new.from)], line);
        }
        if old.paused != new.paused {
            let line = match &new.paused {
                Some(halt) if halt.is_final() => format!("halted: {of}{}", why(halt)),
                Some(halt) => format!("paused: {of}{}", why(halt)),
                None => format!("resumed: {of}"),
            };
            self.add(Kind::Paused, of.clone(), [json!(old.paused), json!(new.paused)], line);
        }
        if old.yanked != new.yanked {
            let line = new
                .yanked
                .as_ref()
                .map_or_else(|| format!("offered again: {of}"), |halt| format!("yanked: {of}{}", why(halt)));
            self.add(Kind::Yanked, of.clone(), [json!(old.yanked), json!(new.yanked)], line);
        }
        if old.deltas != new.deltas {
            let [was, is] = [old.deltas.len(), new.deltas.len()];
            let line = format!("deltas of {of}: {is} (before: {was})");
            self.add(Kind::Deltas, of.clone(), [json!(old.deltas), json!(new.deltas)], line);
        }
        if old.notes != new.notes {
            let line = format!("notes of {of}: {:?}", new.notes);
            self.add(Kind::Notes, of.clone(), [json!(old.notes), json!(new.notes)], line);
        }
        // The history is for people.
        let visible = |ours: &Ours| {
            let mut extra = ours.extra.clone();
            extra.shift_remove("history");
            (extra, ours.extra_index.clone(), ours.index.clone())
        };
        if visible(old) != visible(new) {
            let line = format!("other keys of {of} differ");
            self.add(Kind::Other, of, [json!(old.extra), json!(new.extra)], line);
        }
    }

    /// One for each variant and architecture, whose updates all have the same.
    fn max_versions(&mut self, old: &Manifest, new: &Manifest) {
        let (old, new) = (max_versions(old), max_versions(new));
        for (line, is) in &new {
            let Some(was) = old.get(line).filter(|was| was != &is) else { continue };
            let of = format!("{} {}", line.0, line.1);
            let text = format!("max_version of {of}: {is} (before: {was})");
            self.add(Kind::MaxVersion, of, [json!(was), json!(is)], text);
        }
    }

    fn migrations(&mut self, old: &Manifest, new: &Manifest) {
        for (hop, targets) in &new.migrations {
            let was = old.migrations.get(hop);
            if was != Some(targets) {
                let names = if targets.is_empty() { "nothing to run".to_owned() } else { targets.join(", ") };
                let text = format!("migration {hop}: {names}");
                self.add(Kind::Migration, hop.to_string(), [json!(was), json!(targets)], text);
            }
        }
        for (hop, targets) in old.migrations.iter().filter(|(hop, _)| !new.migrations.contains_key(hop)) {
            let text = format!("migration {hop}: removed");
            self.add(Kind::Migration, hop.to_string(), [json!(targets), Value::Null], text);
        }
    }
}

/// How a rollout goes, in a few words.
fn rollout_text(rollout: &Rollout) -> String {
    let Some(first) = rollout.waves().next() else { return "open to all hosts at once".to_owned() };
    let Some(closes) = rollout.closes_at() else { return "open to all hosts at once".to_owned() };
    if closes >= paused_until() {
        return match rollout.open_seeds(paused_until() - TimeDelta::seconds(1)) {
            0 => "open to no host".to_owned(),
            opened => format!("open to seeds 0 to {} and no more", opened - 1),
        };
    }
    let count = rollout.waves().count();
    format!("{count} wave(s) from {} to {}", second(first.starts), second(closes))
}

fn max_versions(manifest: &Manifest) -> BTreeMap<(&str, &str), &Version> {
    let lines = manifest.updates.iter();
    lines.map(|update| ((&*update.variant, &*update.arch), &update.max_version)).collect()
}

fn key(update: &Update) -> (&str, &str, &Version) {
    (&update.variant, &update.arch, &update.version)
}

fn title(update: &Update) -> String {
    format!("{} {} {}", update.variant, update.arch, update.version)
}

fn release(update: &Update) -> Value {
    json!(update.updog.as_ref().map(|ours| ours.release))
}

fn why(halt: &Halt) -> String {
    if halt.reason.is_empty() { String::new() } else { format!(", {}", halt.reason) }
}

fn second(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
