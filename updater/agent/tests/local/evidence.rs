//! Why a slot was left, from what lies about: each cause by the program itself, kept in every place, and no garbage that
//! stops it.

use std::fs;

use partition_core::Slot;
use serde_json::{Value, json};

use crate::host::{Host, write};

/// Slot B was armed in boot 1, started in boot 2, left; A runs in boot 3. One try.
fn left(leave: impl FnOnce(&Host)) -> Host {
    let mut host = Host::new();
    let config = fs::read_to_string(host.config()).unwrap();
    write(host.config(), format!("tries = 1\n{config}"));
    host.arm("1.1.0");
    assert_eq!(host.restart(), Slot::B);
    leave(&host);
    assert_eq!(host.restart(), Slot::A);
    host.booted_with("");
    host
}

fn mark(host: &Host, boot: &str, stage: &str) {
    let text = format!("{{\"format\":1,\"boot\":\"{boot}\",\"slot\":\"B\",\"stage\":\"{stage}\"}}\n");
    write(host.state().join("boot-stage"), text);
}

fn trial(host: &Host, boot: &str) {
    let record = json!({
        "format": 1, "reason": "health:10-net", "detail": "no route", "boot": boot, "slot": "B",
        "at": "2026-01-02T03:04:05Z",
    });
    write(host.state().join("trial.json"), record.to_string());
}

fn record(host: &Host, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(host.state().join(name)).unwrap()).unwrap()
}

const PANIC: &str = "Panic#1 Part1\n<0>[    3.1] Kernel panic - not syncing: sysrq triggered crash\n";
const VERITY: &str = "Panic#1 Part1\n<3>[    3.1] device-mapper: verity: 254:0: data block 9 is corrupted\n";

/// How B ended, and the cause with its detail.
type Case = (&'static str, fn(&Host), &'static str, &'static str);

const CASES: [Case; 9] = [
    ("never came up", |_| (), "kernel", "it left no mark"),
    ("its init hung", |host| mark(host, "boot-2", "init"), "timeout", "its last mark is \"init\""),
    ("its root was damaged", |host| mark(host, "boot-2", "root"), "verity", "its last mark is \"root\""),
    (
        "its userland hung",
        |host| mark(host, "boot-2", "userland"),
        "timeout",
        "its last mark is \"userland\"",
    ),
    ("a late block was damaged", |host| mark(host, "boot-2", "scan"), "verity", "its last mark is \"scan\""),
    ("its gate hung", |host| mark(host, "boot-2", "health"), "timeout", "its last mark is \"health\""),
    ("a check failed", |host| trial(host, "boot-2"), "health:10-net", "no route"),
    (
        "it panicked",
        |host| host.system("sys/fs/pstore/dmesg-efi_pstore-170000000001", PANIC),
        "panic",
        "sysrq triggered crash",
    ),
    (
        "it panicked over a block",
        |host| host.system("sys/fs/pstore/dmesg-ramoops-0", VERITY),
        "verity",
        "device-mapper: verity: 254:0: data block 9 is corrupted",
    ),
];

#[test]
fn p4_every_cause_is_found_and_kept() {
    for (name, leave, cause, detail) in CASES {
        let host = left(leave);
        // Found, and not yet recorded.
        let before = host.json(&["status"]);
        assert_eq!(
            (&before["data"]["cause"], &before["data"]["detail"]),
            (&cause.into(), &detail.into()),
            "{name}"
        );
        let said = host.updog(&["report"]);
        assert_eq!(said.code, 0, "{name}: {said:?}");
        assert_eq!(
            said.stdout,
            format!(
                "slot A (1.0.0) runs: 1.1.0 was tried in slot B and left ({cause}: {detail}); back on 1.0.0\n"
            ),
            "{name}"
        );
        let last = &record(&host, "outcome.json")["last"];
        assert_eq!((&last["cause"], &last["detail"]), (&cause.into(), &detail.into()), "{name}");
        assert_eq!(
            record(&host, "failed.json")["releases"][0]["cause"],
            format!("was rolled back: {cause}"),
            "{name}"
        );
        let history = host.json(&["history"]);
        let line = history["data"]["history"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&line["event"], &line["cause"]), (&"rolled_back".into(), &cause.into()), "{name}");
        let told = host.updog(&["history"]).stdout;
        assert!(told.ends_with(&format!(" rolled_back     B 1.1.0 ({cause})\n")), "{name}: {told}");
        let status = host.updog(&["status"]);
        assert!(
            status.stdout.contains(&format!("Last:   rolled_back ({cause}): 1.1.0 in slot B")),
            "{name}: {status:?}"
        );
        assert_eq!(host.json(&["status"])["data"]["last"]["cause"], cause, "{name}");
        // All of it was about that trial.
        for path in [host.state().join("boot-stage"), host.state().join("trial.json")] {
            assert!(!path.exists(), "{name}: {}", path.display());
        }
        let pstore = fs::read_dir(host.sysroot().join("sys/fs/pstore"));
        assert_eq!(pstore.map_or(0, Iterator::count), 0, "{name}");
    }
}

#[test]
fn p4_the_selectors_word_is_the_cause() {
    for word in ["unloadable", "manifest", "signature", "kernel", "initrd", "secure_boot"] {
        let host = left(|host| mark(host, "boot-2", "init"));
        host.booted_with(&format!("updog.skipped=B:{word}"));
        let answer = host.json(&["report"]);
        assert_eq!(
            (&answer["data"]["cause"], &answer["data"]["detail"]),
            (&"unloadable".into(), &word.into())
        );
    }
}

