//! A restart by `auto` waits for whoever holds it up, and for nobody else.

use serde_json::json;

use crate::host::Host;

fn logind(host: &Host) {
    host.system("run/systemd/seats/.keep", "");
    host.system("run/dbus/system_bus_socket", "");
}

/// What logind answers.
fn locks(host: &Host, locks: &str) {
    logind(host);
    let asked = host.path("asked");
    let reply = format!("{{\"type\":\"a(ssssuu)\",\"data\":[[{locks}]]}}");
    host.program("busctl", &format!("echo \"$@\" >> {}\ncat <<'X'\n{reply}\nX", asked.display()));
}

/// Somebody holds a restart up.
pub(crate) fn held_up(host: &Host) {
    locks(host, APT);
}

fn restartable(host: &Host) {
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
}

const APT: &str = r#"["shutdown:sleep","apt","installs packages","block",0,812]"#;
const NETWORK: &str = r#"["sleep","NetworkManager","turns off","delay",0,700]"#;

#[test]
fn who_holds_the_restart_up_is_named_and_asked_again() {
    let host = Host::new();
    host.arm_by_itself("1.1.0");
    restartable(&host);
    locks(&host, &format!("{NETWORK},{APT}"));
    let answer = host.json(&["auto", "--reboot"]);
    assert_eq!((&answer["exit"], &answer["reason"]), (&json!(0), &json!("inhibited")), "{answer}");
    assert_eq!(answer["data"]["holders"], json!(["apt, process 812 (installs packages)"]));
    let said = "slot B (1.1.0) is armed; the restart is held up by apt, process 812 (installs packages)";
    assert_eq!(answer["message"], said);
    assert_soon(&answer);
    assert!(!host.path("restarted").exists());
    let asked = std::fs::read_to_string(host.path("asked")).unwrap();
    assert!(asked.contains("org.freedesktop.login1.Manager ListInhibitors"), "{asked}");
    locks(&host, NETWORK);
    assert_eq!(host.updog(&["auto", "--reboot"]).stdout, "slot B (1.1.0) is armed, restarting\n");
    assert!(host.path("restarted").exists());
}

/// What the daemon's clients have done by it.
#[test]
fn a_restart_that_is_asked_for_names_them_too() {
    let host = Host::new();
    restartable(&host);
    locks(&host, APT);
    let answer = host.json(&["restart"]);
    assert_eq!((&answer["exit"], &answer["reason"]), (&json!(11), &json!("inhibited")), "{answer}");
    assert_eq!(answer["data"]["holders"], json!(["apt, process 812 (installs packages)"]));
    assert_soon(&answer);
    assert!(!host.path("restarted").exists());
}

#[test]
fn nobody_is_asked_where_nobody_restarts_or_a_hand_does() {
    let host = Host::new();
    restartable(&host);
    locks(&host, APT);
    host.arm_by_itself("1.1.0");
    assert_eq!(host.updog(&["auto"]).stdout, "slot B (1.1.0) is armed\n");
    assert!(!host.path("asked").exists());
    assert_eq!(host.updog(&["cancel"]).code, 0);
    host.stage("1.1.0");
    assert_eq!(host.updog(&["arm", "--reboot"]).code, 0);
    assert!(host.path("restarted").exists() && !host.path("asked").exists());
}

#[test]
fn a_trial_that_failed_is_left_without_asking() {
    let mut host = Host::new();
    host.trial_that_fails();
    restartable(&host);
    locks(&host, APT);
    assert_eq!(host.updog(&["health", "--reboot"]).code, 12);
    assert!(host.path("restarted").exists() && !host.path("asked").exists());
}

