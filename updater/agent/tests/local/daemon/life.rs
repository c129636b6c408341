//! What the daemon does by itself, and how it ends.

use std::thread;
use std::time::Duration;

use fixtures::server::{Faults, Server};

use super::client::{Daemon, configure, eventually};
use crate::host::{Host, flags};
use crate::journal::{Journal, of};
use crate::online::Served;

/// The same turn as the timer's.
#[test]
fn it_takes_turns_by_itself() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    served.host.program("systemctl", &format!("touch {}", served.host.path("restarted").display()));
    let socket = configure(&served.host, "interval = \"10s\"");
    let daemon = Daemon::on(&served.host, socket);
    let events = daemon.events();
    assert_eq!(events.until("started").data["work"], "auto");
    let ended = events.until("ended");
    assert_eq!(
        (ended.data["work"].as_str(), ended.data["exit"].as_u64()),
        (Some("auto"), Some(0)),
        "{ended:?}"
    );
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
    assert!(served.host.path("restarted").exists());
    assert!(daemon.get("/v1/status").body["daemon"]["next_turn"].is_string());
}

#[test]
fn a_signal_ends_it_and_what_it_does_and_leaves_no_socket() {
    let host = Host::new();
    for signal in ["TERM", "INT"] {
        let mut daemon = Daemon::start(&host);
        daemon.signal(signal);
        assert_eq!(daemon.child.wait().unwrap().code(), Some(0), "{signal}");
        assert!(!daemon.socket.exists());
    }
    // In the middle of a look at a repository that says nothing.
    let served = Served::new();
    let faults = Faults { stall: Some(0), ..Faults::default() };
    let silent = Server::start(served.host.path("served"), faults).unwrap();
    let config = std::fs::read_to_string(served.host.config()).unwrap();
    let port = |text: &str| text.split("127.0.0.1:").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let config = config.replace(&port(&config), &port(silent.url().as_str()));
    std::fs::write(served.host.config(), config).unwrap();
    let mut daemon = Daemon::start(&served.host);
    let events = daemon.events();
    assert_eq!(daemon.post("/actions/refresh-updates").status, 204);
    events.until("step");
    daemon.signal("TERM");
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
    assert!(!daemon.socket.exists());
}

/// Nothing wakes it between two turns. What it holds in memory is measured by `cargo xtask bench`.
#[test]
fn an_idle_daemon_sleeps() {
    let host = Host::new();
    let daemon = Daemon::start(&host);
    assert_eq!(daemon.get("/v1/status").status, 200);
    // The thread that read the disk waits for more work for a while, and goes.
    eventually("one thread and the one that waits for history are left", || daemon.figure("Threads") <= 2);
    let wakes = || daemon.figure("voluntary_ctxt_switches") + daemon.figure("nonvoluntary_ctxt_switches");
    let before = wakes();
    thread::sleep(Duration::from_secs(3));
    assert_eq!(wakes(), before);
}

#[test]
fn a_value_out_of_range_is_one_clear_error_and_no_daemon() {
    let host = Host::new();
    let cases = [
        ("interval = \"9s\"", "serve.interval", "expected \"10s\" to \"30d\", found 9 seconds"),
        ("interval = \"31d\"", "serve.interval", "found 2678400 seconds"),
        ("interval = \"often\"", "serve.interval", "\"often\""),
        ("read = \"some\"", "serve.read", "expected \"group\" or \"all\", found \"some\""),
        ("group = \"a:b\"", "serve.group", "expected the name of a group, found \"a:b\""),
        ("socket = \"api.sock\"", "serve.socket", "expected a path from /, found \"api.sock\""),
    ];
    let plain = std::fs::read_to_string(host.config()).unwrap();
    let long = format!("socket = \"/{}\"", "x".repeat(107));
    for (line, key, expected) in
        cases.into_iter().chain([(&*long, "serve.socket", "at most 107 bytes, found 108")])
    {
        std::fs::write(host.config(), format!("{plain}\n[serve]\n{line}\n")).unwrap();
        let said = host.updog(&["serve"]);
        assert_eq!(said.code, 2, "{line}: {said:?}");
        assert!(said.stderr.contains(key) && said.stderr.contains(expected), "{line}: {}", said.stderr);
        // Local verbs go on without it.
        assert_eq!(host.updog(&["status"]).code, 0, "{line}");
    }
}

/// A host that fell back to this version from a later one is still to be reached, and goes on updating itself.
#[test]
fn keys_of_a_later_version_keep_no_daemon_from_running() {
    let host = Host::new();
    let socket = configure(&host, "grup = \"x\"");
    let daemon = Daemon::on(&host, socket);
    assert_eq!(daemon.get("/v1/status").status, 200);
}

/// Of its runs the daemon reads stderr; their entries reach the journal where the daemon's own would.
#[test]
fn what_its_runs_have_done_is_told_to_the_journal() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let journal = Journal::at(&served.host);
    let told = |daemon: &Daemon| {
        daemon.done("/actions/refresh-updates");
        let entries = journal.entries();
        entries.iter().map(|entry| (of(entry, "UPDOG_VERB"), of(entry, "UPDOG_EXIT"))).collect::<Vec<_>>()
    };
    assert_eq!(told(&Daemon::as_a_unit(&served.host)), [("check".to_owned(), "0".to_owned())]);
    // Nobody reads this one for the journal.
    assert_eq!(told(&Daemon::start(&served.host)), []);
}
