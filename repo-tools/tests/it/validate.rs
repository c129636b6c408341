//! Every planted fault is found, and a good repository has none.

use std::fs;
use std::path::{Path, PathBuf};

use updog_repo::source::{FolderSource, UrlSource};
use updog_repo::validate::{Kind, Report, orphans, validate};
use updog_repo::{Disk, Draft};

use crate::common::{Yard, day, order};

struct Planted {
    yard: Yard,
    dir: PathBuf,
}

impl Planted {
    fn new() -> Self {
        let (yard, key) = Yard::with_key();
        yard.add("1.0.0");
        yard.add("1.1.0");
        let dir = yard.path("pub");
        yard.publish(&[&key], day(1), &dir);
        Self { yard, dir }
    }

    fn report(&self, days: i64) -> Report {
        let mut report = validate(&FolderSource::new(&Disk, &self.dir), None, day(days)).unwrap();
        orphans(&Disk, &self.dir, &mut report).unwrap();
        report
    }

    fn kinds(&self, days: i64) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = self.report(days).problems.iter().map(|problem| problem.kind).collect();
        kinds.sort();
        kinds
    }

    fn blob(&self, end: &str) -> PathBuf {
        let dir = self.dir.join("targets");
        let names = updog_repo::files::Files::names(&Disk, &dir).unwrap();
        dir.join(names.iter().find(|name| name.ends_with(end)).unwrap())
    }
}

#[test]
fn a_good_repository_has_no_problems_and_every_byte_was_read() {
    let planted = Planted::new();
    let report = planted.report(2);
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(report.targets, 13);
    let bytes: u64 = fs::read_dir(planted.dir.join("targets"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert_eq!(report.bytes, bytes);
    // Old metadata and its manifest stay for hosts that are half-way through them.
    let key = updog_repo::keys::Signer::from_file(&planted.yard.path("keys/all")).unwrap();
    planted.yard.add("1.2.0");
    planted.yard.publish(&[&key], day(2), &planted.dir);
    assert_eq!(planted.kinds(2), []);
}

#[test]
fn faults_in_targets() {
    type Plant = fn(&Path);
    let cases: [(&str, &str, Plant, &[Kind]); 5] = [
        ("flipped byte", "1.0.0-root.img.zst", |file| flip(file), &[Kind::Differs]),
        ("missing", "1.1.0-boot.img.zst", |file| fs::remove_file(file).unwrap(), &[Kind::Missing]),
        ("longer", "1.0.0-hash.idx", |file| append(file, b"x"), &[Kind::Differs]),
        ("shorter", "1.0.0-hash.idx", |file| fs::write(file, b"x").unwrap(), &[Kind::Differs]),
        ("manifest flipped", "manifest.json", |file| flip(file), &[Kind::Differs]),
    ];
    for (what, blob, plant, kinds) in cases {
        let planted = Planted::new();
        plant(&planted.blob(blob));
        assert_eq!(planted.kinds(2), kinds, "{what}: {:?}", planted.report(2).problems);
    }
}

#[test]
fn faults_beside_targets() {
    let planted = Planted::new();
    for name in
        ["targets/stray", "targets/.x.partial", "metadata/stray.json", "metadata/.timestamp.json.partial"]
    {
        fs::write(planted.dir.join(name), "x").unwrap();
    }
    assert_eq!(planted.kinds(2), [Kind::Orphan; 4]);
    let planted = Planted::new();
    assert_eq!(planted.kinds(9), [Kind::Expired]);
    assert_eq!(planted.report(9).problems[0].what.split(' ').next(), Some("timestamp"));
    assert_eq!(planted.kinds(400), [Kind::Expired; 4]);
}

#[test]
fn faults_in_metadata() {
    for file in ["timestamp.json", "snapshot.json", "targets.json", "1.root.json"] {
        let planted = Planted::new();
        let dir = planted.dir.join("metadata");
        let names = updog_repo::files::Files::names(&Disk, &dir).unwrap();
        let path = dir.join(names.iter().find(|name| name.ends_with(file)).unwrap());
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("\"expires\": \"20", "\"expires\": \"21", 1)).unwrap();
        assert_eq!(planted.kinds(2), [Kind::Metadata], "{file} changed");
        fs::remove_file(&path).unwrap();
        let kinds = planted.kinds(2);
        assert!(kinds.contains(&Kind::Metadata), "{file} gone: {kinds:?}");
    }
}

/// A publisher without our checks signs a manifest that hosts cannot follow.
#[test]
fn faults_in_the_manifest() {
    type Plant = fn(&mut Draft);
    let cases: [(&str, Plant); 4] = [
        ("twice", |draft| draft.manifest.updates.push(draft.manifest.updates[0].clone())),
        ("above max", |draft| draft.manifest.updates[0].max_version = "0.1.0".parse().unwrap()),
        ("target missing", |draft| draft.manifest.updates[0].images.root = "nowhere".into()),
        ("wrong id", |draft| {
            let other = draft.manifest.updates[1].updog.as_ref().unwrap().index.clone();
            draft.manifest.updates[0].updog.as_mut().unwrap().index = other;
        }),
    ];
    for (what, plant) in cases {
        let planted = Planted::new();
        let key = updog_repo::keys::Signer::from_file(&planted.yard.path("keys/all")).unwrap();
        let mut draft = planted.yard.folder.draft().unwrap();
        plant(&mut draft);
        let closed = draft.close(&planted.yard.folder, planted.yard.folder.papers().unwrap(), order(day(2)));
        assert!(what == "wrong id" || closed.is_err(), "{what}: sign refuses it");
        resign(&planted, &key, &draft);
        let kinds = planted.kinds(2);
        assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == Kind::Manifest), "{what}: {kinds:?}");
    }
}

