//! P8: local verbs need nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::host::{Host, NOW, flags, write};

/// Every local verb, and how each ends on a host with 1.1.0 armed.
const ARMED: [(&[&str], i32); 6] = [
    (&["status"], 0),
    (&["history"], 0),
    (&["confirm"], 0),
    (&["cancel"], 0),
    (&["report"], 0),
    // Its flags are confirmed already, so that nothing else boots next by a confirm.
    (&["health"], 0),
];

/// Breaks something about a host.
type Breakage = fn(&Host);

/// Ways to be without a configuration or a state folder.
const BROKEN: [(&str, Breakage); 7] = [
    ("config missing", |host| fs::remove_file(host.config()).unwrap()),
    ("config is no TOML", |host| write(host.config(), "seed = = 7")),
    ("config is no text", |host| write(host.config(), b"\xff\xfe\x00")),
    ("config of a later version", |host| {
        write(host.config(), "seed = 7\nteleport = true\ntries = \"many\"\n[later]\nx = 1\n");
    }),
    ("config with values out of range", |host| write(host.config(), "seed = 4096\ntries = 99\nstall = -1\n")),
    ("state is a file", |host| {
        fs::remove_dir_all(host.state()).unwrap();
        write(host.state(), "not a folder");
    }),
    ("state is gone", |host| fs::remove_dir_all(host.state()).unwrap()),
];

#[test]
fn p8_local_verbs_need_no_config_and_no_state() {
    for (name, breakage) in BROKEN {
        for (verb, code) in ARMED {
            let host = Host::new();
            host.arm("1.1.0");
            breakage(&host);
            let said = host.updog(verb);
            assert_eq!(said.code, code, "{name}, {verb:?}: {said:?}");
        }
    }
}

#[test]
fn p8_rollback_needs_no_config_and_no_state() {
    for (name, breakage) in BROKEN {
        let host = Host::new();
        host.set((2, 7, true), (1, 7, true));
        breakage(&host);
        let said = host.updog(&["rollback"]);
        assert_eq!(said.code, 0, "{name}: {said:?}");
        assert_eq!(flags(&host.slots()), "1/7/1 2/3/1", "{name}");
    }
}

