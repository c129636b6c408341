//! Each problem is produced by a real folder, is found alone, and is gone when it is mended.

use std::fs;
use std::num::NonZeroU64;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use updog_repo::doctor::{Diagnosis, Kind, Observed, examine};
use updog_repo::keys::Signer;
use updog_repo::{Disk, Intent, Order, Role, Rotation};

use crate::cli::Desk;
use crate::common::{Yard, again, day};

/// A repository as it should be: 2 of 3 root keys, two online keys of which one is enough, everything signed.
struct Healthy {
    yard: Yard,
    keys: Vec<Signer>,
}

impl Healthy {
    fn new() -> Self {
        let yard = Yard::bare();
        let keys: Vec<Signer> =
            ["ann", "ben", "cem", "one", "two"].iter().map(|name| yard.key(name)).collect();
        yard.edit_root(|next| {
            for key in &keys[..3] {
                next.add_key(&key.public(), &[Role::Root]).unwrap();
            }
            for key in &keys[3..] {
                next.add_key(&key.public(), &[Role::Targets, Role::Snapshot, Role::Timestamp]).unwrap();
            }
            next.set_threshold(Role::Root, NonZeroU64::new(2).unwrap()).unwrap();
        });
        yard.add("1.0.0");
        let healthy = Self { yard, keys };
        healthy.write_intent("");
        healthy.sign(1);
        healthy
    }

    fn write_intent(&self, more: &str) {
        let text = format!(
            "[keys]\nann = \"../keys/ann.pub\"\nben = \"../keys/ben.pub\"\ncem = \"../keys/cem.pub\"\n\
             one = \"../keys/one.pub\"\ntwo = \"../keys/two.pub\"\n\
             [roles.targets]\nkeys = [\"one\", \"two\"]\nthreshold = 1\n{more}\n"
        );
        fs::write(self.repo("repo.toml"), text).unwrap();
    }

    fn repo(&self, name: &str) -> PathBuf {
        self.yard.path("repo").join(name)
    }

    fn sign(&self, days: i64) {
        self.yard.sign(&self.keys.iter().collect::<Vec<_>>(), day(days));
    }

    fn renew(&self, role: Role, now: DateTime<Utc>) {
        let terms = Intent::read(&Disk, &self.yard.path("repo")).unwrap().terms();
        let order = Order { now, terms, renew: Some(role), rotation: Rotation::OldAndNew };
        self.yard.try_sign(&self.keys.iter().collect::<Vec<_>>(), order).unwrap();
    }

    fn root(&self, edit: impl FnOnce(&mut updog_repo::ceremony::NextRoot)) {
        self.yard.edit_root(edit);
        self.sign(1);
    }

    fn diagnosis(&self, now: DateTime<Utc>) -> Diagnosis {
        let intent = Intent::read(&Disk, &self.yard.path("repo")).unwrap();
        let extra: Vec<PathBuf> = [self.repo("secret")].into_iter().filter(|path| path.exists()).collect();
        examine(&Observed::look(&self.yard.folder, &intent, &extra), &intent, now)
    }

    fn kinds(&self, now: DateTime<Utc>) -> Vec<Kind> {
        let diagnosis = self.diagnosis(now);
        for finding in &diagnosis.findings {
            assert!(!finding.what.is_empty() && !finding.fix.is_empty());
            assert!(!finding.what.contains('\n') && !finding.fix.contains('\n'), "{finding:?}");
        }
        diagnosis.findings.iter().map(|finding| finding.kind).collect()
    }

    fn expect(&self, what: &str, kinds: &[Kind]) {
        assert_eq!(self.kinds(day(2)), kinds, "{what}: {:#?}", self.diagnosis(day(2)));
    }
}

const FINE: &[Kind] = &[];

#[test]
fn time() {
    let it = Healthy::new();
    it.expect("a healthy folder", FINE);
    // Signed on day 1 for 7 days, with a margin of 2: day 6 is the first second of the margin.
    assert_eq!(it.kinds(day(6) - TimeDelta::seconds(1)), FINE);
    assert_eq!(it.kinds(day(6)), [Kind::Expiring]);
    assert_eq!(it.kinds(day(8) - TimeDelta::seconds(1)), [Kind::Expiring]);
    assert_eq!(it.kinds(day(8)), [Kind::Expired]);
    assert!(it.diagnosis(day(8)).findings[0].what.contains("timestamp"));
    it.renew(Role::Timestamp, day(8));
    assert_eq!(it.kinds(day(8)), FINE);
    it.renew(Role::Targets, day(80));
    assert_eq!(it.kinds(day(80)), FINE);
    // A clock before the last signature; and nothing else is concluded from it.
    assert_eq!(it.kinds(day(79)), [Kind::Clock]);
    it.write_intent("[roles.snapshot]\nexpires = \"30d\"\nmargin = \"2d\"");
    assert_eq!(it.kinds(day(80)), [Kind::Intent]);
    it.renew(Role::Snapshot, day(80));
    assert_eq!(it.kinds(day(80)), FINE);
}

