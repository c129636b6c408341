//! Mirrors and bundles: a copy is the source by the host's own rules, it goes on where it was cut, and it never goes back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};
use fixtures::server::{Faults, Server};
use trust_client::Location;
use updog_repo::bundle_source::BundleSource;
use updog_repo::copy::{
    Bundled, Bundling, Mirrored, Mirroring, Selection, Start, Wanted, Writing, bundle, mirror,
};
use updog_repo::files::Files;
use updog_repo::keys::Signer;
use updog_repo::publish::Gap;
use updog_repo::source::{FolderSource, Source, UrlSource};
use updog_repo::{Disk, Error, Role};

use crate::common::{OnCrashFs, Yard, day, load, read};
use crate::validate::{delegating, kinds, look};

fn order(now: DateTime<Utc>) -> Mirroring {
    Mirroring {
        root: None,
        now,
        selection: Selection::Everything,
        gap: Gap::Refuse,
        workers: 3,
        writing: Writing::Really,
    }
}

fn copy(source: &dyn Source, dest: &Path, now: DateTime<Utc>) -> Result<Mirrored, Error> {
    mirror(source, &Disk, dest, &order(now), &|_, _| {})
}

pub(crate) fn pack(dir: &Path, file: &Path, versions: &[&str], now: DateTime<Utc>) -> Result<Bundled, Error> {
    let versions = versions.iter().map(|version| version.parse().unwrap()).collect();
    pack_from(dir, file, Start::First(None), Wanted { versions, ..Wanted::default() }, now)
}

fn pack_from(
    dir: &Path,
    file: &Path,
    start: Start,
    wanted: Wanted,
    now: DateTime<Utc>,
) -> Result<Bundled, Error> {
    let order = Bundling { start, now, wanted, writing: Writing::Really };
    bundle(&FolderSource::new(&Disk, dir), &Disk, file, order, &|_, _| {})
}

struct Origin {
    yard: Yard,
    key: Signer,
    dir: PathBuf,
}

impl Origin {
    fn new() -> Self {
        let (yard, key) = Yard::with_key();
        yard.add("1.0.0");
        let dir = yard.path("pub");
        yard.publish(&[&key], day(1), &dir);
        Self { yard, key, dir }
    }

    fn release(&self, version: &str, days: i64) {
        self.yard.add(version);
        self.yard.publish(&[&self.key], day(days), &self.dir);
    }

    fn root(&self) -> Vec<u8> {
        fs::read(self.dir.join("metadata/1.root.json")).unwrap()
    }

    fn source(&self) -> FolderSource<'_> {
        FolderSource::new(&Disk, &self.dir)
    }
}

fn names(dir: &Path) -> Vec<String> {
    ["metadata", "targets"].iter().flat_map(|part| Disk.names(&dir.join(part)).unwrap()).collect()
}

#[test]
fn a_mirror_is_the_source_and_a_second_run_takes_only_what_is_new() {
    let source = Origin::new();
    let dest = source.yard.path("far/mirror");
    let server = Server::start(&source.dir, Faults::default()).unwrap();
    let url = UrlSource::new(&Location::new(server.url())).unwrap();
    let first = copy(&url, &dest, day(2)).unwrap();
    assert_eq!((first.targets, first.new_targets), (7, 7));
    assert_eq!(names(&dest), names(&source.dir));
    read(&Disk, &dest, &source.root(), day(2)).unwrap();
    server.clear();
    let again = copy(&url, &dest, day(2)).unwrap();
    assert!(again.plan.is_done() && again.new_targets == 0, "{again:?}");
    assert!(server.log().len() < 4, "{:?}", server.log());
    source.release("1.1.0", 2);
    let next = copy(&url, &dest, day(2)).unwrap();
    assert_eq!((next.targets, next.new_targets), (13, 7), "six of the release and the manifest");
    read(&Disk, &dest, &source.root(), day(2)).unwrap();
    assert_eq!(kinds(&look(&FolderSource::new(&Disk, &dest), 2)), []);
}