#[test]
fn p8_arm_needs_no_network_and_a_config_that_can_be_read() {
    let host = Host::new();
    host.stage("1.1.0");
    write(host.config(), "teleport = true\n");
    let said = host.updog(&["arm"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("unknown key \"teleport\""), "{said:?}");
    write(host.config(), "tries = \"many\"\n");
    assert_eq!(host.updog(&["arm"]).code, 2);
}

/// After a fall back to an older updog, the keys of the newer one are still there: updates by themselves must not end with it.
#[test]
fn p8_what_runs_by_itself_lives_with_keys_of_a_later_version() {
    let host = Host::new();
    let plain = fs::read_to_string(host.config()).unwrap();
    host.arm_by_itself("1.1.0");
    write(host.config(), format!("moed = \"off\"\n{plain}\n[later]\nx = 1\n[reboot]\ncharm = 3\n"));
    let said = host.updog(&["auto"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "slot B (1.1.0) is armed\n"), "{said:?}");
    for expected in ["unknown key \"moed\"", "(did you mean mode?)", "\"later\"", "\"reboot.charm\""] {
        assert!(said.stderr.contains(expected), "{expected}: {said:?}");
    }
    // What is typed says so and ends.
    for verb in ["check", "plan", "stage", "apply"] {
        assert_eq!(host.updog(&[verb]).code, 2, "{verb}");
    }
    // A value that this version knows the key of is wrong for all.
    write(host.config(), format!("mode = \"sometimes\"\n{plain}"));
    for verb in ["auto", "serve"] {
        assert_eq!(host.updog(&[verb]).code, 2, "{verb}");
    }
}

/// Not even root can create a file there.
#[test]
fn p8_a_state_folder_that_cannot_be_written_is_a_warning() {
    let mut host = Host::new();
    host.arm("1.1.0");
    host.restart();
    // A folder where each file should be: no write succeeds, whoever runs this.
    for name in ["outcome.json.partial", "history.jsonl.partial", "failed.json.partial"] {
        fs::create_dir(host.state().join(name)).unwrap();
    }
    let said = host.updog(&["confirm"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("failed to write"), "{said:?}");
    assert_eq!(flags(&host.slots()), "1/7/1 2/7/1");
}

/// The device is full exactly when a record is written.
#[test]
fn p8_a_full_state_folder_is_a_warning() {
    let mut host = Host::new();
    host.stage("1.2.0");
    host.arm("1.1.0");
    let full = |host: &Host| {
        for name in ["outcome.json.partial", "history.jsonl.partial", "failed.json.partial"] {
            let _ = symlink("/dev/full", host.state().join(name));
        }
    };
    full(&host);
    let said = host.updog(&["cancel"]);
    assert_eq!((said.code, flags(&host.slots()).as_str()), (0, "2/7/1 0/0/0"), "{said:?}");
    // What is armed must be known to be armed: this one is refused.
    full(&host);
    let said = host.updog(&["arm"]);
    assert_eq!((said.code, flags(&host.slots()).as_str()), (40, "2/7/1 0/0/0"), "{said:?}");
    assert!(said.stderr.contains("No space left on device"), "{said:?}");
    host.set((1, 7, true), (2, 3, false));
    host.restart();
    full(&host);
    let said = host.updog(&["confirm"]);
    assert_eq!((said.code, flags(&host.slots()).as_str()), (0, "1/7/1 2/7/1"), "{said:?}");
    assert!(said.stderr.contains("No space left on device"), "{said:?}");
    full(&host);
    assert_eq!(host.updog(&["status"]).code, 0);
    let said = host.updog(&["rollback"]);
    assert_eq!((said.code, flags(&host.slots()).as_str()), (0, "2/3/1 1/7/1"), "{said:?}");
}

#[test]
fn p8_a_read_only_state_folder_is_a_warning() {
    let host = Host::new();
    host.set((2, 7, true), (1, 7, true));
    fs::set_permissions(host.state(), fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(host.updog(&["status"]).code, 0);
    assert_eq!(host.updog(&["rollback"]).code, 0);
    assert_eq!(host.updog(&["cancel"]).code, 0);
    fs::set_permissions(host.state(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn p8_a_wrong_clock_changes_nothing() {
    for clock in ["1970-01-01T00:00:00Z", "2107-01-01T00:00:00Z"] {
        let mut host = Host::new();
        host.arm("1.1.0");
        assert_eq!(host.updog(&["--clock", clock, "cancel"]).code, 2, "given twice");
        let said = crate::host::Said::from(host.command(&["status"]).output().unwrap());
        assert_eq!(said.code, 0);
        let with = |host: &Host, verb: &str| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_updog"));
            let given = host.command(&[verb]);
            command.args(given.get_args().map(|word| if word == NOW { clock.as_ref() } else { word }));
            crate::host::Said::from(command.output().unwrap())
        };
        host.restart();
        for verb in ["status", "confirm", "history"] {
            let said = with(&host, verb);
            assert_eq!(said.code, 0, "{clock} {verb}: {said:?}");
        }
        assert_eq!(flags(&host.slots()), "1/7/1 2/7/1");
    }
}

/// What a newer updog left: unknown keys everywhere, fields of other shapes, a higher format.
#[test]
fn p8_state_and_config_of_a_newer_format() {
    let mut host = Host::new();
    host.arm("1.1.0");
    write(host.config(), "seed = 7\n[health]\nconfirmed = \"stay\"\n");
    let outcome = fs::read_to_string(host.state().join("outcome.json")).unwrap();
    let newer = outcome.replacen("\"format\": 1", "\"format\": 9,\n  \"phase\": {\"of\": \"moon\"}", 1);
    write(host.state().join("outcome.json"), &newer);
    write(host.state().join("failed.json"), r#"{"format":9,"releases":{"by":"id"},"kept":true}"#);
    host.restart();
    host.os_release("1.1.0");
    assert_eq!(host.updog(&["status"]).code, 0);
    let said = host.updog(&["confirm"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("updated"), "{said:?}");
    let kept = fs::read_to_string(host.state().join("outcome.json")).unwrap();
    assert!(kept.contains("\"format\": 9") && kept.contains("\"moon\""), "{kept}");
    assert_eq!(host.updog(&["rollback"]).code, 0);
    assert_eq!(host.updog(&["cancel"]).code, 0);
}

/// Garbage in every state file: each local verb notes it and does its work.
#[test]
fn p8_a_pipe_in_a_files_place_holds_up_nothing() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    for file in [
        "outcome.json",
        "failed.json",
        "history.jsonl",
        "lock",
        "records.lock",
        "boot-stage",
        "trial.json",
        "outcome.json.partial",
    ] {
        let mut host = Host::new();
        host.settle_at_once();
        host.arm("1.1.0");
        let path = host.state().join(file);
        let _ = std::fs::remove_file(&path);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        host.restart();
        for verb in ["status", "report", "confirm"] {
            let said = host.updog(&[verb]);
            assert_eq!(said.code, 0, "{file} {verb}: {said:?}");
        }
    }
}

#[test]
fn p8_garbage_in_every_state_file() {
    let files = [
        "outcome.json",
        "failed.json",
        "history.jsonl",
        "seed",
        "lock",
        "staged/staged.json",
        "boot-stage",
        "trial.json",
    ];
    let garbage: [&[u8]; 5] = [b"", b"\xff\xfe\x00\x01", b"{\"format\":1", b"null", b"{}\n{}\n"];
    for file in files {
        for bytes in garbage {
            let mut host = Host::new();
            host.settle_at_once();
            host.arm("1.1.0");
            write(host.state().join(file), bytes);
            for verb in ["status", "history"] {
                let said = host.updog(&[verb]);
                assert_eq!(said.code, 0, "{file} {bytes:?} {verb}: {said:?}");
            }
            host.restart();
            let said = host.updog(&["report"]);
            assert_eq!(said.code, 0, "{file} {bytes:?}: {said:?}");
            let said = host.updog(&["health"]);
            assert_eq!(said.code, 0, "{file} {bytes:?}: {said:?}");
            assert_eq!(flags(&host.slots()), "1/7/1 2/7/1", "{file} {bytes:?}");
            assert_eq!(host.updog(&["rollback"]).code, 0, "{file} {bytes:?}");
        }
    }
}
