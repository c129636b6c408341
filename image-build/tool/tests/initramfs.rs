//! The archive for the kernel, byte for byte and as cpio reads it.

use std::fs::{self, File};
use std::process::Command;

use updog_image::initramfs::Cpio;

fn archive() -> Vec<u8> {
    let mut archive = Cpio::new(1_700_000_000);
    archive.folder("dev");
    archive.device("dev/console", 0o600, 5, 1);
    archive.file("init", 0o755, b"hello");
    archive.finish()
}

#[test]
fn every_byte_is_decided_here() {
    let header = |inode: u32, mode: u32, links: u32, length: usize, device: (u32, u32), name: &str| {
        let mtime: u32 = if inode == 0 { 0 } else { 1_700_000_000 };
        let mut text = format!(
            "070701{inode:08x}{mode:08x}{:08x}{:08x}{links:08x}{mtime:08x}{length:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{name}\0",
            0,
            0,
            0,
            0,
            device.0,
            device.1,
            name.len() + 1,
            0
        );
        text.push_str(&"\0".repeat(text.len().next_multiple_of(4) - text.len()));
        text
    };
    let mut expected = header(1, 0o040_755, 2, 0, (0, 0), "dev");
    expected += &header(2, 0o020_600, 1, 0, (5, 1), "dev/console");
    expected += &header(3, 0o100_755, 1, 5, (0, 0), "init");
    expected += "hello\0\0\0";
    expected += &header(0, 0, 1, 0, (0, 0), "TRAILER!!!");
    expected += &"\0".repeat(expected.len().next_multiple_of(512) - expected.len());
    assert_eq!(archive(), expected.into_bytes());
}

#[test]
fn cpio_reads_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), archive()).unwrap();
    let cpio = |words: &[&str]| {
        let input = File::open(file.path()).unwrap();
        let output =
            Command::new("cpio").arg("--quiet").args(words).env("TZ", "UTC").stdin(input).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(cpio(&["-t"]), "dev\ndev/console\ninit\n");
    assert_eq!(cpio(&["-i", "--to-stdout", "init"]), "hello");
    let long = cpio(&["-t", "-v", "--numeric-uid-gid"]);
    let lines: Vec<&str> = long.lines().collect();
    assert!(lines[0].starts_with("drwxr-xr-x   2 0        0"), "{long}");
    assert!(lines[1].starts_with("crw-------   1 0        0          5,   1 Nov 14  2023"), "{long}");
    assert!(lines[2].starts_with("-rwxr-xr-x   1 0        0               5 Nov 14  2023"), "{long}");
}
