//! A prune takes nothing that a host can still ask for, whatever happens meanwhile.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use trust_core::Expiry;
use updog_repo::keys::Signer;
use updog_repo::prune::{Action, Paper, Plan, Stock, plan, prune};
use updog_repo::refresh::{Terms, refresh_at};
use updog_repo::source::StoreSource;
use updog_repo::store::{Entry, FolderStore, Memory, Part, Store};
use updog_repo::{Disk, Error, Order, Role};

use crate::common::{Yard, again, day, order, wait};
use crate::cut_store::{CutStore, Loss, see};
use crate::stores::{Crowded, put};

/// 1.0.0 on day 1, 1.1.0 on day 2, signed anew on day 80 and refreshed on day 99: what day 1 named and day 2 does not is
/// the first manifest.
struct Year {
    store: Memory,
    root: Vec<u8>,
    yard: Yard,
    key: Signer,
    first: String,
}

impl Year {
    fn new() -> Self {
        let (yard, key) = Yard::with_key();
        let store = Memory::new();
        let year = Self { store, root: Vec::new(), first: String::new(), yard, key };
        year.yard.add("1.0.0");
        year.publish(1, None);
        let manifest = |entry: Entry| entry.name.ends_with(".manifest.json").then_some(entry.name);
        let first = year.store.list(Part::Targets).unwrap().into_iter().find_map(manifest).unwrap();
        year.yard.add("1.1.0");
        year.publish(2, None);
        year.publish(80, Some(Role::Targets));
        let root = year.yard.folder.roots().unwrap()[0].bytes().to_vec();
        let year = Self { root, first, ..year };
        year.refresh(99);
        year
    }

    fn publish(&self, days: i64, renew: Option<Role>) {
        self.store.set_clock(day(days));
        self.yard.try_sign(&[&self.key], Order { renew, ..order(day(days)) }).unwrap();
        let staged = self.yard.folder.signed().unwrap().stage(&self.yard.folder, day(days)).unwrap();
        put(&self.store, &staged).unwrap();
    }

    fn refresh(&self, days: i64) {
        self.store.set_clock(day(days));
        let terms = Terms { now: day(days), term: TimeDelta::days(7), expired: Expiry::Ignore };
        wait(refresh_at(&self.store, &[again(&self.key)], terms)).unwrap();
    }

    fn reads(&self, store: &Memory, days: i64) {
        see(&StoreSource(store), &self.root, day(days)).unwrap();
    }
}

fn blobs(plan: &Plan) -> Vec<&str> {
    plan.blobs.iter().map(|gone| gone.name.as_str()).collect()
}

#[test]
fn a_blob_stays_for_the_longest_term_and_a_margin_after_it_was_named() {
    let year = Year::new();
    // Replaced on day 2, 90 days, and 7 more.
    assert_eq!(blobs(&prune(&year.store, day(99), Action::Show).unwrap()), Vec::<&str>::new());
    let kept = prune(&year.store, day(99), Action::Show).unwrap().kept;
    assert_eq!(
        kept.iter().map(|kept| (kept.name.as_str(), kept.until)).collect::<Vec<_>>(),
        [(year.first.as_str(), Some(day(99)))]
    );
    let tree = year.store.tree();
    let shown = prune(&year.store, day(100), Action::Show).unwrap();
    assert_eq!(year.store.tree(), tree, "showing changes nothing");
    assert_eq!(blobs(&shown), [year.first.as_str()]);
    // The documents of day 1; those of day 2 were replaced on day 80.
    let ends: Vec<&str> = shown.metadata.iter().map(|gone| &gone.name[10..]).collect();
    assert_eq!(ends, [".targets.json", ".snapshot.json"]);
    assert_eq!(prune(&year.store, day(100), Action::Remove).unwrap(), shown);
    year.reads(&year.store, 100);
    let left = year.store.tree();
    let gone = shown.blobs.iter().chain(&shown.metadata).count();
    assert_eq!(left.len() + gone, tree.len());
    assert!(left.contains_key(&(Part::Metadata, "1.root.json".into())));
    assert_eq!(prune(&year.store, day(100), Action::Remove).unwrap().blobs, []);
}

