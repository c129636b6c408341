//! Who comes in, and how many.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;

use super::client::{Daemon, Reply, configure, eventually};
use crate::host::Host;

/// What another user is answered; `None`: it does not come in.
fn as_user(daemon: &Daemon, method: &str, path: &str, (uid, gid): (u32, u32)) -> Option<u16> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--max-time", "60"]);
    curl.arg("--unix-socket").arg(&daemon.socket).args(["-X", method]).arg(format!("http://updog{path}"));
    let output =
        curl.uid(uid).gid(gid).output().expect("curl runs as another user: this test needs curl and root");
    let code = String::from_utf8(output.stdout).unwrap().parse().unwrap();
    (code != 0).then_some(code)
}

fn open_to_all(host: &Host) {
    for folder in [host.folder.path(), &host.path("run")] {
        fs::create_dir_all(folder).unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// `games` (5, 60) is in every Debian; nobody (65534) is in no group.
#[test]
fn root_and_the_group_act_others_read_when_the_configuration_says_so() {
    let cases = [
        ("group = \"games\"", (0, 0), Some(200), Some(204)),
        ("group = \"games\"", (1234, 60), Some(200), Some(204)),
        ("group = \"games\"", (65534, 65534), None, None),
        ("group = \"games\"\nread = \"all\"", (1234, 60), Some(200), Some(204)),
        ("group = \"games\"\nread = \"all\"", (65534, 65534), Some(200), Some(403)),
        ("group = \"no-such-group\"\nread = \"all\"", (1234, 60), Some(200), Some(403)),
    ];
    for (config, user, read, act) in cases {
        // One of its own: a run that a killed daemon has just begun holds the lock of its socket for a moment.
        let host = Host::new();
        open_to_all(&host);
        let socket = configure(&host, &format!("interval = \"30d\"\n{config}"));
        let daemon = Daemon::on(&host, socket);
        assert_eq!(as_user(&daemon, "GET", "/v1/status", user), read, "{config} {user:?}");
        assert_eq!(as_user(&daemon, "POST", "/actions/refresh-updates", user), act, "{config} {user:?}");
        let expected = if config.contains("all") { 0o666 } else { 0o660 };
        assert_eq!(fs::metadata(&daemon.socket).unwrap().permissions().mode() & 0o777, expected);
    }
}

/// Connections that say nothing are let go after a while; until then others are told that it is full, and nothing else suffers.
#[test]
fn a_flood_of_connections_is_turned_away_and_passes() {
    let host = Host::new();
    let daemon = Daemon::start(&host);
    let held: Vec<_> = (0..64).map(|_| daemon.connect()).collect();
    let more: Vec<u16> = (0..200).map(|_| Reply::read(daemon.connect()).status).collect();
    assert!(more.iter().all(|status| *status == 503), "{more:?}");
    assert_eq!(host.updog(&["status"]).code, 0);
    // All of them were let go: none of ours has hung up.
    eventually("the daemon answers again", || {
        let mut stream = daemon.connect();
        let asked = stream.write_all(b"GET /v1/status HTTP/1.1\r\nhost: updog\r\nconnection: close\r\n\r\n");
        asked.is_ok() && Reply::read(stream).status == 200
    });
    drop(held);
}

#[test]
fn a_gibibyte_of_body_is_refused_and_not_kept() {
    let host = Host::new();
    let daemon = Daemon::start(&host);
    let head = "POST /actions/refresh-updates HTTP/1.1\r\nhost: updog\r\n";
    let mut stream = daemon.connect();
    write!(stream, "{head}content-length: {}\r\n\r\n", 1_u64 << 30).unwrap();
    assert_eq!(Reply::read(stream).status, 413);

    let before = daemon.figure("VmHWM");
    let mut stream = daemon.connect();
    write!(stream, "{head}transfer-encoding: chunked\r\n\r\n").unwrap();
    let mut writer = stream.try_clone().unwrap();
    let flood = thread::spawn(move || {
        let piece = vec![b'x'; 1 << 20];
        (0..1024)
            .take_while(|_| {
                write!(writer, "100000\r\n")
                    .and(writer.write_all(&piece))
                    .and(writer.write_all(b"\r\n"))
                    .is_ok()
            })
            .count()
    });
    assert_eq!(Reply::read(stream).status, 413);
    assert!(flood.join().unwrap() < 1024, "all of it was taken");
    let grown = daemon.figure("VmHWM") - before;
    assert!(grown < 8 << 10, "{grown} KiB more");
    assert_eq!(daemon.get("/v1/status").body["daemon"]["doing"], serde_json::Value::Null);
}

#[test]
fn nonsense_is_answered_or_hung_up_on_and_the_daemon_goes_on() {
    let host = Host::new();
    let daemon = Daemon::start(&host);
    let long = format!("GET /{} HTTP/1.1\r\nhost: updog\r\n\r\n", "x".repeat(1 << 20));
    for said in ["\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", &long] {
        let mut stream = daemon.connect();
        let _ = stream.write_all(said.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
    }
    assert_eq!(daemon.get("/no/such/path").status, 404);
    let refused = daemon.ask("DELETE", "/v1/status");
    assert_eq!((refused.status, &refused.body["format"]), (405, &1.into()), "{refused:?}");
    assert_eq!(daemon.get("/v1/status").status, 200);
}

#[test]
fn one_daemon_a_socket_and_what_a_killed_one_left_is_cleared_away() {
    let host = Host::new();
    let mut daemon = Daemon::start(&host);
    let second = host.json(&["serve"]);
    assert_eq!(
        (second["exit"].as_u64(), second["reason"].as_str()),
        (Some(50), Some("run_lock")),
        "{second}"
    );
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();
    assert!(daemon.socket.exists());
    let daemon = Daemon::on(&host, daemon.socket.clone());
    assert_eq!(daemon.get("/v1/status").status, 200);
    drop(daemon);
    // A file that is no socket is somebody's.
    let socket = configure(&host, "interval = \"30d\"");
    fs::remove_file(&socket).unwrap();
    fs::write(&socket, "precious").unwrap();
    let said = host.command(&["serve"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(said.status.code(), Some(2), "{said:?}");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "precious");
}
