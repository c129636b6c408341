//! `auto`: one turn for a timer, quiet where there is nothing to do.

use crate::host::{Host, flags};
use crate::online::{Served, halt};

#[test]
fn what_is_armed_is_restarted_into_when_asked_for() {
    let host = Host::new();
    host.arm_by_itself("1.1.0");
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    let before = host.bytes();
    let said = host.updog(&["auto"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "slot B (1.1.0) is armed\n"), "{said:?}");
    assert!(!host.path("restarted").exists());
    let said = host.updog(&["auto", "--reboot"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "slot B (1.1.0) is armed, restarting\n"), "{said:?}");
    assert!(host.path("restarted").exists());
    assert_eq!(host.bytes(), before);
}

/// A selector that cannot start it would not the next time either.
#[test]
fn what_a_restart_did_not_try_is_not_restarted_into_again() {
    let mut host = Host::new();
    host.arm_by_itself("1.1.0");
    host.boot += 1;
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    let said = host.updog(&["auto", "--reboot"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (12, "slot B is armed, but the last restart did not try it\n"),
        "{said:?}"
    );
    assert!(!host.path("restarted").exists());
}

/// When to go back is for the hand that armed it to say.
#[test]
fn a_rollback_by_hand_is_not_restarted_into() {
    let host = Host::new();
    host.set((2, 7, true), (1, 7, true));
    assert_eq!(host.updog(&["rollback"]).code, 0);
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    let said = host.updog(&["auto", "--reboot"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "slot B is armed by rollback\n"), "{said:?}");
    assert!(!host.path("restarted").exists());
    assert_eq!(flags(&host.slots()), "1/7/1 2/3/1");
}

#[test]
fn no_server_is_transient_here_too() {
    let host = Host::new();
    assert_eq!(host.updog(&["auto"]).code, host.updog(&["apply"]).code);
}

/// 2026-01-02 is a Friday; the host's clock says 03:04:05 UTC.
#[test]
fn it_restarts_within_its_windows_only() {
    let host = Host::new();
    host.arm_by_itself("1.1.0");
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    let plain = std::fs::read_to_string(host.config()).unwrap();
    let window = |days: &str, start: &str, end: &str, zone: &str| {
        let text = format!(
            "{plain}\n[[windows]]\ndays = [{days}]\nstart = \"{start}\"\nend = \"{end}\"\ntime_zone = \"{zone}\"\n"
        );
        std::fs::write(host.config(), text).unwrap();
    };
    let waits = [
        (("\"fri\"", "04:00", "06:00", "UTC"), "2026-01-02T04:00:00Z"),
        (("\"fri\"", "03:00", "04:00", "Europe/Berlin"), "2026-01-09T02:00:00Z"),
        (("\"sat\", \"sun\"", "22:00", "02:00", "UTC"), "2026-01-03T22:00:00Z"),
    ];
    for ((days, start, end, zone), from) in waits {
        window(days, start, end, zone);
        let said = host.updog(&["auto", "--reboot"]);
        let expected = format!("slot B (1.1.0) is armed; this host restarts from {from} on\n");
        assert_eq!((said.code, said.stdout), (0, expected), "{}", said.stderr);
        assert!(!host.path("restarted").exists());
        let said = host.json(&["auto", "--reboot"]);
        assert_eq!((&said["reason"], &said["exit"]), (&"window".into(), &0.into()));
    }
    // Without being asked to restart, it says nothing of windows.
    assert_eq!(host.updog(&["auto"]).stdout, "slot B (1.1.0) is armed\n");
    window("\"fri\"", "04:00", "06:00", "Europe/Berlin");
    let said = host.updog(&["auto", "--reboot"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "slot B (1.1.0) is armed, restarting\n"), "{said:?}");
    assert!(host.path("restarted").exists());
}

#[test]
fn a_window_that_makes_no_sense_is_told_of() {
    let host = Host::new();
    let plain = std::fs::read_to_string(host.config()).unwrap();
    for (text, expected) in [
        ("days = []\nstart = \"01:00\"\nend = \"02:00\"", "this window never opens"),
        (
            "start = \"25:00\"\nend = \"02:00\"",
            "expected a time from \"00:00\" to \"23:59\", found \"25:00\"",
        ),
        ("start = \"01:00\"", "missing field `end`"),
        ("start = \"01:00\"\nend = \"02:00\"\nzone = \"UTC\"", "unknown field `zone`"),
    ] {
        std::fs::write(host.config(), format!("{plain}\n[[windows]]\n{text}\n")).unwrap();
        let said = host.updog(&["auto"]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains("windows") && said.stderr.contains(expected), "{said:?}");
    }
}

/// It goes as far as it may, and says what is left to others.
#[test]
fn it_goes_as_far_as_its_mode() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let plain = std::fs::read_to_string(served.host.config()).unwrap();
    let auto = |mode: &str| {
        std::fs::write(served.host.config(), format!("mode = \"{mode}\"\n{plain}")).unwrap();
        let answer = served.host.json(&["auto", "--reboot"]);
        (answer["reason"].as_str().map(str::to_owned), answer["message"].as_str().unwrap().to_owned())
    };
    served.host.program("systemctl", &format!("touch {}", served.host.path("restarted").display()));
    let mode = Some("mode".to_owned());
    let before = served.host.bytes();
    assert_eq!(auto("off"), (mode.clone(), "nothing is looked for (mode = \"off\")".to_owned()));
    assert_eq!(served.server.log().len(), 0);
    let open = "a release is open, and writing it is left to others (mode = \"check\")";
    assert_eq!(auto("check"), (mode.clone(), open.to_owned()));
    assert_eq!(served.host.bytes(), before);
    let (reason, said) = auto("stage");
    assert_eq!(reason, mode);
    let lines: Vec<&str> = said.lines().collect();
    let staged = "a release is staged, and arming it is left to others (mode = \"stage\")";
    assert_eq!(lines[1..], ["slot B staged: 1.1.0, read back", staged], "{said}");
    assert_eq!(flags(&served.host.slots()), "1/7/1 0/0/0");
    // The next turn has nothing to fetch or write.
    assert_eq!(auto("stage"), (mode.clone(), staged.to_owned()));
    assert!(!served.host.path("restarted").exists());
    let (reason, said) = auto("apply");
    assert_eq!((reason, &*said), (None, "slot B armed: 1.1.0, 3 tries, boots next, restarting"));
    assert!(served.host.path("restarted").exists());
    // What a hand has armed is for that hand to restart into.
    std::fs::remove_file(served.host.path("restarted")).unwrap();
    let armed = "slot B is armed, and the restart is left to others (mode = \"stage\")";
    assert_eq!(auto("stage"), (mode, armed.to_owned()));
    assert!(!served.host.path("restarted").exists());
    std::fs::write(served.host.config(), format!("mode = \"on\"\n{plain}")).unwrap();
    let said = served.host.updog(&["auto"]);
    assert!(
        said.code == 2 && said.stderr.contains("expected off, check, stage or apply, found \"on\""),
        "{said:?}"
    );
}