#[test]
fn a_prune_cut_anywhere_leaves_a_whole_repository_and_a_rerun_completes_it() {
    let year = Year::new();
    let whole = year.store.fork();
    let counting = CutStore::new(&whole, None);
    prune(&counting, day(100), Action::Remove).unwrap();
    for at in 0..counting.ops() {
        for loss in [Loss::All, Loss::Answer] {
            let store = year.store.fork();
            assert!(prune(&CutStore::new(&store, Some((at, loss))), day(100), Action::Remove).is_err());
            year.reads(&store, 100);
            prune(&store, day(100), Action::Remove).unwrap();
            assert_eq!(store.tree(), whole.tree(), "cut {at}, {loss:?}");
        }
    }
}

#[test]
fn what_nobody_names_goes_when_it_is_old_and_what_is_being_published_stays() {
    let year = Year::new();
    let plant = |days: i64, part: Part, name: &str, bytes: &[u8]| {
        year.store.set_clock(day(days));
        year.store.plant(part, name, bytes);
    };
    plant(2, Part::Targets, "old-stray", b"x");
    plant(3, Part::Targets, "young-stray", b"x");
    let stays = |days: i64, name: &str| {
        let plan = prune(&year.store, day(days), Action::Show).unwrap();
        !blobs(&plan).contains(&name)
    };
    assert!(!stays(100, "old-stray") && stays(100, "young-stray"));
    // A publisher has written its targets role, and its commit may follow at any moment.
    let targets = year.yard.folder.signed().unwrap().metadata().online.clone().unwrap().targets;
    let text = String::from_utf8(targets.bytes().to_vec()).unwrap();
    let (version, digest) = (targets.version(), "ab".repeat(32));
    let next = text
        .replace(&version.to_string(), &(version + 1).to_string())
        .replacen(&targets_digest(&text), &digest, 1)
        .replacen(&name_with(&text, &targets_digest(&text)), "old-stray", 1);
    plant(99, Part::Metadata, &format!("{}.targets.json", version + 1), next.as_bytes());
    let named = format!("{digest}.old-stray");
    plant(2, Part::Targets, &named, b"x");
    assert!(stays(100, &named));
    // What cannot be read proves nothing.
    plant(99, Part::Metadata, "5.other-role.json", b"{}");
    let refused = prune(&year.store, day(100), Action::Remove);
    assert_eq!(refused.unwrap_err().exit(), updater_core::Exit::Untrusted);
}