#[test]
fn the_kernels_last_words_stay_until_they_are_written_down() {
    let host = left(|host| host.system("sys/fs/pstore/dmesg-ramoops-0", PANIC));
    let entry = host.sysroot().join("sys/fs/pstore/dmesg-ramoops-0");
    let partial = host.state().join("outcome.json.partial");
    fs::create_dir(&partial).unwrap();
    let said = host.updog(&["report"]);
    assert!(said.code == 0 && said.stderr.contains("failed to write"), "{said:?}");
    assert!(entry.exists());
    fs::remove_dir(&partial).unwrap();
    assert_eq!(host.json(&["report"])["data"]["wrote"], false, "the flags were cleared before");
    assert!(!entry.exists());
    assert_eq!(fs::read_to_string(host.state().join("panic.txt")).unwrap(), PANIC);
    // A state folder that is lost with this boot is no place for them.
    host.system("sys/fs/pstore/dmesg-ramoops-0", PANIC);
    host.system("run/updog/volatile/private", "gone\n");
    assert_eq!(host.updog(&["report"]).code, 0);
    assert!(entry.exists());
}

/// What an older trial left is removed by arm, and what cannot be removed does not speak.
#[test]
fn an_older_trial_does_not_speak_for_a_new_one() {
    let mut host = Host::new();
    host.booted_with("");
    mark(&host, "boot-0", "health");
    trial(&host, "boot-0");
    host.system("sys/fs/pstore/dmesg-ramoops-0", PANIC);
    host.arm("1.1.0");
    assert!(!host.state().join("boot-stage").exists() && !host.state().join("trial.json").exists());
    while host.restart() != Slot::A {}
    let answer = host.json(&["report"]);
    assert_eq!(answer["data"]["cause"], "kernel", "{answer}");
    // Records of the arming boot itself, as if they had come back.
    let host = left(|host| {
        mark(host, "boot-1", "health");
        trial(host, "boot-1");
    });
    assert_eq!(host.json(&["report"])["data"]["cause"], "kernel");
}

/// Three tries: the first boot dies before any mark, the second fails its checks, the third tells, or nothing newer does.
#[test]
fn of_several_boots_the_last_one_tells() {
    let three = |leave: fn(&Host)| {
        let mut host = Host::new();
        host.arm("1.1.0");
        for _ in 0..3 {
            assert_eq!(host.restart(), Slot::B);
        }
        leave(&host);
        assert_eq!(host.restart(), Slot::A);
        host.booted_with("");
        host.json(&["report"])["data"]["cause"].clone()
    };
    let in_health = |host: &Host| {
        mark(host, "boot-3", "health");
        trial(host, "boot-3");
    };
    assert_eq!(three(in_health), "health:10-net");
    let then_over_its_root = |host: &Host| {
        trial(host, "boot-3");
        mark(host, "boot-4", "root");
    };
    assert_eq!(three(then_over_its_root), "verity");
}

#[test]
fn p5_a_confirmed_slot_that_was_left_says_why() {
    let mut host = Host::new();
    host.arm("1.1.0");
    host.restart();
    host.os_release("1.1.0");
    host.settle_at_once();
    assert_eq!(host.updog(&["health"]).code, 0);
    // The rot: B is not loaded any more, and one firmware run later A is there.
    host.set((1, 7, true), (2, 0, true));
    assert_eq!(host.restart(), Slot::A);
    host.os_release("1.0.0");
    host.booted_with("updog.skipped=B:kernel");
    let said = host.updog(&["report"]);
    assert_eq!(
        said.stdout,
        "slot A (1.0.0) runs: slot B was confirmed and left by itself (unloadable: kernel); back on 1.0.0\n"
    );
    let status = host.updog(&["status"]);
    assert!(status.stdout.contains("Last:   fell_back (unloadable): 1.1.0 in slot B"), "{status:?}");
    assert!(!host.state().join("failed.json").exists(), "nobody is branded");
}

/// Every file that is looked at, with every kind of garbage: an answer, the next witness or `unknown`, never a panic.
#[test]
fn garbage_in_any_evidence_is_no_end() {
    let long = vec![b'x'; 70_000];
    let garbage: [&[u8]; 8] = [
        b"",
        b"\xff\xfe\x00\x01",
        b"{\"format\":1",
        b"null",
        b"{\"format\":1,\"boot\":7,\"slot\":\"Z\",\"stage\":[]}",
        b"{\"format\":9,\"boot\":\"boot-2\",\"slot\":\"B\",\"stage\":\"orbit\",\"reason\":\"gremlins\",\"at\":\"2026-01-02T03:04:05Z\"}",
        b"updog.skipped=:: updog.skipped=B: updog.slot=",
        &long,
    ];
    let files = [
        "state/boot-stage",
        "state/trial.json",
        "sysroot/sys/fs/pstore/dmesg-efi_pstore-1",
        "sysroot/proc/cmdline",
        "sysroot/run/updog/health",
        "sysroot/run/updog/volatile/var",
    ];
    for file in files {
        for bytes in garbage {
            let host = left(|host| mark(host, "boot-2", "root"));
            write(host.path(file), bytes);
            for verb in ["status", "report"] {
                let answer = host.json(&[verb]);
                assert_eq!(answer["exit"], 0, "{file} {bytes:?}: {answer}");
                let cause = answer["data"]["cause"].as_str().unwrap();
                assert!(["verity", "unknown", "unloadable"].contains(&cause), "{file} {bytes:?}: {cause}");
            }
        }
        // A folder where the file should be.
        let host = left(|host| mark(host, "boot-2", "root"));
        let _ = fs::remove_file(host.path(file));
        fs::create_dir_all(host.path(file)).unwrap();
        let answer = host.json(&["report"]);
        assert_eq!(answer["exit"], 0, "{file}: {answer}");
        assert_eq!(host.updog(&["health"]).code, 0, "{file}");
    }
}