#[test]
fn a_url_is_looked_over_like_a_folder() {
    let planted = Planted::new();
    let server = fixtures::server::Server::start(&planted.dir, fixtures::server::Faults::default()).unwrap();
    let source = UrlSource::new(&server.url()).unwrap();
    let report = validate(&source, None, day(2)).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(report.bytes, planted.report(2).bytes);
    flip(&planted.blob("1.0.0-root.img.zst"));
    append(&planted.blob("1.1.0-root.img.zst"), b"x");
    fs::remove_file(planted.blob("1.1.0-boot.img.zst")).unwrap();
    let mut kinds: Vec<Kind> =
        validate(&source, None, day(2)).unwrap().problems.iter().map(|problem| problem.kind).collect();
    kinds.sort();
    assert_eq!(kinds, [Kind::Missing, Kind::Differs, Kind::Differs]);
}

#[test]
fn a_root_that_is_not_the_repositorys_is_a_problem() {
    let (planted, other) = (Planted::new(), Planted::new());
    let root = fs::read(other.dir.join("metadata/1.root.json")).unwrap();
    let report = validate(&FolderSource::new(&Disk, &planted.dir), Some(root), day(2)).unwrap();
    assert_eq!(report.problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), [Kind::Metadata]);
}

fn flip(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
}

fn append(file: &Path, more: &[u8]) {
    let mut bytes = fs::read(file).unwrap();
    bytes.extend_from_slice(more);
    fs::write(file, bytes).unwrap();
}

/// Signs whatever the draft says, with tough's own pieces, in place of the published state.
fn resign(planted: &Planted, key: &updog_repo::keys::Signer, draft: &Draft) {
    let bytes = draft.manifest.encode().unwrap();
    let blob = updog_repo::Blob::of(&bytes);
    fs::remove_file(planted.blob("manifest.json")).unwrap();
    fs::write(planted.dir.join("targets").join(blob.file_name("manifest.json")), &bytes).unwrap();
    crate::common::resign(&planted.dir, key.origin(), &blob);
}