/// The first digest in a targets role, and the name that it belongs to.
fn targets_digest(text: &str) -> String {
    text.split("\"sha256\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn name_with(text: &str, digest: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let targets = value["signed"]["targets"].as_object().unwrap();
    targets.iter().find(|(_, target)| target["hashes"]["sha256"] == digest).unwrap().0.clone()
}

#[test]
fn a_prune_stops_when_somebody_publishes_and_refuses_what_has_expired() {
    let year = Year::new();
    let store = year.store.fork();
    let other = || {
        year.refresh(100);
        let found = year.store.read(Part::Metadata, "timestamp.json", 1 << 20).unwrap().unwrap();
        store.plant(Part::Metadata, "timestamp.json", &found.bytes);
    };
    let counting = year.store.fork();
    let count = CutStore::new(&counting, None);
    prune(&count, day(100), Action::Remove).unwrap();
    // Right before the look that comes before the first removal.
    let at = count.writes()[0] - 1;
    let crowded = Crowded { inner: &store, at, ops: Mutex::new(0), work: &other };
    let before = store.tree().len();
    let stopped = prune(&crowded, day(100), Action::Remove);
    assert!(matches!(stopped, Err(Error::Moved { .. })), "{stopped:?}");
    assert_eq!(store.tree().len(), before);
    let refused = prune(&year.store, day(300), Action::Remove);
    assert!(matches!(refused, Err(Error::PruneExpired { role: Role::Targets, .. })), "{refused:?}");
    let refused = prune(&Memory::new(), day(1), Action::Remove);
    assert!(matches!(refused, Err(Error::NoRepository { .. })), "{refused:?}");
}

#[test]
fn a_folder_is_pruned_by_the_times_of_its_files() {
    let (yard, key) = Yard::with_key();
    let dir = yard.path("pub");
    let now = DateTime::<Utc>::from(std::time::SystemTime::now());
    yard.add("1.0.0");
    yard.publish(&[&key], now, &dir);
    std::fs::write(dir.join("targets/stray"), "x").unwrap();
    let store = FolderStore::new(&Disk, &dir);
    let prune = |action| prune(&store, now + TimeDelta::hours(1), action).unwrap();
    assert_eq!(blobs(&prune(Action::Remove)), Vec::<&str>::new());
    let stray = std::fs::File::options().write(true).open(dir.join("targets/stray")).unwrap();
    stray.set_modified((now - TimeDelta::days(98)).into()).unwrap();
    assert_eq!(blobs(&prune(Action::Show)), ["stray"]);
    assert_eq!(blobs(&prune(Action::Remove)), ["stray"]);
    assert!(!dir.join("targets/stray").exists());
}

/// A delegated role is a targets role to a prune: what it signed before goes when nobody can ask for it, no sooner.
#[test]
fn old_documents_and_blobs_of_a_delegated_role_go_too() {
    let paper = |role: &str, version: u64, written: i64, names: &[&str]| Paper {
        file: format!("{version}.{role}.json"),
        role: role.into(),
        version,
        expires: day(written + 10),
        written: Some(day(written)),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Paper::default()
    };
    let listing = |version: u64, written: i64, team: u64| Paper {
        lists: [("targets".to_owned(), 1), ("team".to_owned(), team)].into(),
        ..paper("snapshot", version, written, &[])
    };
    let blob = |name: &str| Entry { name: name.into(), length: 1, modified: Some(day(0)) };
    let stock = Stock {
        snapshot: 2,
        snapshots: vec![listing(1, 0, 1), listing(2, 4, 2)],
        targets: vec![
            paper("targets", 1, 0, &["image"]),
            paper("team", 1, 0, &["first-tool", "tool"]),
            paper("team", 2, 4, &["tool", "second-tool"]),
        ],
        blobs: ["first-tool", "image", "second-tool", "tool"].map(blob).into(),
    };
    let gone = |days: i64| plan(&stock, day(days) + TimeDelta::seconds(1));
    // Replaced on day 4, ten days, and seven of margin.
    assert_eq!((gone(20).blobs, gone(20).metadata), (vec![], vec![]));
    assert_eq!(blobs(&gone(21)), ["first-tool"]);
    let documents: Vec<String> = gone(21).metadata.into_iter().map(|gone| gone.name).collect();
    assert_eq!(documents, ["1.team.json", "1.snapshot.json"]);
    assert_eq!(blobs(&gone(9999)), ["first-tool"], "what hosts see stays for good");
}

/// The rules one by one, with small numbers: a term is ten days.
#[test]
fn the_rules() {
    let paper = |role: &str, version: u64, written: i64, expires: i64, names: &[&str]| Paper {
        file: format!("{version}.{role}.json"),
        role: role.into(),
        version,
        expires: day(expires),
        written: Some(day(written)),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Paper::default()
    };
    let listing = |version: u64, written: i64, expires: i64, lists: &[(&str, u64)]| Paper {
        lists: lists.iter().map(|(role, version)| ((*role).to_owned(), *version)).collect(),
        ..paper("snapshot", version, written, expires, &[])
    };
    let blob = |name: &str, modified: Option<i64>| Entry {
        name: name.into(),
        length: 1,
        modified: modified.map(day),
    };
    let stock = Stock {
        snapshot: 2,
        snapshots: vec![
            listing(1, 0, 10, &[("targets", 1), ("ours", 1), ("dropped", 1)]),
            listing(2, 4, 14, &[("targets", 2), ("ours", 1)]),
        ],
        targets: vec![
            paper("targets", 1, 0, 10, &["replaced", "both"]),
            paper("targets", 2, 4, 14, &["both", "live"]),
            paper("targets", 3, 9, 19, &["pending"]),
            paper("ours", 1, 0, 10, &["delegated"]),
            paper("dropped", 1, 0, 10, &["dropped"]),
        ],
        blobs: vec![
            blob("both", Some(0)),
            blob("delegated", Some(0)),
            blob("dropped", Some(0)),
            blob("live", Some(0)),
            blob("pending", Some(0)),
            blob("replaced", Some(0)),
            blob("stray", Some(3)),
            blob("ageless", None),
        ],
    };
    let gone = |days: i64| {
        let plan = plan(&stock, day(days) + TimeDelta::seconds(1));
        blobs(&plan).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    // Replaced on day 4 (or dropped then), ten days, seven of margin; a stray of day 3 one day before that.
    assert_eq!(gone(19), Vec::<String>::new());
    assert_eq!(gone(20), ["stray"]);
    assert_eq!(gone(21), ["dropped", "replaced", "stray"]);
    // One that is about to be committed, from when it was written and by its own expiry.
    assert_eq!(gone(25), ["dropped", "replaced", "stray"]);
    assert_eq!(gone(26), ["dropped", "pending", "replaced", "stray"]);
    assert_eq!(gone(9999), ["dropped", "pending", "replaced", "stray"]);
}
