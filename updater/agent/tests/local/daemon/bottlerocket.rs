//! Bottlerocket's clients: their walk, their states and codes.

use std::fs;
use std::io::Write as _;

use fixtures::server::{Faults, Server};

use super::client::Daemon;
use crate::host::{Host, flags};
use crate::online::Served;

/// refresh, prepare, activate, deactivate in each state that their table has.
#[test]
fn each_command_in_each_state_ends_as_in_their_table() {
    let commands = ["refresh-updates", "prepare-update", "activate-update", "deactivate-update"];
    let codes = |daemon: &Daemon, skip: &str| -> Vec<(&str, u16)> {
        let others = commands.into_iter().filter(|name| *name != "refresh-updates" && *name != skip);
        others.map(|name| (name, daemon.post(&format!("/actions/{name}")).status)).collect()
    };
    let mut served = Served::new();
    let daemon = Daemon::start(&served.host);
    let state = || daemon.get("/updates/status").body["update_state"].as_str().map(str::to_owned);

    // Nobody has looked.
    assert_eq!(daemon.get("/updates/status").status, 404);
    let refused = |names: &[&'static str]| names.iter().map(|name| (*name, 409)).collect::<Vec<_>>();
    let all = ["prepare-update", "activate-update", "deactivate-update"];
    assert_eq!(codes(&daemon, ""), refused(&all));

    // Looked, and nothing is there: no failure.
    served.publish("1.0.0", |_| ());
    daemon.done("/actions/refresh-updates");
    let status = daemon.get("/updates/status");
    assert_eq!((status.status, status.body["update_state"].as_str()), (200, Some("Idle")), "{status:?}");
    assert_eq!(status.body["available_updates"], serde_json::json!([]));
    assert_eq!(status.body["most_recent_command"]["cmd_type"], "refresh");
    assert_eq!(status.body["most_recent_command"]["cmd_status"], "Success");
    assert_eq!(codes(&daemon, ""), refused(&all));

    served.publish("1.1.0", |_| ());
    served.publish("1.2.0", |_| ());
    daemon.done("/actions/refresh-updates");
    let body = daemon.get("/updates/status").body;
    assert_eq!(body["update_state"], "Available", "{body}");
    assert_eq!(body["available_updates"], serde_json::json!(["1.2.0", "1.1.0"]));
    let image =
        |version: &str| serde_json::json!({ "arch": "x86_64", "version": version, "variant": "tiny" });
    assert_eq!(body["chosen_update"], image("1.2.0"));
    assert_eq!(
        body["active_partition"],
        serde_json::json!({ "image": image("1.0.0"), "next_to_boot": true })
    );
    assert_eq!(body["staging_partition"], serde_json::Value::Null);
    assert_eq!(codes(&daemon, "prepare-update"), refused(&["activate-update", "deactivate-update"]));

    daemon.done("/actions/prepare-update");
    let body = daemon.get("/updates/status").body;
    assert_eq!(body["update_state"], "Staged", "{body}");
    assert_eq!(
        body["staging_partition"],
        serde_json::json!({ "image": image("1.2.0"), "next_to_boot": false })
    );
    assert_eq!(daemon.post("/actions/deactivate-update").status, 409);
    // Once more finds it done.
    daemon.done("/actions/prepare-update");
    assert_eq!(state().as_deref(), Some("Staged"));

    daemon.done("/actions/activate-update");
    let body = daemon.get("/updates/status").body;
    assert_eq!(body["update_state"], "Ready", "{body}");
    assert_eq!(body["active_partition"]["next_to_boot"], false);
    assert_eq!(body["staging_partition"]["next_to_boot"], true);
    assert_eq!(codes(&daemon, "deactivate-update"), refused(&["prepare-update", "activate-update"]));
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");

    daemon.done("/actions/deactivate-update");
    assert_eq!(flags(&served.host.slots()), "2/7/1 0/0/0");
    assert_eq!(state().as_deref(), Some("Staged"));
}

#[test]
fn a_failure_is_told_with_its_code_and_why() {
    let host = Host::new();
    let daemon = Daemon::start(&host);
    let ended = daemon.done("/actions/refresh-updates");
    assert_eq!(ended.data["exit"], 2, "{ended:?}");
    let command = daemon.get("/updates/status").body["most_recent_command"].clone();
    assert_eq!(command["cmd_status"], "Failed", "{command}");
    assert_eq!(command["exit_status"], 2);
    assert!(command["stderr"].as_str().unwrap().contains("root.json"), "{command}");
    assert!(command["timestamp"].as_str().unwrap().ends_with('Z'));
}

/// A download that takes its time: status answers, what else would write is told to wait, local verbs of the host work.
#[test]
fn status_never_waits_for_a_running_update() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let faults = Faults { only: Some(".img.zst".to_owned()), rate: Some(1), ..Faults::default() };
    served.server = Server::start(served.host.path("served"), faults).unwrap();
    let url = served.server.url().clone();
    let config = fs::read_to_string(served.host.config()).unwrap();
    let address = |text: &str| text.split("://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    fs::write(served.host.config(), config.replace(&address(&config), &address(&url))).unwrap();
    let daemon = Daemon::start(&served.host);
    daemon.done("/actions/refresh-updates");
    let events = daemon.events();
    assert_eq!(daemon.post("/actions/prepare-update").status, 204);
    loop {
        let told = events.until("step");
        if told.data["step"] == "write" {
            break;
        }
    }
    let status = daemon.get("/v1/status");
    assert_eq!((status.status, status.body["daemon"]["doing"]["work"].as_str()), (200, Some("prepare")));
    assert_eq!(status.body["daemon"]["doing"]["step"], "write", "{status:?}");
    assert_eq!(daemon.get("/updates/status").status, 200);
    for name in ["refresh-updates", "prepare-update", "activate-update", "deactivate-update", "reboot"] {
        assert_eq!(daemon.post(&format!("/actions/{name}")).status, 423, "{name}");
    }
    // By hand: what reads works, what writes names the holder.
    for verb in ["status", "history", "confirm"] {
        assert_eq!(served.host.updog(&[verb]).code, 0, "{verb}");
    }
    let cancel = served.host.json(&["cancel"]);
    assert_eq!(
        (cancel["exit"].as_u64(), cancel["reason"].as_str()),
        (Some(50), Some("run_lock")),
        "{cancel}"
    );
    assert!(cancel["message"].as_str().unwrap().contains("\"updog stage\", process"), "{cancel}");
}

/// What was chosen is taken only while it is what the rules would take.
#[test]
fn what_was_chosen_is_not_prepared_against_the_rules() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let daemon = Daemon::start(&served.host);
    daemon.done("/actions/refresh-updates");
    let config = fs::read_to_string(served.host.config()).unwrap();
    fs::write(served.host.config(), format!("version_lock = \"current\"\n{config}")).unwrap();
    let refused = daemon.post("/actions/prepare-update");
    assert_eq!(refused.status, 409, "{refused:?}");
    fs::write(served.host.config(), config).unwrap();
    served.publish("1.2.0", |_| ());
    let ended = daemon.done("/actions/refresh-updates");
    assert_eq!(ended.data["exit"], 0);
    served.publish("1.3.0", |_| ());
    let ended = daemon.done("/actions/prepare-update");
    assert!(
        ended.data["message"].as_str().unwrap().contains("1.2.0 was chosen, and 1.3.0 is open now"),
        "{ended:?}"
    );
    assert_eq!(flags(&served.host.slots()), "1/7/1 0/0/0");
}