/// Without logind there is nobody to ask; one that cannot answer does not hold a host for ever.
#[test]
fn a_logind_that_cannot_be_asked_holds_nothing_up() {
    let host = Host::new();
    host.arm_by_itself("1.1.0");
    restartable(&host);
    host.program("busctl", "exit 1");
    // The folder alone is made by tmpfiles, on hosts whose logind is masked as well.
    host.system("run/systemd/seats/.keep", "");
    let said = host.updog(&["auto", "--reboot"]);
    assert_eq!(said.stdout, "slot B (1.1.0) is armed, restarting\n");
    assert!(!said.stderr.contains("holds the restart up"), "{said:?}");
    for script in ["exit 1", "echo nonsense", "echo '{\"data\":[]}'"] {
        std::fs::remove_file(host.path("restarted")).unwrap();
        logind(&host);
        host.program("busctl", script);
        let said = host.updog(&["auto", "--reboot"]);
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (0, "slot B (1.1.0) is armed, restarting\n"),
            "{said:?}"
        );
        let note = "note: whether somebody holds the restart up is not known: busctl ";
        assert!(said.stderr.contains(note), "{said:?}");
        assert!(host.path("restarted").exists());
    }
}

/// One that never answers, or never ends to, is as one that fails. What it says to people is no part of its answer.
#[test]
fn a_busctl_that_hangs_or_floods_holds_nothing_up() {
    let host = Host::new();
    host.arm_by_itself("1.1.0");
    restartable(&host);
    logind(&host);
    let cases = [
        ("trap '' TERM INT; sleep 600 & wait; sleep 600", "busctl took longer than 15 s"),
        ("exec yes", "busctl took longer than 15 s"),
        ("head -c 9000000 /dev/zero", "busctl says 262144 bytes or more"),
    ];
    for (script, expected) in cases {
        host.program("busctl", script);
        let said = host.updog(&["auto", "--reboot"]);
        assert_eq!(said.stdout, "slot B (1.1.0) is armed, restarting\n", "{said:?}");
        assert!(said.stderr.contains(expected), "{expected}: {said:?}");
        std::fs::remove_file(host.path("restarted")).unwrap();
    }
    let many = vec![NETWORK; 200].join(",");
    locks(&host, &format!("{many},{APT}"));
    let path = host.sysroot().join("usr/bin/busctl");
    let script = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, script.replacen('\n', "\necho a word to people >&2\n", 1)).unwrap();
    let answer = host.json(&["auto", "--reboot"]);
    assert_eq!(answer["data"]["holders"], json!(["apt, process 812 (installs packages)"]), "{answer}");
}

/// Stdout is the answer and nothing else, whatever the program says that restarts.
#[test]
fn what_restarts_says_nothing_on_our_stdout() {
    let host = Host::new();
    let note = host.path("restarted").display().to_string();
    host.program("systemctl", &format!("echo Call to Reboot failed; echo so it is >&2; touch {note}"));
    host.stage("1.1.0");
    let answer = host.json(&["arm", "--reboot"]);
    assert_eq!(answer["exit"], 0, "{answer}");
    assert!(host.path("restarted").exists());
    // What it says is said where it fails.
    host.program("systemctl", "echo Access denied; exit 1");
    assert_eq!(host.updog(&["cancel"]).code, 0);
    host.stage("1.1.0");
    let answer = host.json(&["arm", "--reboot"]);
    assert_eq!(answer["exit"], 20, "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("systemctl ended with exit status: 1: Access denied"), "{message}");
}

/// Asked again in about five minutes: whoever comes back after an hour may find the window closed.
pub(crate) fn assert_soon(answer: &serde_json::Value) {
    let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let until = at(answer["data"]["until"].as_str().unwrap_or_else(|| panic!("{answer}")));
    assert_eq!(until.timestamp_subsec_nanos(), 0, "{until}");
    let waits = until - at(crate::host::NOW);
    // By the clock of the run, which goes on while it works.
    assert!((5..10).contains(&waits.num_minutes()), "{until}");
}

#[test]
fn nobody_is_asked_again_after_the_window() {
    let host = Host::new();
    host.arm_by_itself("1.1.0");
    restartable(&host);
    locks(&host, APT);
    let plain = std::fs::read_to_string(host.config()).unwrap();
    std::fs::write(host.config(), format!("{plain}\n[[windows]]\nstart = \"03:00\"\nend = \"03:06\"\n"))
        .unwrap();
    let answer = host.json(&["auto", "--reboot"]);
    assert_eq!(
        (&answer["reason"], &answer["data"]["until"]),
        (&json!("inhibited"), &json!("2026-01-02T03:06:00Z"))
    );
}
