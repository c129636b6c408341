//! Locks: what is written is read, what is edited is not.

use std::fs;
use std::path::Path;

use crate::made_up::{self, Package};
use updog_image::Arch;
use updog_image::lock::{Error, Lock, Wanted, path_beside};

fn example(folder: &Path) -> Lock {
    let archive = made_up::archive(folder);
    let packages =
        ["a", "b", "lib-c++1"].map(|name| Package::new(name, "1:2.3~rc1+deb13u1").publish(&archive));
    let mut lock = made_up::lock(packages.to_vec());
    lock.kernel = vec![Package::new("linux-image-6.12", "6.12-1").publish(&archive)];
    lock
}

#[test]
fn a_lock_comes_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let lock = example(folder.path());
    let path = path_beside(&folder.path().join("container.toml"), Arch::X86_64);
    assert_eq!(path, folder.path().join("container.x86_64.lock"));
    lock.write(&path).unwrap();
    let read = Lock::read(&path, Arch::X86_64).unwrap();
    assert_eq!(read, lock);
    assert_eq!(read.digest(), lock.digest());
    assert_eq!(fs::read_to_string(&path).unwrap(), lock.to_text());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
}

#[test]
fn another_spelling_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = example(folder.path()).to_text();
    let parse = |text: &str| Lock::parse(Path::new("l"), Arch::X86_64, text);
    parse(&text).unwrap();
    let first = text.find("[[root]]").unwrap();
    let second = first + text[first + 1..].find("[[root]]").unwrap() + 1;
    let swapped = format!("{}{}\n{}", &text[..first], &text[second..], text[first..second].trim_end());
    let digest = text.split("sha256 = ").nth(1).unwrap().lines().next().unwrap();
    for (what, edited) in [
        ("a space", text.replace("size = ", "size =  ")),
        ("a comment", format!("{text}# mine\n")),
        ("a key", text.replace("format = 1\n", "format = 1\nmirror = \"http://m\"\n")),
        ("a format", text.replace("format = 1", "format = 2")),
        ("no digest", text.replacen(digest, "\"\"", 1)),
        ("upper case", text.replacen(digest, &digest.to_uppercase(), 1)),
        ("another architecture", text.replacen("\"all\"", "\"arm64\"", 1)),
        ("a path that leads out", text.replacen("pool/main/", "pool/../", 1)),
        ("a path elsewhere", text.replacen("\"pool/main/", "\"http://m/", 1)),
        ("a path with a query", text.replacen("_all.deb", "_all.deb?x", 1)),
        ("another order", swapped),
        ("twice", format!("{text}\n{}", &text[first..second])),
    ] {
        assert_ne!(edited, text, "{what}");
        let error = parse(&edited).expect_err(what);
        assert!(error.hint().unwrap().contains("--update-lock"), "{what}: {error}");
    }
}

#[test]
fn a_lock_is_for_one_architecture() {
    let folder = tempfile::tempdir().unwrap();
    let text = example(folder.path()).to_text();
    let error = Lock::parse(Path::new("x.lock"), Arch::Aarch64, &text).unwrap_err();
    assert_eq!(error.to_string(), "failed to use the lock x.lock: expected aarch64, found x86_64");
}

#[test]
fn no_lock_says_how_to_make_one() {
    let error = Lock::read(Path::new("/nonexistent/x.lock"), Arch::X86_64).unwrap_err();
    assert!(matches!(error, Error::Absent { .. }));
    assert!(error.hint().unwrap().contains("--update-lock"));
}

#[test]
fn a_recipe_that_changed_since_is_told_what_changed() {
    let lock = example(tempfile::tempdir().unwrap().path());
    lock.check(&lock.wanted).unwrap();
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let (packages, without) = (names(&["a", "b", "lib-c++1"]), names(&["perl-base"]));
    let wanted = |suite, kernel, packages: &[String], without: &[String]| {
        Wanted::new(suite, kernel, packages.iter().cloned(), without.iter().cloned())
    };
    let again = wanted("trixie", "linux-image-test", &names(&["b", "a", "lib-c++1", "a"]), &without);
    lock.check(&again).expect("order and repetition do not matter");
    for (changed, expected) in [
        (wanted("forky", "linux-image-test", &packages, &without), "suite: locked trixie, now forky"),
        (
            wanted("trixie", "linux-image-new", &packages, &without),
            "kernel: locked linux-image-test, now linux-image-new",
        ),
        (
            wanted("trixie", "linux-image-test", &names(&["a", "b", "lib-c++1", "d"]), &without),
            "packages: d is new",
        ),
        (
            wanted("trixie", "linux-image-test", &names(&["a", "b"]), &without),
            "packages: lib-c++1 is no longer there",
        ),
        (wanted("trixie", "linux-image-test", &packages, &[]), "without: perl-base is no longer there"),
    ] {
        let error = lock.check(&changed).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("failed to use the lock: the recipe has changed since: {expected}")
        );
        assert!(error.hint().unwrap().contains("--update-lock"));
    }
}
