//! A refresh needs the timestamp key alone and never makes anything worse.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use chrono::TimeDelta;
use trust_core::Expiry;
use updog_repo::files::{Files, Lock, NewFile};
use updog_repo::refresh::{Terms, refresh};
use updog_repo::{Disk, Error, Role};

use crate::common::{OnCrashFs, Yard, again, day, load, read, read_again, wait};

fn terms(days: i64, expired: Expiry) -> Terms {
    Terms { now: day(days), term: TimeDelta::days(7), expired }
}

#[test]
fn the_timestamp_key_alone_refreshes_until_another_role_expires() {
    let yard = Yard::bare();
    let (offline, online) = (yard.key("offline"), yard.key("online"));
    yard.edit_root(|next| {
        next.add_key(&offline.public(), &[Role::Root, Role::Targets, Role::Snapshot]).unwrap();
        next.add_key(&online.public(), &[Role::Timestamp]).unwrap();
    });
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let published = yard.publish(&[&offline, &online], day(1), &dir);
    let root = published.metadata.roots[0].bytes().to_vec();
    let before = published.metadata.versions();

    let refused = wait(refresh(&Disk, &dir, &[again(&offline)], terms(5, Expiry::Enforce)));
    let said = refused.unwrap_err().to_string();
    assert!(
        said.contains("role timestamp does not list ")
            && said.ends_with("; it is listed for root, targets, snapshot"),
        "{said}"
    );
    let refused = wait(refresh(&Disk, &dir, &[yard.key("stranger")], terms(5, Expiry::Enforce)));
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("no role of the root lists "), "{said}");
    let files = names(&dir);
    let refreshed = wait(refresh(&Disk, &dir, &[again(&online)], terms(5, Expiry::Enforce))).unwrap();
    assert_eq!((refreshed.expires, refreshed.ends), (day(12), (Role::Snapshot, day(91))));
    let after = read(&Disk, &dir, &root, day(11)).unwrap();
    assert!(after.timestamp.version > before.timestamp);
    assert_eq!(after.signed_at, Some(day(5)), "the source of the hosts' time floor");
    assert_eq!((after.snapshot.version, after.targets.version), (before.snapshot, before.targets));
    assert_eq!(names(&dir), files, "one file changed, none came");
    assert_eq!(read_again(&dir, &published.metadata, day(11)).unwrap(), after);

    // Expired: refused unless it is asked for; then it is back.
    let refused = wait(refresh(&Disk, &dir, &[again(&online)], terms(20, Expiry::Enforce)));
    assert!(matches!(refused, Err(Error::Expired { role: Role::Timestamp, .. })), "{refused:?}");
    assert!(refused.unwrap_err().hint().unwrap().contains("--allow-expired"), "and says what brings it back");
    wait(refresh(&Disk, &dir, &[again(&online)], terms(20, Expiry::Ignore))).unwrap();
    read(&Disk, &dir, &root, day(20)).unwrap();

    // When another role has expired, no timestamp helps, and the answer says which.
    let refused = wait(refresh(&Disk, &dir, &[again(&online)], terms(95, Expiry::Enforce)));
    assert!(matches!(refused, Err(Error::Expired { role: Role::Snapshot, .. })), "{refused:?}");
    let refreshed = wait(refresh(&Disk, &dir, &[again(&online)], terms(95, Expiry::Ignore))).unwrap();
    assert_eq!(refreshed.ends.0, Role::Snapshot);
}

#[test]
fn a_clock_before_the_last_signature_is_refused() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    yard.publish(&[&key], day(3), &dir);
    let refused = wait(refresh(&Disk, &dir, &[again(&key)], terms(1, Expiry::Enforce)));
    assert!(matches!(refused, Err(Error::ClockBehind { .. })), "{refused:?}");
}

#[test]
fn a_stage_made_before_a_refresh_is_refused_and_renewing_the_timestamp_helps() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    yard.publish(&[&key], day(1), &dir);
    yard.add("1.1.0");
    let staged = yard.sign(&[&key], day(2)).stage(&yard.folder, day(2)).unwrap();
    wait(refresh(&Disk, &dir, &[again(&key)], terms(3, Expiry::Enforce))).unwrap();
    let refused = updog_repo::publish::publish(&Disk, &staged, &dir, updog_repo::publish::Gap::Refuse);
    let error = refused.unwrap_err();
    assert!(matches!(error, Error::Older { role: Role::Timestamp, .. }), "{error}");
    assert!(error.hint().unwrap().contains("--renew timestamp"));
    let order = updog_repo::Order { renew: Some(Role::Timestamp), ..crate::common::order(day(4)) };
    yard.try_sign(&[&key], order).unwrap();
    yard.publish(&[&key], day(4), &dir);
}

