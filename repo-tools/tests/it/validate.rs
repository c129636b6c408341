//! Every planted fault is found, and a good repository has none.

use std::fs;
use std::path::{Path, PathBuf};

use trust_client::Location;
use updog_repo::bundle_source::BundleSource;
use updog_repo::host_check::host_check;
use updog_repo::source::{FolderSource, Source, UrlSource};
use updog_repo::store::FolderStore;
use updog_repo::validate::{Depth, Kind, Report, Validation, orphans, validate};
use updog_repo::{Disk, Draft};

use crate::common::{Yard, day, order};

/// Looks it over, whole, from its own first root.
pub(crate) fn look(source: &dyn Source, days: i64) -> Report {
    look_from(source, None, days)
}

fn look_from(source: &dyn Source, root: Option<Vec<u8>>, days: i64) -> Report {
    let order = Validation { root, now: day(days), depth: Depth::Targets, workers: 3 };
    validate(source, &order, &|_, _| {}).unwrap()
}

pub(crate) fn kinds(report: &Report) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = report.problems.iter().map(|problem| problem.kind).collect();
    kinds.sort();
    kinds
}

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
        let mut report = look(&FolderSource::new(&Disk, &self.dir), days);
        orphans(&FolderStore::new(&Disk, &self.dir), &mut report).unwrap();
        report
    }

    fn kinds(&self, days: i64) -> Vec<Kind> {
        kinds(&self.report(days))
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
        fs::write(&path, text.replacen("\"expires\":\"20", "\"expires\":\"21", 1)).unwrap();
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
        assert!(closed.is_err(), "{what}: sign refuses it");
        let root = fs::read(planted.dir.join("metadata/1.root.json")).unwrap();
        resign(&planted, &key, &draft);
        let staged = host_check(&FolderSource::new(&Disk, &planted.dir), root, day(2));
        assert!(staged.is_err(), "{what}: stage refuses it");
        let kinds = planted.kinds(2);
        assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == Kind::Manifest), "{what}: {kinds:?}");
    }
}

/// Each kind of fault, planted in a real repository and seen through a real server.
#[test]
fn a_url_is_looked_over_like_a_folder() {
    type Plant = fn(&Planted);
    let timestamp = |planted: &Planted| planted.dir.join("metadata/timestamp.json");
    let cases: [(&str, i64, Plant, &[Kind]); 8] = [
        ("good", 2, |_| (), &[]),
        ("flipped", 2, |it| flip(&it.blob("1.0.0-root.img.zst")), &[Kind::Differs]),
        ("longer", 2, |it| append(&it.blob("1.1.0-root.img.zst"), b"x"), &[Kind::Differs]),
        ("shorter", 2, |it| fs::write(it.blob("1.0.0-hash.idx"), b"x").unwrap(), &[Kind::Differs]),
        ("gone", 2, |it| fs::remove_file(it.blob("1.1.0-boot.img.zst")).unwrap(), &[Kind::Missing]),
        ("expired", 9, |_| (), &[Kind::Expired]),
        ("signed tomorrow", 0, |_| (), &[Kind::Clock]),
        ("timestamp flipped", 2, |it| flip(&it.dir.join("metadata/timestamp.json")), &[Kind::Metadata]),
    ];
    for (what, days, plant, expected) in cases {
        let planted = Planted::new();
        assert!(timestamp(&planted).exists());
        plant(&planted);
        let server =
            fixtures::server::Server::start(&planted.dir, fixtures::server::Faults::default()).unwrap();
        let report = look(&UrlSource::new(&Location::new(server.url())).unwrap(), days);
        assert_eq!(kinds(&report), expected, "{what}: {:?}", report.problems);
        if what == "good" {
            assert_eq!((report.targets, report.bytes), (13, planted.report(2).bytes));
        }
    }
}

#[test]
fn metadata_alone_reads_no_target() {
    let planted = Planted::new();
    fs::remove_dir_all(planted.dir.join("targets")).unwrap();
    let order = Validation { root: None, now: day(2), depth: Depth::Metadata, workers: 1 };
    let report = validate(&FolderSource::new(&Disk, &planted.dir), &order, &|_, _| {}).unwrap();
    assert_eq!((report.problems.len(), report.targets, report.roles.len()), (0, 0, 4));
}

/// Delegated roles are walked through to the last, and one that hosts would refuse hides no other.
#[test]
fn delegated_roles_are_looked_over_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut repository = delegating();
    repository.write(dir.path()).unwrap();
    let source = FolderSource::new(&Disk, dir.path());
    let mut report = look(&source, 2);
    orphans(&FolderStore::new(&Disk, dir.path()), &mut report).unwrap();
    assert_eq!((report.problems.clone(), report.targets, report.roles.len()), (Vec::new(), 3, 7));
    fs::remove_file(named(&dir.path().join("targets"), "b.bin")).unwrap();
    assert_eq!(kinds(&look(&source, 2)), [Kind::Missing]);
    flip(&named(&dir.path().join("metadata"), "one.json"));
    // The role itself, and the file of another role: a host asks this one first, and fails.
    assert_eq!(kinds(&look(&source, 2)), [Kind::Metadata; 2]);
    repository.expiries.insert("two".into(), day(1));
    repository.publish();
    repository.write(dir.path()).unwrap();
    assert_eq!(kinds(&look(&source, 2)), [Kind::Expired]);
}

/// targets → one → inner, targets → two; a file each.
pub(crate) fn delegating() -> fixtures::tuf::Repository {
    use fixtures::tuf::{Delegation, Repository, Signs};
    let to = |name: &str, keys: Vec<u8>| Delegation {
        name: name.into(),
        keys,
        paths: vec!["*".into()],
        terminating: false,
    };
    let file = |name: &str| [(name.to_owned(), name.as_bytes().to_vec())].into();
    let mut repository = Repository::new(day(0));
    repository.roles.get_mut("targets").unwrap().delegations = vec![to("one", vec![11]), to("two", vec![12])];
    repository.roles.insert(
        "one".into(),
        Signs { targets: file("a.bin"), delegations: vec![to("inner", vec![13])], keys: vec![11] },
    );
    repository
        .roles
        .insert("two".into(), Signs { targets: file("b.bin"), delegations: vec![], keys: vec![12] });
    repository
        .roles
        .insert("inner".into(), Signs { targets: file("c.bin"), delegations: vec![], keys: vec![13] });
    repository.publish();
    repository
}

fn named(dir: &Path, end: &str) -> PathBuf {
    let names = updog_repo::files::Files::names(&Disk, dir).unwrap();
    dir.join(names.iter().find(|name| name.ends_with(end)).unwrap())
}

#[test]
fn a_root_that_is_not_the_repositorys_is_a_problem() {
    let (planted, other) = (Planted::new(), Planted::new());
    let root = fs::read(other.dir.join("metadata/1.root.json")).unwrap();
    let report = look_from(&FolderSource::new(&Disk, &planted.dir), Some(root), 2);
    assert_eq!(kinds(&report), [Kind::Metadata]);
}

#[test]
fn a_bundle_is_looked_over_without_what_it_leaves_out() {
    let planted = Planted::new();
    let file = planted.yard.path("b");
    crate::copy::pack(&planted.dir, &file, &[], day(2)).unwrap();
    let report = look(&BundleSource::open(&file).unwrap(), 2);
    assert_eq!((report.problems.clone(), report.targets, report.left_out), (Vec::new(), 7, 6));
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
