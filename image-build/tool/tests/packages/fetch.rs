//! Locked packages, fetched from a mirror that is not to be trusted.

use std::fs;
use std::path::PathBuf;

use crate::made_up::{self, Package};
use fixtures::server::{Faults, Server};
use tempfile::TempDir;
use updog_image::lock::Lock;
use updog_image::packages::{Cache, Error, Fetched, Mirror, fetch};

struct Place {
    folder: TempDir,
    archive: PathBuf,
    server: Server,
    lock: Lock,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let archive = made_up::archive(folder.path());
        let text = "x".repeat(100_000);
        let package =
            |name: &str| Package::new(name, "1.0-1").file("./usr/share/x", 0o644, &text).publish(&archive);
        let lock = made_up::lock(["a", "b"].map(package).to_vec());
        let server = Server::start(folder.path(), Faults::default()).unwrap();
        Place { folder, archive, server, lock }
    }

    fn fetch(&self) -> Result<Fetched, Error> {
        let mirror = Mirror::from_machine_or(Some(&self.server.url_of("debian"))).unwrap();
        fetch(&self.lock, &mirror, &Cache::new(&self.folder.path().join("cache")), &|_| ())
    }

    fn kept(&self) -> usize {
        fs::read_dir(self.folder.path().join("cache/packages")).map_or(0, Iterator::count)
    }
}

#[test]
fn what_is_here_is_not_fetched_again() {
    let place = Place::new();
    let fetched = place.fetch().unwrap();
    assert_eq!(
        fetched.root.iter().map(|deb| &deb.locked).collect::<Vec<_>>(),
        place.lock.root.iter().collect::<Vec<_>>()
    );
    assert_eq!(place.server.log().len(), 2);
    assert_eq!(place.fetch().unwrap(), fetched);
    assert_eq!(place.server.log().len(), 2);
}

#[test]
fn a_damaged_cache_is_mended() {
    let place = Place::new();
    place.fetch().unwrap();
    let kept = place.folder.path().join(format!("cache/packages/{}.deb", place.lock.root[0].sha256));
    let mut bytes = fs::read(&kept).unwrap();
    bytes[70_000] ^= 1;
    fs::write(&kept, bytes).unwrap();
    place.server.clear();
    place.fetch().unwrap();
    assert_eq!(place.server.log().len(), 1);
    assert_eq!(fs::read(&kept).unwrap(), fs::read(place.archive.join(&place.lock.root[0].path)).unwrap());
}

#[test]
fn a_version_that_is_gone_is_named_with_the_way_out() {
    let place = Place::new();
    fs::remove_file(place.archive.join(&place.lock.root[1].path)).unwrap();
    let error = place.fetch().unwrap_err();
    let mirror = place.server.url_of("debian/");
    assert_eq!(error.to_string(), format!("failed to fetch b 1.0-1: {mirror} no longer has this version"));
    assert!(error.hint().unwrap().contains("--update-lock"));
}

#[test]
fn other_bytes_are_refused_and_not_kept() {
    let place = Place::new();
    place.server.set(Faults { tamper: Some(50_000), ..Faults::default() });
    let error = place.fetch().unwrap_err();
    assert!(matches!(error, Error::Differs { .. }), "{error}");
    assert_eq!(place.kept(), 0);
}

#[test]
fn more_bytes_and_fewer_bytes_are_refused() {
    for length in [0, 3, 90_000, 200_000] {
        let mut place = Place::new();
        let path = place.archive.join(&place.lock.root[0].path);
        let mut bytes = fs::read(&path).unwrap();
        bytes.resize(length, 0);
        fs::write(path, bytes).unwrap();
        place.lock.root.truncate(1);
        let error = place.fetch().unwrap_err();
        assert!(matches!(&error, Error::Differs { package, .. } if package == "a"), "{length}: {error}");
        assert_eq!(place.kept(), 0);
    }
}

#[test]
fn a_mirror_that_is_not_there_is_one_clear_error() {
    let Place { folder, server, lock, .. } = Place::new();
    let mirror = Mirror::from_machine_or(Some(&server.url_of("debian"))).unwrap();
    drop(server);
    let error = fetch(&lock, &mirror, &Cache::new(folder.path()), &|_| ()).unwrap_err();
    assert!(matches!(error, Error::Fetch { .. }), "{error}");
    assert!(error.hint().unwrap().contains("--mirror"));
}

#[test]
fn what_came_before_an_error_is_kept() {
    let place = Place::new();
    place.server.set(Faults { only: Some("b_1.0".to_owned()), status: Some(404), ..Faults::default() });
    place.fetch().unwrap_err();
    // Both were under way; the first may or may not have come through, but what is kept is whole.
    place.server.set(Faults::default());
    place.fetch().unwrap();
    assert_eq!(place.kept(), 2);
}

#[test]
fn security_updates_come_from_their_own_archive() {
    let mut place = Place::new();
    let locked = &mut place.lock.root[0];
    let beside = place.folder.path().join("debian-security");
    let path = locked.path.replace("pool/", "pool/updates/");
    fs::create_dir_all(beside.join(&path).parent().unwrap()).unwrap();
    fs::rename(place.archive.join(&locked.path), beside.join(&path)).unwrap();
    locked.path = path;
    place.fetch().unwrap();
}