/// Between arming and the restart there may be days of closed windows.
#[test]
fn what_was_taken_back_since_is_disarmed_and_what_is_newer_takes_its_place() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
    served.publish("1.2.0", |_| ());
    let said = served.host.updog(&["auto"]);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines[0], "slot B (1.1.0) cancelled: slot A boots next", "{said:?}");
    assert_eq!(lines.last(), Some(&"slot B armed: 1.2.0, 3 tries, boots next"), "{said:?}");
    for version in ["1.1.0", "1.2.0"] {
        served.change(version, |update| update.updog.as_mut().unwrap().yanked = Some(halt()));
    }
    let said = served.host.updog(&["auto"]);
    assert_eq!(said.code, 0);
    assert_eq!(said.stdout.lines().next(), Some("slot B (1.2.0) cancelled: slot A boots next"), "{said:?}");
    assert_eq!(flags(&served.host.slots()), "2/7/1 0/0/0");
}

/// The policy of today decides over what the policy of yesterday has armed.
#[test]
fn what_auto_armed_goes_by_the_policy_of_now() {
    let mut served = Served::new();
    served.publish("1.1.0", waves_over);
    let plain = std::fs::read_to_string(served.host.config()).unwrap();
    let auto = |more: &str| {
        std::fs::write(served.host.config(), format!("{more}\n{plain}")).unwrap();
        let answer = served.host.json(&["auto", "--reboot"]);
        (answer["reason"].as_str().map(str::to_owned), answer["message"].as_str().unwrap().to_owned())
    };
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    served.host.program("systemctl", &format!("touch {}", served.host.path("restarted").display()));
    let (reason, said) = auto("soak = \"7d\"");
    assert_eq!(reason.as_deref(), Some("soak"), "{said}");
    assert!(said.starts_with("slot B (1.1.0) is armed; 1.1.0 is left to others until "), "{said}");
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
    let (reason, said) = auto("version_lock = \"1.0.0\"");
    assert_eq!(reason.as_deref(), Some("locked"), "{said}");
    assert!(said.starts_with("slot B (1.1.0) cancelled: slot A boots next\n"), "{said}");
    assert_eq!(flags(&served.host.slots()), "2/7/1 0/0/0");
    assert!(!served.host.path("restarted").exists());
}