/// A turn's look, or a hand's, is a look.
#[test]
fn who_looked_does_not_matter() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let daemon = Daemon::start(&served.host);
    assert_eq!(daemon.get("/updates/status").status, 404);
    assert_eq!(served.host.updog(&["check"]).code, 0);
    let body = daemon.get("/updates/status").body;
    assert_eq!(
        (body["update_state"].as_str(), body["chosen_update"]["version"].as_str()),
        (Some("Available"), Some("1.1.0"))
    );
    daemon.done("/actions/prepare-update");
    assert_eq!(daemon.get("/updates/status").body["update_state"], "Staged");
}

/// Reading changes nothing: neither the record of looks, nor how often the repository is asked.
#[test]
fn a_plan_is_asked_for_once_however_often_who_asks_hangs_up() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let daemon = Daemon::start(&served.host);
    served.server.clear();
    for _ in 0..10 {
        let mut stream = daemon.connect();
        stream.write_all(b"GET /v1/plan HTTP/1.1\r\nhost: updog\r\n\r\n").unwrap();
    }
    let plan = daemon.get("/v1/plan");
    assert_eq!((plan.status, plan.body["ok"].as_bool()), (200, Some(true)), "{plan:?}");
    let asked = served.server.log().iter().filter(|logged| logged.target.contains("timestamp.json")).count();
    assert_eq!(asked, 1);
    assert!(!served.host.state().join("checked.json").exists());
}

