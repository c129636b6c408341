//! Reports: what a collector gets, when, and what happens when it is not there.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::host::{Host, NOW, write};
use crate::online::Served;

/// How the collector answers the next requests.
#[derive(Clone, Copy, Debug)]
enum Answers {
    /// With this status.
    Status(u16),
    /// Elsewhere.
    Redirect,
    /// Not at all: the connection ends.
    Cut,
    /// Not at all: the connection stays.
    Silence,
}

struct Collector {
    url: String,
    answers: Arc<Mutex<Answers>>,
    heard: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Collector {
    fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/reports", listener.local_addr().unwrap());
        let answers = Arc::new(Mutex::new(Answers::Status(204)));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let shared = (Arc::clone(&answers), Arc::clone(&heard));
        thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let request = hear(&stream);
                shared.1.lock().unwrap().push(request);
                let answers = *shared.0.lock().unwrap();
                let text = match answers {
                    Answers::Status(status) => {
                        format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    }
                    Answers::Redirect => {
                        "HTTP/1.1 302 X\r\nLocation: /other\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                            .to_owned()
                    }
                    Answers::Cut => continue,
                    Answers::Silence => {
                        kept.push(stream);
                        continue;
                    }
                };
                let _ = (&stream).write_all(text.as_bytes());
            }
        });
        Collector { url, answers, heard }
    }

    fn answers(&self, answers: Answers) {
        *self.answers.lock().unwrap() = answers;
    }

    /// What came since the last time: head and body.
    fn heard(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }

    fn events(&self) -> Vec<String> {
        self.heard().iter().map(|(_, body)| body["event"].as_str().unwrap().to_owned()).collect()
    }
}

fn hear(stream: &TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, serde_json::from_slice(&body).unwrap())
}

fn told(host: &Host, url: &str) {
    let plain = fs::read_to_string(host.config()).unwrap();
    write(host.config(), format!("{plain}\n[report]\nurl = \"{url}\"\nid = \"rack-7\"\ntimeout = 1\n"));
}

fn waiting(host: &Host) -> usize {
    let bytes = fs::read(host.state().join("reports.json")).unwrap();
    serde_json::from_slice::<Value>(&bytes).unwrap()["queue"].as_array().unwrap().len()
}

#[test]
fn what_became_of_an_update_is_told_once() {
    let collector = Collector::start();
    let mut served = Served::new();
    told(&served.host, &collector.url);
    let release = served.publish("1.1.0", |_| ());
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    let heard = collector.heard();
    assert_eq!(heard.len(), 1);
    let (request, body) = &heard[0];
    let expected = json!({
        "format": 1, "id": "rack-7", "event": "staged", "at": NOW, "slot": "B", "version": "1.1.0",
        "release": release.to_string(), "cause": null, "updog": env!("CARGO_PKG_VERSION"),
        "host": { "variant": "tiny", "arch": std::env::consts::ARCH, "version": "1.0.0" },
    });
    assert_eq!(*body, expected);
    assert!(request.starts_with("POST /reports HTTP/1.1\r\n"), "{request}");
    assert!(request.to_ascii_lowercase().contains("content-type: application/json\r\n"), "{request}");
    // Nothing of where updates come from, and nothing there of who asks.
    assert!(
        !format!("{request}{body}").contains(served.server.url().trim_start_matches("http://")),
        "{request}{body}"
    );
    assert!(served.server.log().iter().all(|asked| !asked.target.contains('?') && asked.method == "GET"));
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    assert_eq!(collector.events(), Vec::<String>::new());
    for _ in 0..4 {
        served.host.restart();
    }
    // Local verbs find it out and tell nobody.
    for verb in ["report", "confirm", "status", "history", "check", "stage"] {
        served.host.updog(&[verb]);
        assert_eq!(collector.events(), Vec::<String>::new(), "{verb}");
    }
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    assert_eq!(collector.events(), ["rolled_back"]);
}

