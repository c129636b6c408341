//! `signpost` as it is typed, on a disk image file.
#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use fixtures::disk::DiskSpec;
use partition_core::{Flags, Slots};
use partition_disk::{Access, Disk, RunLock};

/// Priority, tries, successful.
type Fields = (u8, u8, u8);

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn with(a: Fields, b: Option<Fields>) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let flags = |(p, t, s): Fields| Flags::of(p, t, s == 1);
        let slots = Slots::new(Some(flags(a)), b.map(flags));
        let disk = DiskSpec { slots, ..DiskSpec::default() }.build();
        std::fs::write(folder.path().join("disk.img"), disk).unwrap();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        Bench { folder }
    }

    fn disk(&self) -> PathBuf {
        self.folder.path().join("disk.img")
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signpost"));
        // A relative path keeps the folder's random name out of what is printed.
        command.current_dir(self.folder.path()).args(["--disk", "disk.img", "--state", "state"]);
        command.args(words).output().unwrap()
    }

    fn slots(&self) -> String {
        let slots = Disk::open(self.disk(), Access::Read).unwrap().layout().unwrap().slots();
        slots.iter().map(|(slot, flags)| format!("{slot} {flags}")).collect::<Vec<_>>().join(", ")
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn status_shows_each_set_with_its_own_partitions() {
    let bench = Bench::with((1, 7, 1), Some((2, 3, 0)));
    let sets = "OS disk: disk.img\n\
         Set A:   boot=partition 1 root=partition 2 hash=partition 3 priority=1 tries_left=7 successful=true\n\
         Set B:   boot=partition 4 root=partition 5 hash=partition 6 priority=2 tries_left=3 successful=false\n";
    for (booted, active) in [("A", "Set A"), ("B", "Set B")] {
        let output = bench.run(&["status", "--booted", booted]);
        assert_eq!(out(&output), format!("{sets}Active:  {active}\nNext:    Set B\n"));
        assert!(output.status.success());
    }
    // Whoever only looks need not know which slot runs.
    assert_eq!(out(&bench.run(&["status"])), format!("{sets}Active:  unknown\nNext:    Set B\n"));
}

#[test]
fn status_in_json() {
    let bench = Bench::with((1, 7, 1), Some((0, 0, 0)));
    let golden = r#"{"format":1,"verb":"status","ok":true,"exit":0,"reason":null,"#;
    let said = out(&bench.run(&["status", "--booted", "B", "--json"]));
    assert!(said.starts_with(golden), "{said}");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let data = serde_json::json!({
        "os_disk": "disk.img", "active": "B", "next": "A", "table": "good",
        "sets": {
            "A": {"boot": "partition 1", "root": "partition 2", "hash": "partition 3",
                  "flags": {"priority": 1, "tries_left": 7, "successful": true}},
            "B": {"boot": "partition 4", "root": "partition 5", "hash": "partition 6",
                  "flags": {"priority": 0, "tries_left": 0, "successful": false}},
        },
    });
    assert_eq!(said["data"], data);
}

/// Bottlerocket's exit code of a wrong command line is 1.
#[test]
fn one_object_without_a_verb_too() {
    let bench = Bench::with((1, 7, 1), Some((0, 0, 0)));
    for (words, exit, verb, message) in [
        (&["--version"][..], 0, "version", "signpost "),
        (&["--help"], 0, "help", "Shows and edits"),
        (&[], 1, "", "expected a verb"),
        (&["frobnicate"], 1, "", "frobnicate"),
        (&["status", "--booted", "C"], 1, "", "invalid value 'C'"),
    ] {
        let output = bench.run(&[&["--json"], words].concat());
        let said: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
        assert_eq!((output.status.code(), &said["exit"]), (Some(exit), &exit.into()), "{said}");
        assert_eq!((&said["verb"], &said["ok"]), (&verb.into(), &(exit == 0).into()), "{said}");
        assert_eq!(said["reason"].as_str(), (exit == 1).then_some("usage"), "{said}");
        assert!(said["message"].as_str().unwrap().contains(message), "{said}");
    }
}

#[test]
fn an_update_by_hand_and_back() {
    let bench = Bench::with((1, 0, 1), Some((2, 0, 0)));
    let steps = [
        ("A", "clear-inactive", "A 1/0/1, B 0/0/0"),
        ("A", "mark-inactive-valid", "A 1/0/1, B 0/1/0"),
        ("A", "upgrade-to-inactive", "A 1/0/1, B 2/1/0"),
        ("A", "cancel-upgrade", "A 2/0/1, B 0/1/0"),
        ("A", "upgrade-to-inactive", "A 1/0/1, B 2/1/0"),
        ("B", "mark-successful-boot", "A 1/0/1, B 2/7/1"),
        ("B", "rollback-to-inactive", "A 2/1/1, B 1/7/1"),
        ("A", "rewrite-table", "A 2/1/1, B 1/7/1"),
    ];
    assert_eq!(out(&bench.run(&["has-boot-ever-succeeded"])), "");
    for (booted, verb, after) in steps {
        let output = bench.run(&[verb, "--booted", booted]);
        assert!(output.status.success(), "{verb}: {}", err(&output));
        assert_eq!(out(&output), "", "{verb} says nothing, as Bottlerocket's");
        assert_eq!(bench.slots(), after, "{verb}");
    }
    assert_eq!(out(&bench.run(&["has-boot-ever-succeeded"])), "true\n");
}

#[test]
fn preconditions_refuse_with_one_line_and_change_nothing() {
    let cases: [(Fields, Option<Fields>, &str, &str); 5] = [
        ((1, 0, 1), Some((2, 1, 0)), "upgrade-to-inactive", "inactive slot B is already marked for upgrade"),
        (
            (1, 0, 1),
            Some((0, 0, 0)),
            "upgrade-to-inactive",
            "inactive slot B has not been marked valid for upgrade",
        ),
        (
            (1, 0, 1),
            Some((1, 0, 0)),
            "rollback-to-inactive",
            "inactive slot B is not bootable: priority 1, tries left 0, successful false",
        ),
        ((1, 0, 1), None, "clear-inactive", "the disk has no slot B"),
        ((1, 0, 1), None, "cancel-upgrade", "the disk has no slot B"),
    ];
    for (a, b, verb, message) in cases {
        let bench = Bench::with(a, b);
        let before = std::fs::read(bench.disk()).unwrap();
        let output = bench.run(&[verb, "--booted", "A"]);
        assert_eq!((err(&output), output.status.code()), (format!("error: {message}\n"), Some(1)));
        assert!(std::fs::read(bench.disk()).unwrap() == before);
    }
}

#[test]
fn a_run_of_updog_is_not_disturbed() {
    let bench = Bench::with((1, 0, 1), Some((0, 1, 0)));
    let lock = RunLock::acquire(&bench.folder.path().join("state"), "apply").unwrap();
    for verb in
        ["clear-inactive", "mark-inactive-valid", "upgrade-to-inactive", "cancel-upgrade", "rewrite-table"]
    {
        let output = bench.run(&[verb, "--booted", "A"]);
        let message =
            format!("failed to take the run lock: `apply` with process id {} holds it", std::process::id());
        assert_eq!(err(&output), format!("error: {message}\n"), "{verb}");
    }
    assert!(bench.run(&["mark-successful-boot", "--booted", "A"]).status.success());
    assert!(bench.run(&["status"]).status.success());
    drop(lock);
    assert!(bench.run(&["upgrade-to-inactive", "--booted", "A"]).status.success());
}

#[test]
fn without_a_slot_nothing_is_written() {
    let bench = Bench::with((1, 0, 1), Some((0, 1, 0)));
    let output = bench.run(&["upgrade-to-inactive"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("hint: name the disk and the slot"), "{}", err(&output));
    assert_eq!(bench.slots(), "A 1/0/1, B 0/1/0");
}

#[test]
fn a_damaged_table_is_named_and_repaired() {
    let bench = Bench::with((1, 0, 1), Some((0, 0, 0)));
    let good = std::fs::read(bench.disk()).unwrap();
    let mut damaged = good.clone();
    damaged[512 + 40] ^= 1;
    std::fs::write(bench.disk(), &damaged).unwrap();
    let said = out(&bench.run(&["status", "--booted", "A"]));
    assert!(
        said.ends_with("\nTable:   primary copy damaged (header checksum differs), backup counts\n"),
        "{said}"
    );
    assert!(bench.run(&["rewrite-table"]).status.success());
    assert!(std::fs::read(bench.disk()).unwrap() == good);

    let last = damaged.len() - 512;
    damaged[last + 40] ^= 1;
    std::fs::write(bench.disk(), &damaged).unwrap();
    let output = bench.run(&["rewrite-table"]);
    let message = "error: failed to read the partition table of disk.img: failed to find a valid partition table: \
         primary: header checksum differs; backup: header checksum differs\n";
    assert_eq!(err(&output), message);
    assert!(std::fs::read(bench.disk()).unwrap() == damaged);
}

#[test]
fn a_wrong_command_line_is_exit_1() {
    let bench = Bench::with((1, 0, 1), None);
    assert_eq!(bench.run(&["dance"]).status.code(), Some(1));
    assert_eq!(bench.run(&[]).status.code(), Some(1));
    assert_eq!(bench.run(&["--version"]).status.code(), Some(0));
}

/// A limit of the shell stands for the full disk: the first byte is refused, as by a disk without room.
#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let bench = Bench::with((1, 7, 1), Some((2, 3, 0)));
    let lines =
        ["status", "--json status", "--json status --booted C", "--help", "--version", "--json --version"];
    for line in lines {
        let mut run = Command::new("sh");
        run.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_signpost")]);
        run.args(["--disk", "disk.img"]).args(line.split(' ')).current_dir(bench.folder.path());
        let output = run.stdout(File::create(bench.folder.path().join("said")).unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
        let said = err(&output);
        assert!(said.starts_with("error: failed to write standard output: "), "{line}: {said}");
        assert_eq!(said.lines().count(), 1, "{line}: {said}");
    }
}

/// A reader that went away has what it wanted; and a failure is one where nobody hears why.
#[test]
fn nobody_who_reads_is_no_failure() {
    let bench = Bench::with((1, 7, 1), Some((2, 3, 0)));
    let closed = || std::io::pipe().unwrap().1;
    for (words, exit) in [
        (["--disk", "disk.img", "status"], 0),
        (["--disk", "disk.img", "--help"], 0),
        (["--disk", "none", "status"], 1),
    ] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_signpost"));
        run.args(words).current_dir(bench.folder.path());
        let output = run.stdout(closed()).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), err(&output).is_empty()), (Some(exit), exit == 0), "{output:?}");
        assert_eq!(run.stdout(closed()).stderr(closed()).status().unwrap().code(), Some(exit), "{words:?}");
    }
}
