//! Packages become a tree, and nothing outside of it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::made_up::{self, Package};
use fixtures::server::{Faults, Server};
use rustix::fs::Mode;
use tar::EntryType;
use tempfile::TempDir;
use updog_image::lock::Lock;
use updog_image::packages::{Cache, Deb, Error, Fetched, Mirror, Owners, fetch, kernel_tree, unpack};

struct Place {
    folder: TempDir,
}

impl Place {
    /// With the strictest umask, which no mode may depend on.
    fn new() -> Place {
        rustix::process::umask(Mode::from_bits_truncate(0o077));
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn tree(&self) -> std::path::PathBuf {
        self.folder.path().join("tree")
    }

    fn fetched(&self, packages: Vec<Package>) -> Fetched {
        let archive = made_up::archive(self.folder.path());
        self.fetch(&made_up::lock(packages.into_iter().map(|package| package.publish(&archive)).collect()))
    }

    fn fetch(&self, lock: &Lock) -> Fetched {
        let server = Server::start(self.folder.path(), Faults::default()).unwrap();
        let mirror = Mirror::from_machine_or(Some(&server.url_of("debian"))).unwrap();
        fetch(lock, &mirror, &Cache::new(self.folder.path()), &|_| ()).unwrap()
    }

    fn unpack(&self, packages: Vec<Package>) -> Result<Owners, Error> {
        self.unpack_without(packages, &|_| false)
    }

    fn unpack_without(
        &self,
        packages: Vec<Package>,
        leave_out: &dyn Fn(&str) -> bool,
    ) -> Result<Owners, Error> {
        let debs: Vec<Deb> = self.fetched(packages).root;
        fs::create_dir(self.tree()).unwrap();
        unpack(&debs, &self.tree(), leave_out, &|_| ())
    }

    fn mode(&self, path: &str) -> u32 {
        fs::symlink_metadata(self.tree().join(path)).unwrap().permissions().mode() & 0o7777
    }
}

#[test]
fn files_land_where_the_root_has_them_with_their_bits() {
    let place = Place::new();
    let a = Package::new("a", "1")
        .folder("./", 0o755)
        .folder("./usr/", 0o755)
        .folder("./usr/lib/", 0o750)
        .file("./lib/x", 0o640, "lib")
        .file("./bin/su", 0o6755, "su")
        .file("./etc/conf", 0o600, "conf")
        .folder("./srv/", 0o1777)
        .link("./etc/os-release", "../usr/lib/os-release")
        .hard_link("./usr/lib/y", "./lib/x")
        .link("./lib64", "usr/lib64")
        .file("./usr/lib64/ld", 0o755, "ld");
    let b = Package::new("b", "1").folder("./usr/lib/", 0o700).file("./opt/b/deep/file", 0o644, "b");
    let owners = place.unpack(vec![a, b]).unwrap();
    for (path, mode) in [
        ("usr/lib", 0o750),
        ("usr/lib/x", 0o640),
        ("usr/bin/su", 0o755),
        ("usr/share/factory/etc/conf", 0o600),
        ("usr/share/factory", 0o755),
        ("srv", 0o1777),
        ("opt/b/deep", 0o755),
        ("opt/b/deep/file", 0o644),
    ] {
        assert_eq!(place.mode(path), mode, "{path}");
    }
    let link = |path: &str| fs::read_link(place.tree().join(path)).unwrap().display().to_string();
    assert_eq!(link("usr/share/factory/etc/os-release"), "../usr/lib/os-release");
    assert_eq!([link("bin"), link("lib"), link("lib64")], ["usr/bin", "usr/lib", "usr/lib64"]);
    assert!(!place.tree().join("sbin").exists());
    let inode = |path: &str| fs::metadata(place.tree().join(path)).unwrap().ino();
    assert_eq!(inode("usr/lib/x"), inode("usr/lib/y"));
    assert_eq!(
        (owners.of("usr/lib/y"), owners.of("opt/b/deep/file"), owners.of("srv")),
        (Some("a"), Some("b"), None)
    );
}

#[test]
fn what_is_left_out_is_not_there() {
    let place = Place::new();
    let a = Package::new("a", "1")
        .folder("./usr/share/doc/a/", 0o755)
        .file("./usr/share/doc/a/README", 0o644, "")
        .file("./usr/share/doc/a/copyright", 0o644, "");
    let leave_out = |path: &str| path.starts_with("usr/share/doc/") && !path.ends_with("/copyright");
    let owners = place.unpack_without(vec![a], &leave_out).unwrap();
    assert!(!place.tree().join("usr/share/doc/a/README").exists());
    assert_eq!(place.mode("usr/share/doc/a"), 0o755, "made for what is kept in it");
    assert_eq!(owners.of("usr/share/doc/a/README"), None);
    assert_eq!(owners.of("usr/share/doc/a/copyright"), Some("a"));
}

#[test]
fn certificates_become_one_bundle() {
    let place = Place::new();
    let certificates = Package::new("ca-certificates", "1")
        .file("./usr/share/ca-certificates/mozilla/b.crt", 0o644, "B\n\n")
        .file("./usr/share/ca-certificates/mozilla/a.crt", 0o644, "A")
        .file("./usr/share/ca-certificates/mozilla/c.txt", 0o644, "no");
    let owners = place.unpack(vec![certificates]).unwrap();
    let bundle = "usr/share/factory/etc/ssl/certs/ca-certificates.crt";
    assert_eq!(fs::read_to_string(place.tree().join(bundle)).unwrap(), "A\nB\n");
    assert_eq!(owners.of(bundle), Some("ca-certificates"));
    assert_eq!((place.mode(bundle), place.mode("usr/share/factory/etc/ssl/certs")), (0o644, 0o755));
}

#[test]
fn one_file_has_one_package() {
    let place = Place::new();
    let package = |name: &str, path: &str| Package::new(name, "1").file(path, 0o644, name);
    let error = place.unpack(vec![package("a", "./bin/x"), package("b", "./usr/bin/x")]).unwrap_err();
    assert_eq!(error.to_string(), "failed to unpack b: a has /usr/bin/x too");
    assert!(error.hint().unwrap().contains("remove"));
}

#[test]
fn nothing_is_written_through_a_link_or_outside() {
    let outside = tempfile::tempdir().unwrap();
    let to = outside.path().to_str().unwrap();
    let other = || Package::new("a", "1").file("./usr/f", 0o644, "");
    for (what, packages) in [
        (
            "through a link",
            vec![
                Package::new("a", "1").link("./usr/x", to),
                Package::new("b", "1").file("./usr/x/f", 0o644, ""),
            ],
        ),
        (
            "folder over a link",
            vec![
                Package::new("a", "1").link("./usr/x", to),
                Package::new("b", "1").folder("./usr/x/", 0o755),
            ],
        ),
        ("above", vec![Package::new("a", "1").file("../f", 0o644, "")]),
        ("above inside", vec![Package::new("a", "1").file("./usr/../../f", 0o644, "")]),
        ("hard link outside", vec![Package::new("a", "1").hard_link("./usr/h", "/etc/passwd")]),
        ("hard link above", vec![Package::new("a", "1").hard_link("./usr/h", "../../etc/passwd")]),
        ("hard link to another's", vec![other(), Package::new("b", "1").hard_link("./usr/h", "./usr/f")]),
        ("device", vec![Package::new("a", "1").entry(EntryType::Char, "./dev/x", 0o600, "")]),
        ("pipe", vec![Package::new("a", "1").entry(EntryType::Fifo, "./run/x", 0o600, "")]),
        (
            "file over a folder",
            vec![
                Package::new("a", "1").folder("./usr/x/", 0o755),
                Package::new("b", "1").file("./usr/x", 0o644, ""),
            ],
        ),
        (
            "folder over a file",
            vec![
                Package::new("a", "1").file("./usr/x", 0o644, ""),
                Package::new("b", "1").folder("./usr/x/", 0o755),
            ],
        ),
        ("control letters", vec![Package::new("a", "1").file("./usr/a\nb", 0o644, "")]),
    ] {
        let place = Place::new();
        let error = place.unpack(packages).expect_err(what);
        assert!(matches!(error, Error::Unpack { .. } | Error::Overlap { .. }), "{what}: {error}");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "{what}");
        assert!(!place.folder.path().join("f").exists(), "{what}");
    }
}

