//! An etcd that is not there, slow, wrong or of another mind: one clear line, and the host stays as it was.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::etcd::{Cluster, until};
use crate::host::{Host, NOW, flags, write};
use crate::inhibited::assert_soon;
use crate::online::Served;

/// A server that does the same to whoever asks.
struct Server {
    port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Paths that were asked for.
    asked: Mutex<Vec<String>>,
    /// Bytes of a flood that were sent.
    sent: AtomicU64,
    /// Whether who was kept waiting has its answer now.
    go: AtomicBool,
}

#[derive(Clone, Copy)]
enum Does {
    Says(&'static str, &'static str),
    /// Takes the question and says nothing, until it is told to; then that all is well.
    Keeps,
    /// Says less than it has announced, and keeps the line.
    Stalls,
    /// 1 GiB.
    Floods,
    /// Answers in time, and what it says keeps the turn asking: all is free, and somebody else was quicker.
    LiesSlowly,
}

impl Server {
    fn that(does: Does) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Seen>::default();
        let by_all = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let seen = Arc::clone(&by_all);
                thread::spawn(move || answer(stream.unwrap(), does, &seen));
            }
        });
        Server { port, seen }
    }

    fn asked(&self) -> Vec<String> {
        self.seen.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, does: Does, seen: &Seen) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length, mut path) = (String::new(), 0, None);
    while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
        if line.starts_with("POST ") {
            path = line.split(' ').nth(1).map(str::to_owned);
        }
        if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = number.trim().parse().unwrap();
        }
        line.clear();
    }
    let _ = reader.read_exact(&mut vec![0; length]);
    seen.asked.lock().unwrap().extend(path);
    let keep = || until("the test goes on", || seen.go.load(Ordering::SeqCst));
    match does {
        Does::Says(status, body) => {
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
        Does::Keeps => {
            keep();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{{\"header\":{{}}}}");
        }
        Does::Stalls => {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{{\"header\"");
            keep();
        }
        Does::LiesSlowly => {
            thread::sleep(std::time::Duration::from_millis(400));
            let body = match seen.asked.lock().unwrap().last().map(String::as_str) {
                Some("/v3/lease/grant") => r#"{"header":{},"ID":"7001","TTL":"60"}"#,
                Some("/v3/lease/keepalive") => r#"{"result":{"header":{},"ID":"7001","TTL":"60"}}"#,
                Some("/v3/kv/txn") => {
                    r#"{"header":{},"responses":[{"response_range":{"header":{},"count":"1","kvs":[{"key":"eA==","lease":"1"}]}}]}"#
                }
                _ => r#"{"header":{}}"#,
            };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
        Does::Floods => {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1 << 30);
            let flood = vec![b' '; 1 << 16];
            while stream.write_all(&flood).is_ok() {
                seen.sent.fetch_add(1 << 16, Ordering::SeqCst);
            }
        }
    }
}

const FULL: &str = r#"{"error":"etcdserver: mvcc: database space exceeded","message":"etcdserver: mvcc: database space exceeded","code":8}"#;
const NO_LEADER: &str = r#"{"error":"etcdserver: no leader","message":"etcdserver: no leader","code":14}"#;
const DENIED: &str = r#"{"error":"etcdserver: permission denied","message":"etcdserver: permission\u001b[2J denied","code":7}"#;

#[test]
fn whatever_etcd_does_is_one_clear_line_and_the_host_stays_as_it_was() {
    let cases = [
        (Does::Keeps, 20, "no answer within 1 s"),
        (Does::Stalls, 20, "no answer within 1 s"),
        (Does::Floods, 20, "expected an answer of at most 1048576 bytes, found more"),
        (Does::Says("200 OK", "<html>captive portal</html>"), 20, "the answer is no JSON"),
        (Does::Says("200 OK", "\u{0}\u{1}"), 20, "the answer is no JSON"),
        (Does::Says("200 OK", "{\"kvs\":[7]}"), 20, "the answer is none of etcd's"),
        (Does::Says("200 OK", "[]"), 20, "the answer is none of etcd's"),
        (Does::Says("404 Not Found", "404 page not found"), 20, "expected status 200, found 404"),
        (Does::Says("302 Found", "{}"), 20, "expected status 200, found 302"),
        (Does::Says("503 Service Unavailable", NO_LEADER), 20, "etcdserver: no leader"),
        (Does::Says("429 Too Many Requests", FULL), 20, "is full: etcdserver: mvcc: database space exceeded"),
        (Does::Says("403 Forbidden", DENIED), 2, "does not allow it: etcdserver: permission[2J denied"),
    ];
    for (does, code, expected) in cases {
        let server = Server::that(does);
        let host = Host::of_group("web", &[server.port], "timeout = \"1s\"\n");
        let before = host.bytes();
        let answer = host.json(&["auto", "--reboot"]);
        assert_eq!(answer["exit"], code, "{expected}: {answer}");
        let error = asked_again(&answer);
        let place = format!("http://127.0.0.1:{}", server.port);
        assert!(error.starts_with("failed to read the group from etcd: "), "{error}");
        assert!(error.contains(&place) && error.ends_with(expected), "{error}");
        assert_eq!(server.asked(), ["/v3/kv/range"]);
        assert!(server.seen.sent.load(Ordering::SeqCst) < 64 << 20, "it read on");
        assert!(!host.restarted() && !host.state().join("permit.json").exists(), "{expected}");
        assert_eq!(host.bytes(), before);
    }
    let host = Host::of_group("web", &[1], "");
    let said = host.updog(&["auto", "--reboot"]);
    let error = "error: failed to read the group from etcd: http://127.0.0.1:1: Connection refused (os error 111); \
                 the group is asked again from 2026-01-02T03:09:";
    assert!(said.code == 20 && said.stderr.contains(error), "{said:?}");
    assert!(said.stderr.ends_with("Z on\nhint: what is armed stays armed\n"), "{said:?}");
}

/// What an answer says before it says when the group is asked again: in words as in `data.until`.
fn asked_again(answer: &Value) -> &str {
    assert_soon(answer);
    assert_eq!(answer["reason"], "coordinated", "{answer}");
    let (said, at) =
        answer["message"].as_str().unwrap().rsplit_once("; the group is asked again from ").unwrap();
    let at: DateTime<Utc> = at.strip_suffix(" on").unwrap().parse().unwrap();
    let until: DateTime<Utc> = answer["data"]["until"].as_str().unwrap().parse().unwrap();
    assert_eq!(at.timestamp(), until.timestamp(), "{answer}");
    said
}

/// A certificate that is not there and an answer that comes too late are no other failures than those of the members.
#[test]
fn whatever_fails_is_asked_again_in_time_for_the_window() {
    let window = "\n[[windows]]\nstart = \"03:00\"\nend = \"03:06\"\n";
    for (more, code) in [("", 20), ("client_cert = \"/nonexistent\"\nclient_key = \"/nonexistent\"\n", 2)] {
        let host = Host::of_group("web", &[1], &format!("{more}{window}"));
        let answer = host.json(&["auto", "--reboot"]);
        let found = (&answer["exit"], &answer["reason"], &answer["data"]["until"]);
        assert_eq!(found, (&code.into(), &"coordinated".into(), &"2026-01-02T03:06:00Z".into()), "{answer}");
    }
}

/// The turn that arms it says so, though the group has not answered; and the repository, which has, is not asked in vain.
#[test]
fn what_a_turn_has_done_is_said_before_what_the_group_did_not() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let record = serde_json::json!({ "format": 1, "at": NOW, "exit": 20, "failures": 3, "next": NOW });
    write(served.host.state().join("checked.json"), record.to_string());
    served.host.program("systemctl", "exit 1");
    served.host.join("web", &[1], "");
    let answer = served.host.json(&["auto", "--reboot"]);
    let said = asked_again(&answer);
    assert!(said.contains("slot B armed: 1.1.0, 3 tries, boots next; failed to read the group"), "{said}");
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
    let text = fs::read_to_string(served.host.state().join("checked.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["failures"], 0, "{text}");
}

/// One that fails is passed over for one that works.
#[test]
fn the_next_member_is_asked() {
    let cluster = Cluster::start(1, &[]);
    let sick = Server::that(Does::Says("503 Service Unavailable", NO_LEADER));
    let host = Host::of_group("web", &[1, sick.port, cluster.ports()[0]], "");
    let said = host.updog(&["auto", "--reboot"]);
    assert!(said.code == 0 && host.restarted(), "{said:?}");
    assert!(!sick.asked().is_empty());
}

/// `confirm` ends while etcd still owes the answer. Who had waited for it would have given up by then, and never hear it.
#[test]
fn confirm_does_not_wait_for_etcd() {
    let cluster = Cluster::start(1, &[]);
    for verb in ["confirm", "health"] {
        let mut host = Host::of_group(verb, &cluster.ports(), "");
        assert_eq!(host.updog(&["auto", "--reboot"]).code, 0);
        host.boots();
        let silent = Server::that(Does::Keeps);
        host.join(verb, &[silent.port], "timeout = \"60s\"\n");
        host.settle_at_once();
        let said = host.updog(&[verb]);
        assert_eq!(said.code, 0, "{said:?}");
        until("etcd is asked", || silent.asked() == ["/v3/lease/revoke"]);
        assert!(host.state().join("permit.json").exists());
        silent.seen.go.store(true, Ordering::SeqCst);
        until("the answer is heard", || !host.state().join("permit.json").exists());
    }
}

/// Each answer comes in time, and there would be hundreds of them.
#[test]
fn an_etcd_that_lies_slowly_does_not_keep_a_turn() {
    let server = Server::that(Does::LiesSlowly);
    let host = Host::of_group("web", &[server.port], "timeout = \"1s\"\nslots = 100\n");
    let answer = host.json(&["auto", "--reboot"]);
    assert_eq!(answer["exit"], 20, "{answer}");
    let error = asked_again(&answer);
    assert!(error.contains("the 10 s for all questions together are over"), "{error}");
    assert!(server.asked().len() < 30, "{:?}", server.asked());
    assert!(!host.restarted());
}

/// A lease that is nobody's any more must not be taken for one that holds.
#[test]
fn a_permit_that_ended_before_the_restart_is_none() {
    let cluster = Cluster::start(1, &[]);
    let host = Host::of_group("web", &cluster.ports(), "");
    let dir = host.path("hooks.d").display().to_string();
    let plain = fs::read_to_string(host.config()).unwrap();
    write(host.config(), format!("{plain}[hooks]\ndir = {dir:?}\n"));
    // As if it took longer than max_hold.
    let updog = env!("CARGO_BIN_EXE_updog");
    let state = host.state().display().to_string();
    let config = host.config().display().to_string();
    let lease = "$(sed -n 's/.*\"lease\": \\([0-9]*\\).*/\\1/p' permit.json)";
    host.hook(
        "pre-reboot",
        "10-slow",
        &format!("cd {state} && {updog} --config {config} --state {state} return-permit {lease}"),
    );
    let said = host.json(&["auto", "--reboot"]);
    assert_eq!((&said["exit"], &said["reason"]), (&0.into(), &"coordinated".into()), "{said}");
    assert_eq!(
        said["message"],
        "the permit to restart has ended before the restart (reboot.max_hold = 1800s)"
    );
    assert!(!host.restarted());
}