#[test]
fn a_collector_that_cannot_be_reached_is_told_later() {
    let collector = Collector::start();
    let mut served = Served::new();
    told(&served.host, &collector.url);
    served.publish("1.1.0", |_| ());
    collector.answers(Answers::Cut);
    let said = served.host.updog(&["auto"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.ends_with("slot B armed: 1.1.0, 3 tries, boots next\n"), "{said:?}");
    assert!(
        said.stderr.contains("note: a report waits for the next turn: failed to deliver a report"),
        "{said:?}"
    );
    for answers in
        [Answers::Silence, Answers::Status(503), Answers::Status(429), Answers::Status(408), Answers::Cut]
    {
        collector.answers(answers);
        assert_eq!(served.host.updog(&["auto"]).code, 0, "{answers:?}");
        assert_eq!(waiting(&served.host), 1, "{answers:?}");
    }
    assert_eq!(collector.events().len(), 6);
    // Nobody at all: port 1.
    let config = fs::read_to_string(served.host.config()).unwrap();
    write(served.host.config(), config.replace(&collector.url, "http://127.0.0.1:1/"));
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    write(served.host.config(), config);
    collector.answers(Answers::Status(200));
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    assert_eq!((collector.events(), waiting(&served.host)), (vec!["staged".to_owned()], 0));
}

/// It would say the same to the same report for ever.
#[test]
fn a_collector_that_does_not_want_it_is_not_asked_again() {
    for answers in [Answers::Status(400), Answers::Status(404), Answers::Redirect] {
        let collector = Collector::start();
        let mut served = Served::new();
        told(&served.host, &collector.url);
        served.publish("1.1.0", |_| ());
        collector.answers(answers);
        let said = served.host.updog(&["auto"]);
        assert!(said.code == 0 && said.stderr.contains("is not wanted: the collector answers "), "{said:?}");
        assert_eq!(collector.events(), ["staged"], "{answers:?}: nobody else is told");
        assert_eq!(waiting(&served.host), 0);
    }
}

#[test]
fn what_no_restart_tried_is_told_once() {
    let collector = Collector::start();
    let mut host = Host::new();
    told(&host, &collector.url);
    host.arm("1.1.0");
    host.boot += 1;
    for _ in 0..3 {
        assert_eq!(host.updog(&["auto"]).code, 12);
    }
    let heard = collector.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!((&heard[0].1["event"], &heard[0].1["version"]), (&json!("never_tried"), &json!("1.1.0")));
}

#[test]
fn nobody_is_told_unless_it_is_asked_for() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    assert_eq!(served.host.updog(&["auto"]).code, 0);
    assert!(!served.host.state().join("reports.json").exists());
    let plain = fs::read_to_string(served.host.config()).unwrap();
    for (wrong, expected) in [
        ("url = \"ftp://x/\"", "expected http or https, found \"ftp\""),
        ("url = \"http://x/\"\nid = \"a\\nb\"", "expected 1 to 256 bytes on one line"),
        ("timeout = 0", "expected 1s to 60s, found 0s"),
        ("timeout = \"61s\"", "expected 1s to 60s, found 61s"),
    ] {
        write(served.host.config(), format!("{plain}\n[report]\n{wrong}\n"));
        let said = served.host.updog(&["auto"]);
        assert!(said.code == 2 && said.stderr.contains(expected), "{said:?}");
    }
}

/// Any bytes in place of the record: the turn ends as ever.
#[test]
fn a_record_of_any_bytes_is_begun_anew() {
    let collector = Collector::start();
    for bytes in [&b""[..], b"\xff", b"[]", b"{\"format\":1,\"queue\":7}"] {
        let mut served = Served::new();
        told(&served.host, &collector.url);
        served.publish("1.1.0", |_| ());
        write(served.host.state().join("reports.json"), bytes);
        assert_eq!(served.host.updog(&["auto"]).code, 0, "{bytes:?}");
        assert_eq!(collector.events(), ["staged"], "{bytes:?}");
    }
    // Silence is not waited for longer than was said.
    collector.answers(Answers::Silence);
    let mut served = Served::new();
    told(&served.host, &collector.url);
    served.publish("1.1.0", |_| ());
    let (sender, ended) = std::sync::mpsc::channel();
    thread::spawn(move || sender.send(served.host.updog(&["auto"]).code));
    assert_eq!(ended.recv_timeout(Duration::from_mins(1)), Ok(0));
}