#[test]
fn a_part_of_the_targets_may_be_copied() {
    let source = Origin::new();
    source.release("1.1.0", 2);
    let dest = source.yard.path("mirror");
    let part = |selection| Mirroring { selection, ..order(day(2)) };
    let run = |order: &Mirroring| mirror(&source.source(), &Disk, &dest, order, &|_, _| {}).unwrap();
    assert_eq!(run(&part(Selection::MetadataOnly)).targets, 0);
    let wanted = Wanted { versions: vec!["1.0.0".parse().unwrap()], ..Wanted::default() };
    let rehearsed = run(&Mirroring { writing: Writing::DryRun, ..part(Selection::Releases(wanted.clone())) });
    assert_eq!(Disk.names(&dest.join("targets")).unwrap(), [""; 0], "a dry run writes nothing");
    let done = run(&part(Selection::Releases(wanted)));
    assert_eq!((done.new_targets, rehearsed.new_targets), (7, 7));
    assert_eq!(done.releases, ["tiny x86_64 1.0.0"]);
    let none = Wanted { versions: vec!["9.0.0".parse().unwrap()], ..Wanted::default() };
    let error = mirror(&source.source(), &Disk, &dest, &part(Selection::Releases(none)), &|_, _| {});
    assert!(matches!(error, Err(Error::NotInSource { .. })), "{error:?}");
}

#[test]
fn delegated_roles_and_bundles_can_be_mirrored() {
    let dir = tempfile::tempdir().unwrap();
    let (from, dest) = (dir.path().join("from"), dir.path().join("dest"));
    delegating().write(&from).unwrap();
    assert_eq!(copy(&FolderSource::new(&Disk, &from), &dest, day(2)).unwrap().targets, 3);
    assert_eq!(kinds(&look(&FolderSource::new(&Disk, &dest), 2)), []);
    let source = Origin::new();
    let (file, dest) = (source.yard.path("b"), source.yard.path("unpacked"));
    pack(&source.dir, &file, &[], day(2)).unwrap();
    copy(&BundleSource::open(&file).unwrap(), &dest, day(2)).unwrap();
    read(&Disk, &dest, &source.root(), day(2)).unwrap();
}

/// Whatever the source does, hosts of the copy find what they found before.
#[test]
fn a_bad_source_changes_nothing_that_hosts_see() {
    type Plant = fn(&Path);
    let cases: [(&str, Plant); 3] = [
        ("a damaged target", |dir| {
            let names = Disk.names(&dir.join("targets")).unwrap();
            let path =
                dir.join("targets").join(names.iter().find(|name| name.ends_with("1.1.0-root.idx")).unwrap());
            let mut bytes = fs::read(&path).unwrap();
            bytes[90] ^= 1;
            fs::write(path, bytes).unwrap();
        }),
        ("a damaged timestamp", |dir| {
            fs::write(dir.join("metadata/timestamp.json"), "{}").unwrap();
        }),
        ("no targets", |dir| fs::remove_dir_all(dir.join("targets")).unwrap()),
    ];
    for (what, plant) in cases {
        let source = Origin::new();
        let dest = source.yard.path("mirror");
        copy(&source.source(), &dest, day(2)).unwrap();
        let before = read(&Disk, &dest, &source.root(), day(2)).unwrap();
        source.release("1.1.0", 2);
        plant(&source.dir);
        assert!(copy(&source.source(), &dest, day(2)).is_err(), "{what}");
        assert_eq!(read(&Disk, &dest, &source.root(), day(2)).unwrap(), before, "{what}");
    }
}

#[test]
fn a_copy_never_goes_back_and_never_changes_its_root() {
    let source = Origin::new();
    let (dest, old) = (source.yard.path("mirror"), source.yard.path("old"));
    copy(&source.source(), &old, day(2)).unwrap();
    source.release("1.1.0", 2);
    copy(&source.source(), &dest, day(2)).unwrap();
    let error = copy(&FolderSource::new(&Disk, &old), &dest, day(2));
    assert!(
        matches!(error, Err(Error::HostCheck { source: trust_core::Error::Rollback { .. } })),
        "an older source: {error:?}"
    );
    let error = copy(&Origin::new().source(), &dest, day(2));
    assert!(error.is_err(), "another repository");
    let other = Mirroring { root: Some(Origin::new().root()), ..order(day(2)) };
    let error = mirror(&source.source(), &Disk, &source.yard.path("new"), &other, &|_, _| {});
    assert!(matches!(error, Err(Error::OtherRoot { version: 1 })), "another root: {error:?}");
    assert!(copy(&source.source(), &source.yard.path("late"), day(30)).is_err(), "expired");
}