#[test]
fn a_package_that_is_none_is_refused() {
    let place = Place::new();
    let archive = made_up::archive(place.folder.path());
    let mut locked = Package::new("a", "1").file("./usr/a", 0o644, "a".repeat(5000)).publish(&archive);
    let at = archive.join(&locked.path);
    for bytes in [fs::read(&at).unwrap()[..3000].to_vec(), b"no package".to_vec()] {
        fs::write(&at, &bytes).unwrap();
        locked.size = bytes.len() as u64;
        locked.sha256 = release::Digest::of(&bytes);
        let debs = place.fetch(&made_up::lock(vec![locked.clone()])).root;
        let tree = tempfile::tempdir().unwrap();
        let error = unpack(&debs, tree.path(), &|_| false, &|_| ()).unwrap_err();
        assert!(
            matches!(&error, Error::Unpack { package, problem } if package == "a" && !problem.is_empty()),
            "{error}"
        );
    }
}

#[test]
fn a_kernel_is_unpacked_without_the_rest() {
    let place = Place::new();
    let kernel = Package::new("linux-image-6.12", "1")
        .file("./boot/vmlinuz-6.12", 0o644, "kernel")
        .file("./boot/config-6.12", 0o644, "config")
        .file("./boot/System.map-6.12", 0o644, "map")
        .file("./lib/modules/6.12/kernel/a.ko", 0o644, "module")
        .file("./usr/share/doc/a", 0o644, "doc");
    let debs = place.fetched(vec![kernel]).root;
    let tree = place.folder.path().join("kernel-tree");
    kernel_tree(&debs, &tree, &|_| ()).unwrap();
    let read = |path: &str| fs::read_to_string(tree.join(path)).ok();
    assert_eq!(read("boot/vmlinuz-6.12").as_deref(), Some("kernel"));
    assert_eq!(read("usr/lib/modules/6.12/kernel/a.ko").as_deref(), Some("module"));
    assert_eq!((read("boot/System.map-6.12"), read("usr/share/doc/a")), (None, None));
}