/// All have had their turn, two hours ago at least.
fn waves_over(update: &mut release::manifest::Update) {
    let at = |text: &str| text.parse().unwrap();
    update.waves = [(0, at("2026-01-02T00:00:00Z")), (2048, at("2026-01-02T01:00:00Z"))].into();
}

/// What is typed is done: `auto` neither undoes it nor restarts into it.
#[test]
fn what_a_hand_armed_is_left_to_that_hand() {
    let mut served = Served::new();
    served.publish("0.9.0", |_| ());
    served.publish("1.1.0", |_| ());
    let host = &served.host;
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    assert_eq!(host.updog(&["apply", "--to", "0.9.0", "--allow-downgrade"]).code, 0);
    let said = host.json(&["auto", "--reboot"]);
    assert_eq!(
        (&said["exit"], &said["reason"], &said["message"]),
        (&0.into(), &"by_hand".into(), &"slot B is armed by hand".into()),
        "{said}"
    );
    assert_eq!(flags(&host.slots()), "1/7/1 2/3/0");
    served.change("0.9.0", |update| update.updog.as_mut().unwrap().yanked = Some(halt()));
    let said = served.host.json(&["auto", "--reboot"]);
    assert_eq!((&said["exit"], &said["reason"]), (&0.into(), &"yanked".into()), "{said}");
    let message = said["message"].as_str().unwrap();
    assert!(message.starts_with("slot B is armed by hand, but 0.9.0 was taken back at "), "{message}");
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
    // Nobody knows what auto would take while the repository is silent.
    let plain = std::fs::read_to_string(served.host.config()).unwrap();
    let url = served.server.url();
    let url = url.as_str().trim_end_matches('/');
    std::fs::write(served.host.config(), plain.replace(url, "http://127.0.0.1:1")).unwrap();
    assert_eq!(served.host.json(&["auto", "--reboot"])["reason"], "by_hand");
    std::fs::write(served.host.config(), plain).unwrap();
    assert!(!served.host.path("restarted").exists());
    // What auto would take too is restarted into, whoever armed it.
    assert_eq!(served.host.updog(&["apply"]).code, 0);
    let said = served.host.json(&["auto", "--reboot"]);
    assert_eq!((&said["reason"], served.host.path("restarted").exists()), (&serde_json::Value::Null, true));
}