/// The copy shows a key rotation in two commits, as the source did.
#[test]
fn a_rotation_is_mirrored_with_the_root_last() {
    const ONLINE: [Role; 3] = [Role::Targets, Role::Snapshot, Role::Timestamp];
    let source = Origin::new();
    let dest = source.yard.path("mirror");
    copy(&source.source(), &dest, day(2)).unwrap();
    let new = source.yard.key("new");
    source.yard.edit_root(|next| {
        next.remove_key(source.key.id(), &ONLINE).unwrap();
        next.add_key(&new.public(), &ONLINE).unwrap();
    });
    source.yard.publish(&[&source.key, &new], day(2), &source.dir);
    let done = copy(&source.source(), &dest, day(2)).unwrap();
    assert_eq!((done.plan.roots_before.len(), done.plan.roots_after), (0, vec![2]));
    read(&Disk, &dest, &source.root(), day(2)).unwrap();
}

/// The power goes at every operation of a mirror run that brings a release: hosts find the old copy or the new one, and
/// the same run completes it.
#[test]
fn a_mirror_run_can_be_cut_anywhere() {
    let source = Origin::new();
    let start = source.yard.path("start");
    copy(&source.source(), &start, day(2)).unwrap();
    let root = source.root();
    source.release("1.1.0", 2);
    let order = Mirroring { workers: 1, ..order(day(2)) };
    let run = |fs: &fixtures::crash_fs::CrashFs| {
        mirror(&source.source(), &OnCrashFs(fs.clone()), Path::new("/pub"), &order, &|_, _| {})
    };
    let look =
        |fs: &fixtures::crash_fs::CrashFs| read(&OnCrashFs(fs.clone()), Path::new("/pub"), &root, day(2));
    let base = load(&start);
    let before = look(&base.fork()).unwrap();
    let whole = base.fork();
    run(&whole).unwrap();
    let (ops, reference, after) = (whole.ops(), whole.tree(), look(&whole).unwrap());
    assert_ne!(before, after);
    let mut states = 0;
    for cut in 0..ops {
        let fs = base.fork();
        fs.cut_at(cut);
        assert!(run(&fs).is_err(), "cut {cut}");
        for view in fs.views() {
            states += 1;
            let found = look(&view.fs).unwrap();
            assert!(found == before || found == after, "cut {cut}, {}: {found:?}", view.how);
            run(&view.fs).unwrap();
            assert_eq!(look(&view.fs).unwrap(), after, "cut {cut}, {}", view.how);
            assert!(view.fs.tree() == reference, "cut {cut}, {}: other bytes", view.how);
        }
    }
    println!("{ops} operations, {states} states after a cut");
}

#[test]
fn the_same_contents_make_the_same_bundle_and_tar_unpacks_it() {
    let source = Origin::new();
    source.release("1.1.0", 2);
    let (a, b) = (source.yard.path("a"), source.yard.path("b"));
    let said = pack(&source.dir, &a, &[], day(2)).unwrap();
    assert_eq!(
        (said.releases.as_slice(), said.roots, said.targets),
        (&["tiny x86_64 1.1.0".to_owned()][..], (1, 1), 7)
    );
    assert_eq!((said.good_until.as_str(), said.ends_with), ("2026-11-10T00:00:00Z", "timestamp"));
    let server = Server::start(&source.dir, Faults::default()).unwrap();
    let order = Bundling {
        start: Start::First(Some(source.root())),
        now: day(3),
        wanted: Wanted { versions: vec!["1.1.0".parse().unwrap()], ..Wanted::default() },
        writing: Writing::Really,
    };
    bundle(&UrlSource::new(&Location::new(server.url())).unwrap(), &Disk, &b, order, &|_, _| {}).unwrap();
    assert_eq!(
        fs::read(&a).unwrap(),
        fs::read(&b).unwrap(),
        "from a folder and from a server, at other times"
    );
    let out = source.yard.path("out");
    fs::create_dir(&out).unwrap();
    let done = Command::new("tar").arg("-xf").arg(&a).arg("-C").arg(&out).output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    assert_eq!(Disk.names(&out.join("targets")).unwrap().len(), 7);
    for part in ["metadata", "targets"] {
        for name in Disk.names(&out.join(part)).unwrap() {
            let (ours, theirs) = (source.dir.join(part).join(&name), out.join(part).join(&name));
            assert_eq!(fs::read(ours).unwrap(), fs::read(theirs).unwrap(), "{name}");
        }
    }
    copy(&FolderSource::new(&Disk, &source.dir), &out, day(3)).unwrap();
    read(&Disk, &out, &source.root(), day(3)).unwrap();
}

