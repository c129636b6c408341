//! `updog-image` as it is typed.
#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::fs;
use std::process::{Command, Output, Stdio};

use partition_disk::{Access, Disk};
use serde_json::{Value, json};

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
    assert_eq!(again.status.code(), Some(50));
    let said = String::from_utf8_lossy(&again.stderr);
    assert_eq!(
        said,
        "error: failed to make disk.img: it is there already\nhint: name another file with --disk, or move that away\n"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A disk whose slot A counts as confirmed has its name only once slot A is whole.
#[test]
fn nothing_half_written_has_the_name_of_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    let release = folder.path().join("release");
    fs::create_dir(&release).unwrap();
    let digest = "11".repeat(32);
    let image = |file: &str, length: u32| json!({"file": file, "length": length, "sha256": digest});
    let text = |boot: u32| {
        json!({
            "format": 1, "variant": "tiny", "arch": "x86_64", "version": "1.0.0", "created": "2026-01-01T00:00:00Z",
            "images": {"boot": image("boot.img", boot), "root": image("root.img", 4096), "hash": image("hash.img", 4096)},
            "root_hash": digest, "packages": [],
        })
    };
    for name in ["boot.img", "root.img", "hash.img"] {
        fs::write(release.join(name), vec![7; 4096]).unwrap();
    }
    for (boot, code, error, hint) in [
        (4096, 40, "failed to accept release/boot.img: expected 1111", "build it again, or copy it again"),
        (1 << 20, 2, "failed to install the boot image", "give --boot 1M at least"),
    ] {
        fs::write(release.join("release.json"), text(boot).to_string()).unwrap();
        let words = ["layout", "--disk", "disk.img", "--install", "release"].into_iter().chain(SIZES);
        let output = run(folder.path(), &words.collect::<Vec<_>>());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(error) && said.contains(hint), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing but the release folder");
    }
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

#[test]
fn a_usage_error_is_an_object_too() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["bild", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["ok"], &said["reason"]), (&false.into(), &"usage".into()), "{said}");
    assert!(said["message"].as_str().unwrap().contains("bild"), "{said}");
    for (words, exit, verb, message) in [
        (&["--version"][..], 0, "version", "updog-image "),
        (&["build", "--help"], 0, "help", "Build a disk"),
        (&[], 2, "", "expected a verb"),
        (&["verify"], 2, "", "not provided: <"),
    ] {
        let output = run(folder.path(), &[&["--json"], words].concat());
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &said["exit"]), (Some(exit), &exit.into()), "{said}");
        assert_eq!((&said["verb"], &said["ok"]), (&verb.into(), &(exit == 0).into()), "{said}");
        let line = said["message"].as_str().unwrap();
        assert!(line.contains(message) && !line.contains('\n'), "{said}");
    }
}

/// A folder as `build` leaves it, with a comma in its name, and a QEMU that says what it was told.
#[test]
fn what_qemu_does_is_what_run_says() {
    let at = tempfile::tempdir().unwrap();
    let (folder, path) = (at.path().join("a,b"), at.path().join("bin"));
    fs::create_dir(&folder).unwrap();
    fs::create_dir(&path).unwrap();
    let zero = "0".repeat(64);
    let build = json!({
        "format": 1, "variant": "v", "arch": "x86_64", "version": "1.0.0", "created": "", "test_keys": true, "lock": zero,
        "esp": zero, "files": {},
    });
    fs::write(folder.join("build.json"), build.to_string()).unwrap();
    fs::write(folder.join("firmware-variables.fd"), "").unwrap();
    let qemu = path.join("qemu-system-x86_64");
    for (code, ok) in [(0, true), (1, false)] {
        let text = at.path().join("qemu");
        fs::write(&text, format!("#!/bin/sh\necho \"$@\"\nexit {code}\n")).unwrap();
        // By another process: what a child of another test holds open for writing cannot be executed.
        let installed = Command::new("install").arg("-m755").args([&text, &qemu]).status();
        assert!(installed.unwrap().success());
        let mut command = Command::new(env!("CARGO_BIN_EXE_updog-image"));
        let output = command.args(["run", "--json"]).arg(&folder).env("PATH", &path).output().unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((said["ok"] == true, output.status.success()), (ok, ok), "{said}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("/a,,b/disk.img") && told.contains("/a,,b/firmware-variables.fd"), "{told}");
    }
}

/// A limit of the shell stands for the full disk: the first byte is refused, as by a disk without room.
#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let lines =
        ["list", "--json list", "--json run nowhere", "--help", "--version", "--json --help", "--json bild"];
    for line in lines {
        let mut run = Command::new("sh");
        run.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_updog-image")]);
        run.args(line.split(' '));
        let output = run.stdout(fs::File::create(folder.path().join("said")).unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(40), "{line}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.starts_with("error: failed to write standard output: "), "{line}: {said}");
        assert_eq!(said.lines().count(), 1, "{line}: {said}");
    }
}

/// A reader that went away has what it wanted; and a failure is one where nobody hears why.
#[test]
fn nobody_who_reads_is_no_failure() {
    let closed = || std::io::pipe().unwrap().1;
    for (words, exit) in [(&["list"][..], 0), (&["--help"], 0), (&["run", "nowhere"], 40)] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_updog-image"));
        let output = run.args(words).stdout(closed()).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), output.stderr.is_empty()), (Some(exit), exit == 0), "{output:?}");
        assert_eq!(run.stdout(closed()).stderr(closed()).status().unwrap().code(), Some(exit), "{words:?}");
    }
}