#[test]
fn a_refresh_of_what_is_published_counts() {
    let it = Healthy::new();
    let public = it.yard.path("public");
    it.yard.publish(&it.keys.iter().collect::<Vec<_>>(), day(1), &public);
    it.write_intent("[stores]\nlive = \"../public\"");
    let terms = updog_repo::refresh::Terms {
        now: day(5),
        term: TimeDelta::days(7),
        expired: trust_core::Expiry::Enforce,
    };
    crate::common::wait(updog_repo::refresh::refresh(&Disk, &public, &[again(&it.keys[3])], terms)).unwrap();
    assert_eq!(it.kinds(day(9)), FINE);
    it.write_intent("");
    assert_eq!(it.kinds(day(9)), [Kind::Expired]);
}

#[test]
fn roles() {
    let it = Healthy::new();
    let three = NonZeroU64::new(3).unwrap();
    let two = NonZeroU64::new(2).unwrap();
    it.root(|next| assert!(next.set_threshold(Role::Root, three).unwrap()));
    it.expect("3 of 3", &[Kind::ThresholdEqualsKeys]);
    assert!(it.diagnosis(day(2)).findings[0].what.contains("ann "), "keys are called by their names");
    it.root(|next| assert!(next.set_threshold(Role::Root, NonZeroU64::MIN).unwrap()));
    it.expect("1 of 3", &[Kind::RootThresholdOne]);
    it.root(|next| assert!(next.set_threshold(Role::Root, two).unwrap()));
    it.expect("2 of 3 again", FINE);

    let everywhere = [Role::Snapshot, Role::Timestamp, Role::Targets];
    it.root(|next| assert!(next.add_key(&it.keys[0].public(), &everywhere).unwrap()));
    // repo.toml says who signs targets, and it is not ann.
    it.expect("one key in all roles", &[Kind::OneKeyForAll, Kind::Intent]);
    it.root(|next| assert!(next.remove_key(it.keys[0].id(), &everywhere).unwrap()));
    it.expect("and no longer", FINE);

    it.write_intent("[roles.root]\nkeys = [\"ann\", \"ben\", \"one\"]\nthreshold = 3");
    it.expect("another root is meant", &[Kind::Intent, Kind::Intent, Kind::Intent]);
    let fixes: Vec<String> = it.diagnosis(day(2)).findings.into_iter().map(|finding| finding.fix).collect();
    for (fix, part) in fixes.iter().zip(["root add-key", "root remove-key", "root threshold root 3"]) {
        assert!(fix.contains(part), "{fix}");
    }
    it.yard.edit_root(|next| {
        next.set_threshold(Role::Root, three).unwrap();
    });
    let fixes: Vec<String> = it.diagnosis(day(2)).findings.into_iter().map(|finding| finding.fix).collect();
    assert!(fixes[2].contains("sign root 7, which says so"), "{fixes:#?}");
}

#[test]
fn key_files() {
    let it = Healthy::new();
    let one = it.yard.path("keys/one");
    let mode = |mode| fs::set_permissions(&one, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o640);
    it.expect("others read a private key", &[Kind::KeyMode]);
    assert!(it.diagnosis(day(2)).findings[0].fix.starts_with("chmod 600 "));
    mode(0o600);
    it.expect("nobody does", FINE);

    fs::copy(&one, it.repo("secret")).unwrap();
    it.expect("a private key in the working folder", &[Kind::KeyInside]);
    fs::remove_file(it.repo("secret")).unwrap();
    it.expect("moved away", FINE);

    let public = it.yard.path("keys/one.pub");
    let bytes = fs::read(&public).unwrap();
    fs::write(&public, "no key").unwrap();
    it.expect("a public key that is none", &[Kind::KeyUnreadable]);
    fs::remove_file(&public).unwrap();
    it.expect("a public key that is not there", &[Kind::KeyUnreadable]);
    fs::write(&public, bytes).unwrap();
    it.expect("it is back", FINE);
}

#[test]
fn contents() {
    let it = Healthy::new();
    it.yard.add("1.1.0");
    it.expect("a release that nobody signed", &[Kind::Unsigned]);
    it.sign(1);
    it.expect("signed", FINE);

    it.yard.edit_root(|next| assert!(next.set_expires(day(300)).unwrap()));
    it.expect("a root that nobody signed", &[Kind::Unsigned]);
    it.sign(1);
    it.expect("signed", FINE);

    let timestamp = it.repo("signing/timestamp.json");
    let kept = fs::read(&timestamp).unwrap();
    fs::remove_file(&timestamp).unwrap();
    it.expect("a timestamp that is missing", &[Kind::Unsigned]);
    fs::write(&timestamp, "{").unwrap();
    it.expect("one that is nonsense", &[Kind::Unreadable]);
    fs::write(&timestamp, kept).unwrap();

    let draft = it.yard.folder.draft().unwrap();
    let mut bad = draft.clone();
    bad.manifest.updates.push(bad.manifest.updates[0].clone());
    it.yard.folder.save_draft(&bad).unwrap();
    it.expect("the same release twice", &[Kind::Manifest, Kind::Unsigned]);
    fs::write(it.repo("draft/targets.json"), "{}").unwrap();
    it.expect("a draft that is nonsense", &[Kind::Unreadable]);
    it.yard.folder.save_draft(&draft).unwrap();
    it.expect("mended", FINE);

    let stage = |days| {
        it.yard.folder.signed().unwrap().stage(&it.yard.folder, day(days)).unwrap();
    };
    stage(1);
    it.expect("staged", FINE);
    it.renew(Role::Timestamp, day(1));
    it.expect("signed after it was staged", &[Kind::StageStale]);
    stage(1);
    it.expect("staged again", FINE);
}