#[test]
fn a_bundle_begins_at_the_first_root_or_at_the_one_that_hosts_have() {
    let source = Origin::new();
    source.yard.edit_root(|_| ());
    source.yard.publish(&[&source.key], day(2), &source.dir);
    let file = source.yard.path("b");
    assert_eq!(pack(&source.dir, &file, &[], day(2)).unwrap().roots, (1, 2));
    let whole = fs::metadata(&file).unwrap().len();
    let second = fs::read(source.dir.join("metadata/2.root.json")).unwrap();
    let from = pack_from(&source.dir, &file, Start::Root(second), Wanted::default(), day(2)).unwrap();
    assert_eq!(from.roots, (2, 2));
    assert!(fs::metadata(&file).unwrap().len() < whole);
    assert!(pack(&source.dir, &file, &["9.9.9"], day(2)).is_err());
    assert!(pack(&source.dir, &file, &[], day(40)).is_err(), "expired");
    assert!(!Disk.names(source.yard.dir.path()).unwrap().iter().any(|name| name.ends_with(".partial")));
}

/// Bytes flipped all over: refused, or seen by who looks it over, or of no meaning to any reader.
#[test]
fn a_damaged_bundle_is_noticed() {
    let source = Origin::new();
    let file = source.yard.path("b");
    pack(&source.dir, &file, &[], day(2)).unwrap();
    let whole = fs::read(&file).unwrap();
    let good = look(&BundleSource::open(&file).unwrap(), 2);
    for at in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        fs::write(&file, &bytes).unwrap();
        let Ok(source) = BundleSource::open(&file) else { continue };
        let found = look(&source, 2);
        // A name's end that changed leaves a target out; anything else is a problem.
        assert!(!found.problems.is_empty() || found.left_out > good.left_out, "byte {at} of {}", whole.len());
    }
    for length in (0..whole.len()).step_by(211) {
        fs::write(&file, &whole[..length]).unwrap();
        let error = BundleSource::open(&file).unwrap_err();
        assert!(matches!(error, Error::Bundle { .. }), "{length}: {error:?}");
    }
}

#[test]
fn the_verbs_say_what_they_copied_and_rehearse_it() {
    let desk = crate::cli::Desk::new();
    for line in [
        "--repo repo init",
        "--repo repo key new release.key --role all",
        "--repo repo release add release --level 1",
        "--repo repo sign --key release.key",
        "--repo repo publish public",
    ] {
        desk.done(line);
    }
    for (line, made) in [("mirror public far", "far"), ("bundle public b", "b")] {
        let dry = desk.json(&format!("{line} --dry-run"));
        assert_eq!((&dry["exit"], &dry["message"]), (&0.into(), &"dry run: nothing was written".into()));
        assert!(!desk.path().join(made).exists(), "{line}");
        let answer = desk.json(line);
        assert_eq!(
            (&answer["exit"], answer["data"][made_by(line)]["targets"].as_u64()),
            (&0.into(), Some(7))
        );
        let would = dry["data"]["dry_run"]["files"].as_array().unwrap();
        assert!(!would.is_empty(), "{line}");
        for change in would {
            let file = desk.path().join(change["path"].as_str().unwrap());
            assert_eq!(
                fs::metadata(&file).unwrap().len(),
                change["length"].as_u64().unwrap(),
                "{line}: {change}"
            );
        }
        assert!(desk.path().join(made).exists(), "{line}");
        assert!(desk.done(&format!("validate {made}")).contains("no problems: 4 roles, 7 targets"));
    }
    assert!(desk.done("mirror public far").starts_with("mirrored already: root 1,"));
    assert!(desk.done("mirror b from-bundle").starts_with("mirrored: 7 of 7 targets,"));
    assert_eq!(desk.run("bundle public b --release 9.0.0"), 2);
    assert_eq!(desk.run("mirror nowhere far"), 2);
    assert_eq!(desk.run("mirror public far --parallel 0"), 2);
    assert_eq!(desk.run("mirror release/boot.img far"), 30);
}

fn made_by(line: &str) -> &str {
    line.split(' ').next().unwrap()
}
