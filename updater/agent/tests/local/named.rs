//! Paths that somebody has typed or configured: a pipe is not waited for, a device not read, and no file is read without a bound.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::host::{Host, Said, write};

/// A pipe without another end, a device, and a file that is longer than any that people make.
fn odd(host: &Host) -> [(PathBuf, &'static str); 3] {
    let (pipe, long) = (host.path("pipe"), host.path("long"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::File::create(&long).unwrap().set_len(2 << 20).unwrap();
    let none = "it is no regular file";
    [(pipe, none), (PathBuf::from("/dev/null"), none), (long, "it is longer than 1048576 bytes")]
}

fn assert_refused(said: &Said, path: &Path, why: &str) {
    assert!(said.code == 2 || said.code == 20, "{said:?}");
    let named = said.stderr.contains(&path.display().to_string());
    assert!(named && said.stderr.contains(why), "{why}: {said:?}");
}

#[test]
fn a_configuration_that_is_none() {
    let host = Host::new();
    for (path, why) in odd(&host) {
        let mut check = Command::new(env!("CARGO_BIN_EXE_updog"));
        let output = check.arg("--config").arg(&path).arg("check").output().unwrap();
        assert_refused(&output.into(), &path, why);
    }
}

#[test]
fn a_root_or_authorities_that_are_none() {
    for key in ["root", "ca_bundle"] {
        let host = Host::new();
        let plain = fs::read_to_string(host.config()).unwrap();
        let plain: Vec<&str> = plain.lines().filter(|line| !line.starts_with(key)).collect();
        let plain = plain.join("\n");
        for (path, why) in odd(&host) {
            write(host.config(), format!("{key} = {:?}\n{plain}", path.display().to_string()));
            // A root that cannot be read is found first.
            if key == "ca_bundle" {
                write(host.path("root.json"), "{}");
                let text = fs::read_to_string(host.config()).unwrap();
                let root = host.path("root.json").display().to_string();
                write(host.config(), text.replace("/nonexistent/root.json", &root));
            }
            assert_refused(&host.updog(&["check"]), &path, why);
        }
    }
}

#[test]
fn certificates_keys_and_passwords_that_are_none() {
    let files = [("client_cert", "client_key"), ("client_key", "client_cert"), ("password_file", "user")];
    for (key, other) in files {
        let host = Host::of_group("web", &[1], "");
        write(host.path("other"), "other");
        let plain = fs::read_to_string(host.config()).unwrap();
        for (path, why) in odd(&host) {
            let path = path.display().to_string();
            let other = format!("{other} = {:?}\n", host.path("other").display().to_string());
            write(host.config(), format!("{plain}\n{key} = {path:?}\n{other}"));
            let said = host.updog(&["auto", "--reboot"]);
            assert_refused(&said, Path::new(&path), why);
            assert!(!host.restarted());
        }
    }
}

#[test]
fn a_release_or_a_disk_that_is_none() {
    let host = Host::new();
    let odd = odd(&host);
    for (path, why) in &odd {
        fs::remove_file(host.path("os-release")).unwrap();
        std::os::unix::fs::symlink(path, host.path("os-release")).unwrap();
        let said = host.updog(&["check"]);
        assert!(said.code != 0 && said.stderr.contains(why), "{said:?}");
    }
    let mut status = Command::new(env!("CARGO_BIN_EXE_updog"));
    status.arg("--disk").arg(&odd[0].0).args(["--booted", "A", "status"]);
    let said: Said = status.output().unwrap().into();
    assert!(said.code == 40 && said.stderr.contains("pipe"), "{said:?}");
}

/// What the program itself writes at such places.
#[test]
fn a_word_of_the_gate_that_cannot_be_said_holds_nothing_up() {
    let host = Host::new();
    host.booted_with("");
    host.settle_at_once();
    let path = host.sysroot().join("run/updog/health");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let said = host.updog(&["health"]);
    assert!(said.code == 0 && said.stderr.contains("run/updog/health cannot be written"), "{said:?}");
    assert_eq!(host.updog(&["status"]).code, 0);
}
