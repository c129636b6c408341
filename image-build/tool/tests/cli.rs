//! `updog-image` as it is typed.
#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::process::{Command, Output};

use partition_disk::{Access, Disk};

fn run(folder: &std::path::Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_updog-image")).current_dir(folder).args(words).output().unwrap()
}

const SIZES: [&str; 10] =
    ["--boot", "64K", "--root", "1M", "--hash", "64K", "--private", "64K", "--sector-size", "4096"];

#[test]
fn a_disk_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let words: Vec<&str> = ["layout", "--disk", "disk.img"].into_iter().chain(SIZES).collect();
    let made = run(folder.path(), &words);
    assert_eq!(String::from_utf8_lossy(&made.stdout), "disk.img made: slot A confirmed and empty\n");
    let disk = Disk::open(folder.path().join("disk.img"), Access::Read).unwrap();
    assert_eq!((disk.sector_size(), disk.layout().unwrap().slots().iter().count()), (4096, 2));

    let again = run(folder.path(), &words);
    assert_eq!(again.status.code(), Some(40));
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.starts_with("error: failed to write disk.img: "), "{said}");
}

#[test]
fn a_missing_release_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["layout", "--disk", "disk.img", "--install", "nowhere"].into_iter().chain(SIZES);
    let output = run(folder.path(), &words.collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(40));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("error: failed to read nowhere/release.json: "), "{said}");
}