#[test]
fn blobs() {
    let it = Healthy::new();
    let named = fs::read_dir(it.repo("blobs")).unwrap().map(|entry| entry.unwrap().path());
    for path in named.collect::<Vec<_>>() {
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[1..]).unwrap();
        it.expect("a blob too short", &[Kind::BlobLength]);
        fs::remove_file(&path).unwrap();
        it.expect("a blob that is not there", &[Kind::BlobMissing]);
        fs::write(&path, bytes).unwrap();
    }
    it.expect("all there again", FINE);
}

#[test]
fn roots() {
    let it = Healthy::new();
    it.root(|next| assert!(next.set_expires(day(300)).unwrap()));
    it.root(|next| assert!(next.set_expires(day(301)).unwrap()));
    it.expect("three roots", FINE);
    for version in 1..=3 {
        let path = it.repo(&format!("root/{version}.root.json"));
        let bytes = fs::read(&path).unwrap();
        if version < 3 {
            fs::remove_file(&path).unwrap();
            it.expect("a root that is missing", &[Kind::RootChain]);
        }
        fs::write(&path, String::from_utf8_lossy(&bytes).replace("2027-", "2028-")).unwrap();
        it.expect("a root that nobody signed so", &[Kind::RootChain]);
        fs::write(&path, bytes).unwrap();
        it.expect("it is back", FINE);
    }
}

#[test]
fn wave_files_and_what_is_accepted() {
    let it = Healthy::new();
    it.write_intent("[waves.careful]\nfile = \"careful.toml\"");
    it.expect("a wave file that is not there", &[Kind::Intent]);
    fs::write(it.repo("careful.toml"), "[[waves]]\nstart_after = \"1 hour\"\nfleet_percentage = 100")
        .unwrap();
    it.expect("it is there", FINE);

    let accept = |list: &str| it.write_intent(&format!("[doctor]\naccept = [{list}]"));
    it.root(|next| assert!(next.set_threshold(Role::Root, NonZeroU64::new(3).unwrap()).unwrap()));
    for (list, kinds) in [
        ("", &[Kind::ThresholdEqualsKeys][..]),
        ("\"threshold_equals_keys:targets\"", &[Kind::ThresholdEqualsKeys]),
        ("\"threshold_equals_keys:root\"", FINE),
        ("\"threshold_equals_keys\"", FINE),
    ] {
        accept(list);
        it.expect(list, kinds);
        assert_eq!(it.diagnosis(day(2)).accepted, usize::from(kinds.is_empty()), "{list}");
    }
}

#[test]
fn every_kind_has_its_word_and_its_place_in_the_list() {
    let mut names: Vec<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Kind::ALL.len());
}

#[test]
fn the_verb() {
    let desk = Desk::new();
    assert_eq!(desk.run("--repo r doctor"), 2);
    desk.done("--repo r init");
    desk.done("--repo r key new k --role all");
    let answer = desk.json("--repo r doctor");
    assert_eq!((answer["exit"].as_i64(), answer["reason"].as_str()), (Some(12), Some("problems")));
    let kinds: Vec<&str> = answer["data"]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["kind"].as_str().unwrap())
        .collect();
    let equal = "threshold_equals_keys";
    assert_eq!(
        kinds,
        ["root_threshold_one", equal, equal, equal, equal, "one_key_for_all", "unsigned", "unsigned"]
    );
    let output = desk.output("--repo r doctor --key k");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("  do: chmod 600") && said.ends_with("8 problem(s)\n"), "{said}");
    fs::set_permissions(desk.path().join("k"), fs::Permissions::from_mode(0o604)).unwrap();
    assert!(
        String::from_utf8(desk.output("--repo r doctor --key k").stdout).unwrap().contains("do: chmod 600 k")
    );
    fs::set_permissions(desk.path().join("k"), fs::Permissions::from_mode(0o600)).unwrap();
    // A repo.toml that cannot be used is one problem of many.
    fs::write(desk.path().join("r/repo.toml"), "nmae = 1").unwrap();
    let answer = desk.json("--repo r doctor");
    assert!(answer.to_string().contains("unknown key") && answer["exit"] == 12, "{answer}");
    fs::write(
        desk.path().join("r/repo.toml"),
        "doctor.accept = [\"threshold_equals_keys\", \"root_threshold_one\", \"one_key_for_all\"]",
    )
    .unwrap();
    desk.done("--repo r sign --key k");
    assert!(desk.done("--repo r doctor").contains("no problems, 6 accepted in repo.toml"));
}