/// The record of an updog that did not say whose wish it was.
#[test]
fn a_record_without_the_wish_counts_as_autos() {
    let host = Host::new();
    host.arm("1.1.0");
    let path = host.state().join("outcome.json");
    let mut record: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(record["intent"].as_object_mut().unwrap().remove("wish").is_some());
    std::fs::write(path, record.to_string()).unwrap();
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    assert_eq!(host.updog(&["auto", "--reboot"]).code, 0);
    assert!(host.path("restarted").exists());
}

/// A clock behind what was signed last is wrong, whatever window it shows.
#[test]
fn a_wrong_clock_opens_no_window() {
    let mut served = Served::new();
    served.repository.signed_at = Some(crate::host::NOW.parse().unwrap());
    served.publish("1.1.0", |_| ());
    let host = &served.host;
    assert_eq!(host.updog(&["auto"]).code, 0);
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    let plain = std::fs::read_to_string(host.config()).unwrap();
    let window = format!("{plain}\n[[windows]]\nstart = \"00:00\"\nend = \"12:00\"\n");
    std::fs::write(host.config(), &window).unwrap();
    let behind = |text: &str| {
        let arguments = ["--json", "auto", "--reboot", "--clock"];
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_updog"));
        command.args(arguments).arg(text).arg("--config").arg(host.config());
        command.arg("--disk").arg(host.disk()).arg("--state").arg(host.state());
        command.arg("--os-release").arg(host.path("os-release")).arg("--sysroot").arg(host.sysroot());
        let output = command.args(["--booted", "A", "--boot-id", "boot-1"]).output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let said = behind("2026-01-01T03:04:05Z");
    assert_eq!((&said["exit"], &said["reason"]), (&0.into(), &"window".into()), "{said}");
    let message = said["message"].as_str().unwrap();
    let words = "slot B (1.1.0) is armed; the clock says 2026-01-01T03:0";
    assert!(message.starts_with(words), "{message}");
    assert!(message.contains(", though it is 2026-01-02T03:04:05Z at least: no window counts"), "{message}");
    // The image's own age is known without any repository.
    std::fs::write(host.config(), format!("build_time = \"2026-06-01T00:00:00Z\"\n{window}")).unwrap();
    let said = host.json(&["auto", "--reboot"]);
    assert!(said["message"].as_str().unwrap().contains("it is 2026-06-01T00:00:00Z at least"), "{said}");
    assert!(!host.path("restarted").exists());
    std::fs::write(host.config(), window).unwrap();
    assert_eq!(host.json(&["auto", "--reboot"])["reason"], serde_json::Value::Null);
    assert!(host.path("restarted").exists());
}

/// What a hand has cancelled is not armed again behind its back, until a hand takes it or something newer is open.
#[test]
fn what_was_cancelled_by_hand_is_left() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    assert_eq!(served.host.updog(&["cancel"]).code, 0);
    let answer = served.host.json(&["auto"]);
    assert_eq!((&answer["exit"], &answer["reason"]), (&0.into(), &"by_hand".into()), "{answer}");
    assert_eq!(answer["message"], "1.1.0 is open, and was cancelled by hand");
    assert_eq!(flags(&served.host.slots()), "2/7/1 0/0/0");
    assert_eq!(served.host.json(&["status"])["data"]["cancelled"]["version"], "1.1.0");
    let said = served.host.updog(&["check", "--explain"]);
    let line = "  by_hand at stage: 1.1.0 is open, and was cancelled by hand";
    assert!(said.stdout.lines().any(|said| said == line), "{said:?}");
    // By hand it is armed, and is `auto`'s to restart into again.
    assert_eq!(served.host.updog(&["arm"]).code, 0);
    assert!(served.host.json(&["status"])["data"]["cancelled"].is_null());
    assert_eq!(served.host.updog(&["cancel"]).code, 0);
    served.publish("1.2.0", |_| ());
    let said = served.host.updog(&["auto"]);
    assert_eq!(said.stdout.lines().last(), Some("slot B armed: 1.2.0, 3 tries, boots next"), "{said:?}");
}