#[test]
fn a_tampered_repository_is_not_signed() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let version = yard.publish(&[&key], day(1), &dir).metadata.versions().targets;
    let path = dir.join(format!("metadata/{version}.targets.json"));
    let text = fs::read_to_string(&path).unwrap().replace("1.0.0-root", "6.6.6-root");
    fs::write(&path, text).unwrap();
    let refused = wait(refresh(&Disk, &dir, &[again(&key)], terms(2, Expiry::Enforce)));
    assert_eq!(refused.unwrap_err().exit(), updater_core::Exit::Untrusted);
}

#[test]
fn a_refresh_cut_anywhere_leaves_a_repository_that_reads() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let root = yard.publish(&[&key], day(1), &dir).metadata.roots[0].bytes().to_vec();
    let base = load(&dir);
    let run = |fs: &fixtures::crash_fs::CrashFs| {
        let key = again(&key);
        wait(refresh(&OnCrashFs(fs.clone()), Path::new("/pub"), &[key], terms(2, Expiry::Enforce)))
    };
    let whole = base.fork();
    run(&whole).unwrap();
    for cut in 0..whole.ops() {
        let fs = base.fork();
        fs.cut_at(cut);
        assert!(run(&fs).is_err());
        for view in fs.views() {
            read(&OnCrashFs(view.fs), Path::new("/pub"), &root, day(2)).unwrap();
        }
    }
}

/// As the systemd unit has it: who holds the timestamp key may write to `metadata/` alone, and what a publish was cut at
/// elsewhere is none of a refresh's concern.
#[test]
fn a_refresh_touches_no_targets() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let root = yard.publish(&[&key], day(1), &dir).metadata.roots[0].bytes().to_vec();
    let [blob, timestamp] = ["targets/.blob.partial", "metadata/.timestamp.json.partial"].map(|left| {
        fs::write(dir.join(left), "cut").unwrap();
        dir.join(left)
    });
    wait(refresh(&MetadataAlone, &dir, &[again(&key)], terms(2, Expiry::Enforce))).unwrap();
    assert!(!timestamp.exists());
    wait(refresh(&Disk, &dir, &[again(&key)], terms(3, Expiry::Enforce))).unwrap();
    assert!(blob.exists(), "left to publish and prune, also by who may write there");
    read(&Disk, &dir, &root, day(3)).unwrap();
}

/// What cannot be swept keeps nobody from work that does not need its place.
#[test]
fn a_sweep_that_fails_stops_nothing() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    yard.publish(&[&key], day(1), &dir);
    for left in ["targets/.blob.partial", "metadata/.9.targets.json.partial"] {
        fs::create_dir(dir.join(left)).unwrap();
    }
    fs::create_dir(yard.folder.dir().join("signing/.x.partial")).unwrap();
    drop(yard.folder.lock().unwrap());
    wait(refresh(&Disk, &dir, &[again(&key)], terms(2, Expiry::Enforce))).unwrap();
    yard.add("1.1.0");
    yard.publish(&[&key], day(3), &dir);
}

/// The disk of somebody who may write to `metadata/` alone.
#[derive(Debug)]
struct MetadataAlone;

fn writable(path: &Path) -> io::Result<()> {
    let may = path.components().any(|part| part.as_os_str() == "metadata");
    if may { Ok(()) } else { Err(io::ErrorKind::ReadOnlyFilesystem.into()) }
}

impl Files for MetadataAlone {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        writable(dir).and_then(|()| Disk.make_dir(dir))
    }
    fn open(&self, file: &Path) -> io::Result<Box<dyn Read + Send>> {
        Disk.open(file)
    }
    fn length(&self, file: &Path) -> io::Result<Option<u64>> {
        Disk.length(file)
    }
    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        Disk.names(dir)
    }
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        writable(file).and_then(|()| Disk.create(file))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        writable(to).and_then(|()| Disk.rename(from, to))
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        Disk.sync_dir(dir)
    }
    fn remove(&self, file: &Path) -> io::Result<()> {
        writable(file).and_then(|()| Disk.remove(file))
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        writable(to).and_then(|()| Disk.link(from, to))
    }
    fn lock(&self, dir: &Path) -> io::Result<Lock> {
        Disk.lock(dir)
    }
}

fn names(dir: &Path) -> Vec<String> {
    Disk.names(&dir.join("metadata")).unwrap()
}
