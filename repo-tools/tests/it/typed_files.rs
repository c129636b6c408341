//! Files as they are typed: what is none, and what has no end, is refused at once.

use std::fs;
use std::process::Command;

use crate::cli::Desk;

/// Every verb that reads a file which somebody typed.
const READING: &[&str] = &[
    "root sign FILE --key k --yes",
    "root sign ask --key k --yes --root FILE",
    "--repo r root collect FILE",
    "--repo r root collect ask FILE",
    "--repo r root add-key FILE --role targets",
    "--repo r targets sign FILE --key k",
    "--repo r targets collect FILE",
    "--repo r delegation take tools FILE",
    "--repo r delegation add more --key FILE --path x",
    "--repo r delegation sign tools --key tool --target FILE",
    "--repo r migrations set 1.0.0 1.1.0 FILE",
    "--repo r waves plan FILE",
    "validate public --root FILE",
    "mirror public copy --root FILE",
    "bundle public a.bundle --from FILE",
    "bundle public a.bundle --root FILE",
    "expirations public --root FILE",
    "key show FILE",
];

/// A pipe is how a secret comes that lies in no file; a device is none.
const SECRET: &[&str] = &["--repo r sign --key FILE", "--repo r --passphrase-file FILE sign --key locked"];

fn ready() -> Desk {
    let desk = Desk::new();
    fs::write(desk.path().join("word"), "swordfish\n").unwrap();
    let mode = Command::new("chmod").args(["600", "word"]).current_dir(desk.path()).status().unwrap();
    assert!(mode.success());
    for line in [
        "--repo r init",
        "--repo r key new k --role all",
        "--repo r key new locked --encrypt --passphrase-file word",
        "--repo r key new tool",
        "--repo r release add release --level 1",
        "--repo r delegation add tools --key tool.pub --path *",
        "--repo r delegation sign tools --key tool",
        "--repo r sign --key k",
        "--repo r publish public",
        "--repo r root expire 300d",
        "--repo r root propose --out ask",
    ] {
        desk.done(line);
    }
    assert!(Command::new("mkfifo").arg(desk.path().join("pipe")).status().unwrap().success());
    desk
}

/// The exit code, 124 when it had to be stopped, and what it said.
fn ended(desk: &Desk, line: &str) -> (Option<i32>, String) {
    let output = Command::new("timeout")
        .args(["60", env!("CARGO_BIN_EXE_updog-repo")])
        .args(line.split_whitespace())
        .current_dir(desk.path())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let desk = ready();
    for verb in READING {
        for (file, found) in [("pipe", "a pipe"), ("/dev/zero", "a device")] {
            let line = verb.replace("FILE", file);
            let (exit, said) = ended(&desk, &line);
            assert_eq!(exit, Some(2), "{line}: {said}");
            assert!(said.contains(&format!("expected a regular file, found {found}\n")), "{line}: {said}");
            assert!(said.contains("hint: "), "{line}: {said}");
        }
    }
    for verb in SECRET {
        let (exit, said) = ended(&desk, &verb.replace("FILE", "/dev/zero"));
        assert_eq!(exit, Some(2), "{verb}: {said}");
        assert!(said.contains("expected a regular file or a pipe, found a device"), "{verb}: {said}");
    }
}

/// Nobody has room for it, and nothing that is meant is so long.
#[test]
fn what_has_no_end_is_not_read_to_it() {
    let desk = ready();
    // 8 GiB of nothing, on no disk.
    fs::File::create(desk.path().join("endless")).unwrap().set_len(8 << 30).unwrap();
    for verb in READING {
        let line = verb.replace("FILE", "endless");
        let (exit, said) = ended(&desk, &line);
        assert_eq!(exit, Some(2), "{line}: {said}");
        assert!(said.contains("at most"), "{line}: {said}");
    }
}

#[test]
fn a_passphrase_comes_through_a_pipe() {
    let desk = ready();
    let line = format!(
        "{} --repo r key show locked --passphrase-file <(printf 'swordfish\\n')",
        env!("CARGO_BIN_EXE_updog-repo")
    );
    let output = Command::new("bash").args(["-c", &line]).current_dir(desk.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
