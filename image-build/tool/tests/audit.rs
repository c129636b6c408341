//! Roots that must be refused, and one that must not. The programs are compiled here, each with one protection left out.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use updog_image::audit::{Check, audit};
use updog_image::packages::Owners;
use updog_image::recipe::AuditException;

/// A root with one good program.
struct Root {
    folder: TempDir,
    owners: Owners,
}

impl Root {
    fn new() -> Root {
        let mut root = Root { folder: tempfile::tempdir().unwrap(), owners: Owners::default() };
        root.compile("usr/bin/good", &[]);
        root.file("usr/lib/libc.so.6", b"stands for the library");
        root
    }

    fn at(&self, path: &str) -> PathBuf {
        let at = self.folder.path().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        at
    }

    fn file(&mut self, path: &str, bytes: &[u8]) {
        fs::write(self.at(path), bytes).unwrap();
        fs::set_permissions(self.at(path), Permissions::from_mode(0o755)).unwrap();
        self.owners.add(path, "made-up");
    }

    /// A program with every protection, then `flags`.
    fn compile(&mut self, path: &str, flags: &[&str]) {
        let source = self.folder.path().with_extension("c");
        fs::write(&source, SOURCE).unwrap();
        let done = Command::new("cc")
            .args(["-O1", "-fstack-protector-all", "-fPIE", "-pie", "-Wl,-z,relro", "-Wl,-z,noexecstack"])
            .args(flags)
            .arg("-o")
            .args([&self.at(path), &source])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        fs::remove_file(source).unwrap();
        self.owners.add(path, "made-up");
    }

    fn found(&self) -> Vec<(Check, String)> {
        self.found_except(&[])
    }

    fn found_except(&self, exceptions: &[AuditException]) -> Vec<(Check, String)> {
        let findings = audit(self.folder.path(), &self.owners, exceptions).unwrap();
        findings.into_iter().map(|finding| (finding.check, finding.path)).collect()
    }
}

/// Enough code that it cannot be a stub.
const SOURCE: &str = "
#include <stdio.h>
#include <string.h>
#define F(n) int f##n(const char *s) { char b[64]; strncpy(b, s, 60); b[60] = n; return printf(\"%s\", b); }
F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8)
int main(int c, char **v) { return f1(v[0]) + f2(v[0]) + f3(v[0]) + f4(v[0]) + f5(v[0]) + f6(v[0]) + f7(v[0]) + f8(v[0]); }
";

#[test]
fn a_good_root_has_no_findings() {
    assert_eq!(Root::new().found(), []);
}

#[test]
fn every_missing_protection_is_found() {
    for (flags, check) in [
        (&["-no-pie", "-fno-PIE"][..], Check::Pie),
        (&["-Wl,-z,norelro"], Check::Relro),
        (&["-Wl,-z,execstack"], Check::Nx),
        (&["-fno-stack-protector"], Check::StackProtector),
    ] {
        let mut root = Root::new();
        root.compile("usr/libexec/bad", flags);
        assert_eq!(root.found(), [(check, "/usr/libexec/bad".to_owned())], "{flags:?}");
        let exception = AuditException {
            package: "made-up".to_owned(),
            path: "/usr/libexec/*".to_owned(),
            check: check.name().to_owned(),
            reason: "the test says so".to_owned(),
        };
        assert_eq!(root.found_except(&[exception]), [], "{flags:?}");
    }
}

#[test]
fn a_library_that_is_not_there_is_found() {
    let root = Root::new();
    fs::remove_file(root.at("usr/lib/libc.so.6")).unwrap();
    assert_eq!(root.found(), [(Check::Library, "/usr/bin/good".to_owned())]);
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let good = fs::read(Root::new().at("usr/bin/good")).unwrap();
    let edited = |edit: fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        edit(&mut bytes);
        bytes
    };
    for (what, bytes) in [
        ("nothing but a start", b"\x7fELF".to_vec()),
        ("cut", good[..100].to_vec()),
        ("32 bits", edited(|bytes| bytes[4] = 1)),
        ("no section table", edited(|bytes| bytes[0x28..0x30].fill(0))),
        ("an object file", edited(|bytes| bytes[0x10] = 1)),
        ("a dump", edited(|bytes| bytes[0x10] = 4)),
    ] {
        let mut root = Root::new();
        root.file("usr/bin/odd", &bytes);
        assert_eq!(root.found(), [(Check::Elf, "/usr/bin/odd".to_owned())], "{what}");
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let good = fs::read(Root::new().at("usr/bin/good")).unwrap();
    let mut root = Root::new();
    // Headers, program headers, and with them every length and offset.
    for at in 4..0x400.min(good.len()) {
        let mut bytes = good.clone();
        bytes[at] = !bytes[at];
        root.file("usr/bin/odd", &bytes);
        let _ = root.found();
    }
}

#[test]
fn kernel_modules_are_the_kernel_s() {
    let mut root = Root::new();
    let mut object = fs::read(root.at("usr/bin/good")).unwrap();
    object[0x10] = 1;
    root.file("usr/lib/modules/6.12/a.ko", &object);
    assert_eq!(root.found(), []);
}

#[test]
fn shells_scripts_and_their_kin_are_found_wherever_they_are() {
    let mut root = Root::new();
    root.file("usr/share/doc/example", b"#!/bin/sh\n");
    root.file("opt/dpkg", b"");
    root.file("usr/sbin/sshd", b"\x7fELF");
    root.compile("usr/lib/deep/down/busybox", &[]);
    symlink("good", root.at("usr/bin/sh")).unwrap();
    fs::create_dir_all(root.at("var/lib/dpkg/info")).unwrap();
    root.file("usr/bin/su", b"");
    fs::set_permissions(root.at("usr/bin/su"), Permissions::from_mode(0o4755)).unwrap();
    root.file("usr/share/open", b"");
    fs::set_permissions(root.at("usr/share/open"), Permissions::from_mode(0o666)).unwrap();
    let found = root.found();
    let expected = [
        (Check::PackageManager, "/opt/dpkg"),
        (Check::Interpreter, "/usr/bin/sh"),
        (Check::SetId, "/usr/bin/su"),
        (Check::Interpreter, "/usr/lib/deep/down/busybox"),
        (Check::Ssh, "/usr/sbin/sshd"),
        (Check::Elf, "/usr/sbin/sshd"),
        (Check::Script, "/usr/share/doc/example"),
        (Check::Writable, "/usr/share/open"),
        (Check::PackageManager, "/var/lib/dpkg"),
    ];
    assert_eq!(found, expected.map(|(check, path)| (check, path.to_owned())));
}

#[test]
fn a_finding_names_file_package_check_and_what_was_found() {
    let mut root = Root::new();
    root.file("usr/bin/x", b"#!/bin/sh\n");
    let findings = audit(Path::new(root.folder.path()), &root.owners, &[]).unwrap();
    assert_eq!(findings[0].to_string(), "/usr/bin/x (made-up): script: starts with #!");
}