#[test]
fn the_configuration_is_read_anew() {
    let host = Host::new();
    let daemon = Daemon::start(&host);
    let mode = || daemon.get("/v1/status").body["data"]["mode"].clone();
    assert_eq!(mode(), "apply");
    let config = fs::read_to_string(host.config()).unwrap();
    fs::write(host.config(), format!("mode = \"off\"\n{config}")).unwrap();
    assert_eq!(mode(), "off");
}

#[test]
fn a_restart_waits_for_who_holds_it_up() {
    let host = Host::new();
    crate::inhibited::held_up(&host);
    host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
    let daemon = Daemon::start(&host);
    let ended = daemon.done("/actions/reboot");
    assert_eq!(
        (ended.data["exit"].as_u64(), ended.data["reason"].as_str()),
        (Some(11), Some("inhibited")),
        "{ended:?}"
    );
    assert!(!host.path("restarted").exists());
}

/// A restart is none of Bottlerocket's commands: what the last of them came to is still to be read after it.
#[test]
fn a_restart_leaves_the_most_recent_command() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    crate::inhibited::held_up(&served.host);
    let daemon = Daemon::start(&served.host);
    daemon.done("/actions/refresh-updates");
    daemon.done("/actions/reboot");
    let status = daemon.get("/updates/status");
    assert_eq!(status.body["most_recent_command"]["cmd_type"], "refresh", "{status:?}");
}

#[test]
fn a_restart_asks_hooks_when_another_slot_boots_next() {
    let host = Host::new();
    host.program("systemctl", &format!("echo \"$@\" >> {}", host.path("restarted").display()));
    let daemon = Daemon::start(&host);
    let ended = daemon.done("/actions/reboot");
    assert_eq!(ended.data["exit"], 0, "{ended:?}");
    assert!(fs::read_to_string(host.path("restarted")).unwrap().starts_with("reboot"));
}

/// A look is kept over a restart; what the host learnt since is held against it.
#[test]
fn what_runs_by_now_or_failed_here_or_is_locked_out_is_not_available() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    assert_eq!(served.host.updog(&["apply"]).code, 0);
    assert_eq!(served.host.updog(&["cancel"]).code, 0);
    fs::remove_dir_all(served.host.state().join("staged")).unwrap();
    let release = |name: &str| fs::write(served.host.path("os-release"), name).unwrap();
    let os = fs::read_to_string(served.host.path("os-release")).unwrap();
    let config = fs::read_to_string(served.host.config()).unwrap();
    let failed = served.host.state().join("failed.json");
    let expect = |state: &str| {
        let daemon = Daemon::start(&served.host);
        let status = daemon.get("/updates/status").body;
        let open = state == "Available";
        assert_eq!(status["update_state"], state, "{status}");
        assert_eq!(status["available_updates"].as_array().unwrap().len(), usize::from(open), "{status}");
        assert_eq!(status["chosen_update"].is_null(), !open, "{status}");
        if !open {
            assert_eq!(daemon.post("/actions/prepare-update").status, 409, "{state}");
        }
    };
    expect("Available");
    release(&os.replace("1.0.0", "1.1.0"));
    expect("Idle");
    release(&os);
    let entry = r#"{"format":1,"releases":[{"release":"RELEASE","version":"1.1.0","at":"2026-01-02T03:04:05Z","cause":"was rolled back"}]}"#;
    fs::write(&failed, entry.replace("RELEASE", &"ab".repeat(32))).unwrap();
    expect("Idle");
    fs::remove_file(&failed).unwrap();
    fs::write(served.host.config(), format!("version_lock = \"1.0.0\"\n{config}")).unwrap();
    expect("Idle");
}
