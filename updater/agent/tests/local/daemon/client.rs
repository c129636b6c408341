//! A daemon on a host in a folder, and a client of its socket.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::host::Host;

/// A daemon; killed when it goes.
pub(super) struct Daemon {
    pub(super) child: Child,
    pub(super) socket: PathBuf,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// One event of the stream.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// `RUN-NUMBER`.
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) data: Value,
}

/// Adds `[serve]` to the configuration of a host.
pub(super) fn configure(host: &Host, more: &str) -> PathBuf {
    let socket = host.path("run/api.sock");
    let plain = fs::read_to_string(host.config()).unwrap();
    let plain = plain.split("[serve]").next().unwrap().replace("jitter = \"0s\"\n", "");
    let section =
        format!("jitter = \"0s\"\n{plain}\n[serve]\nsocket = {:?}\n{more}\n", socket.display().to_string());
    fs::write(host.config(), section).unwrap();
    socket
}

impl Daemon {
    /// One that does nothing by itself in the time that a test takes.
    pub(super) fn start(host: &Host) -> Daemon {
        let socket = configure(host, "interval = \"30d\"");
        Daemon::on(host, socket)
    }

    /// One on a host that is configured already; returns when it listens.
    pub(super) fn on(host: &Host, socket: PathBuf) -> Daemon {
        let mut child = host.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listens = lines.by_ref().map(Result::unwrap).any(|line| line.starts_with("note: listening on "));
        assert!(listens, "the daemon ended: {:?}", child.wait());
        // It goes on telling; nobody reading it would not hold it up, but end its lines.
        thread::spawn(move || lines.for_each(drop));
        Daemon { child, socket }
    }

    /// One whose stderr the journal reads, as a unit has it.
    pub(super) fn as_a_unit(host: &Host) -> Daemon {
        let socket = configure(host, "interval = \"30d\"");
        let path = host.path("stderr");
        let stderr = fs::File::create(&path).unwrap();
        let stat = stderr.metadata().unwrap();
        let stream = format!("{}:{}", stat.dev(), stat.ino());
        let mut command = host.command(&["serve"]);
        let mut child = command.env("JOURNAL_STREAM", stream).stderr(stderr).spawn().unwrap();
        while !fs::read_to_string(&path).unwrap().contains("note: listening on ") {
            assert_eq!(child.try_wait().unwrap(), None, "the daemon ended");
            thread::sleep(Duration::from_millis(20));
        }
        Daemon { child, socket }
    }

    pub(super) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub(super) fn get(&self, path: &str) -> Reply {
        self.ask("GET", path)
    }

    pub(super) fn post(&self, path: &str) -> Reply {
        self.ask("POST", path)
    }

    pub(super) fn ask(&self, method: &str, path: &str) -> Reply {
        let mut stream = self.connect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: updog\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        Reply::read(stream)
    }

    /// The events from now on.
    pub(super) fn events(&self) -> Events {
        self.events_after(None)
    }

    pub(super) fn events_after(&self, id: Option<&str>) -> Events {
        let mut stream = self.connect();
        stream.set_read_timeout(None).unwrap();
        let again = id.map_or_else(String::new, |id| format!("last-event-id: {id}\r\n"));
        let request = format!("GET /v1/events HTTP/1.1\r\nhost: updog\r\n{again}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let (sender, receiver) = channel();
        thread::spawn(move || {
            let mut told = Told { id: None, name: String::new(), data: Value::Null };
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { return };
                match line.split_once(": ") {
                    Some(("id", value)) => told.id = Some(value.to_owned()),
                    Some(("event", value)) => value.clone_into(&mut told.name),
                    Some(("data", value)) => told.data = serde_json::from_str(value).unwrap(),
                    // An empty line ends an event.
                    None if line.is_empty() && !told.name.is_empty() => {
                        let next = Told { id: None, name: String::new(), data: Value::Null };
                        if sender.send(std::mem::replace(&mut told, next)).is_err() {
                            return;
                        }
                    }
                    _ => {}
                }
            }
        });
        let first = Events { receiver };
        assert_eq!(first.next().name, "status");
        first
    }

    /// Asks for something to be done and waits for its end.
    pub(super) fn done(&self, path: &str) -> Told {
        let events = self.events();
        let reply = self.post(path);
        assert_eq!(reply.status, 204, "{path}: {reply:?}");
        events.until("ended")
    }

    pub(super) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Memory and voluntary waits, as the kernel counts them.
    pub(super) fn figure(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Events as they come.
pub(super) struct Events {
    receiver: Receiver<Told>,
}

impl Events {
    pub(super) fn next(&self) -> Told {
        self.receiver.recv_timeout(PATIENCE).unwrap()
    }

    /// Those that came before this one are passed over.
    pub(super) fn until(&self, name: &str) -> Told {
        loop {
            let told = self.next();
            if told.name == name {
                return told;
            }
        }
    }
}

impl Told {
    /// The number of an event.
    pub(super) fn number(&self) -> Option<u64> {
        self.id.as_ref()?.split_once('-')?.1.parse().ok()
    }
}

impl Reply {
    pub(super) fn read(mut stream: impl Read) -> Reply {
        let mut bytes = Vec::new();
        // What it has sent counts, also when it hangs up on the rest of a request.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, body: serde_json::from_str(body).unwrap_or_default() }
    }
}

/// Waits for what comes soon, without a fixed time.
pub(super) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// On a machine with other work, too.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);
