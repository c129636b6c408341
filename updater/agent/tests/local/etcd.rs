//! etcd as Debian packages it, on free ports of this machine.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::host::{Host, write};

/// A cluster; it ends with us.
pub(crate) struct Cluster {
    members: Vec<Member>,
    _folder: TempDir,
}

/// One member, below a shell that ends it when its stdin does, in whatever way this test comes to its end.
struct Member {
    child: Child,
    port: u16,
}

impl Cluster {
    /// Members that have elected a leader.
    pub(crate) fn start(count: usize, more: &[&str]) -> Cluster {
        let cluster = Cluster::begin(count, "http", more);
        let leader = || {
            cluster.ports().into_iter().any(|port| post(port, "kv/range", &json!({ "key": "YQ==" })).0 == 200)
        };
        until("a leader is elected", leader);
        cluster
    }

    /// Members that may not listen yet.
    pub(crate) fn begin(count: usize, scheme: &str, more: &[&str]) -> Cluster {
        let folder = tempfile::tempdir().unwrap();
        let ports: Vec<(u16, u16)> = (0..count).map(|_| (free(), free())).collect();
        let peer = |(number, (_, port)): (usize, &(u16, u16))| format!("m{number}=http://127.0.0.1:{port}");
        let peers = ports.iter().enumerate().map(peer).collect::<Vec<_>>().join(",");
        let start = |(number, (client, peer)): (usize, &(u16, u16))| {
            let own = format!("{scheme}://127.0.0.1:{client}");
            let among = format!("http://127.0.0.1:{peer}");
            let data = folder.path().join(number.to_string()).display().to_string();
            let mut command = Command::new("sh");
            command.args(["-c", "\"$@\" < /dev/null & read _; kill -9 $!", "sh"]).arg(program());
            command.args(["--name", &format!("m{number}"), "--data-dir", &data]);
            command.args(["--listen-client-urls", &own, "--advertise-client-urls", &own]);
            command.args(["--listen-peer-urls", &among, "--initial-advertise-peer-urls", &among]);
            // Slower than usual: a busy machine is not to look like one that has failed.
            command.args(["--heartbeat-interval", "200", "--election-timeout", "2000"]);
            command.args(["--initial-cluster", &peers]).args(more);
            let log = fs::File::create(folder.path().join(format!("{number}.log"))).unwrap();
            let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
            Member { child, port: *client }
        };
        let members = ports.iter().enumerate().map(start).collect();
        Cluster { members, _folder: folder }
    }

    pub(crate) fn ports(&self) -> Vec<u16> {
        self.members.iter().map(|member| member.port).collect()
    }

    /// Keys of a group that are taken, with who has them.
    pub(crate) fn holders(&self, group: &str) -> Vec<(String, Value)> {
        let prefix = format!("/updog/reboot/{group}/slot/");
        let mut end = prefix.clone().into_bytes();
        *end.last_mut().unwrap() += 1;
        let range = json!({ "key": base64(prefix.as_bytes()), "range_end": base64(&end) });
        let answer = self.ask("kv/range", &range);
        let list = answer["kvs"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| String::from_utf8(unbase64(value.as_str().unwrap())).unwrap();
        let holder = |entry: &Value| {
            let key = text(&entry["key"]).strip_prefix(&prefix).unwrap().to_owned();
            (key, serde_json::from_str(&text(&entry["value"])).unwrap())
        };
        list.iter().map(holder).collect()
    }

    /// Asks the first member that answers.
    pub(crate) fn ask(&self, path: &str, body: &Value) -> Value {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            for port in self.ports() {
                if let (200, answer) = post(port, path, body) {
                    return answer;
                }
            }
            thread::sleep(POLL);
        }
        panic!("no member has answered {path}");
    }

    /// Ends the member that leads, as a machine that loses its power.
    pub(crate) fn kill_leader(&mut self) {
        let status = self.ask("maintenance/status", &json!({}));
        let leads = |port: u16| {
            let (_, own) = post(port, "maintenance/status", &json!({}));
            own["header"]["member_id"] == status["leader"]
        };
        let number = self.members.iter().position(|member| leads(member.port)).expect("nobody leads");
        drop(self.members.remove(number));
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl Host {
    /// Armed with 1.1.0, a restart that leaves a trace, and a group to ask at these ports.
    pub(crate) fn of_group(group: &str, ports: &[u16], more: &str) -> Host {
        let host = Host::new();
        host.arm_by_itself("1.1.0");
        host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
        host.join(group, ports, more);
        host
    }

    pub(crate) fn join(&self, group: &str, ports: &[u16], more: &str) {
        let config = fs::read_to_string(self.config()).unwrap();
        let config = config.split("[reboot]").next().unwrap().replace("retries = 0\n", "");
        let endpoints: Vec<String> = ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect();
        // Nobody is asked for releases here.
        let reboot = format!(
            "retries = 0\n{config}[reboot]\nstrategy = \"etcd\"\nendpoints = {endpoints:?}\ngroup = {group:?}\n{more}"
        );
        write(self.config(), reboot);
    }

    pub(crate) fn restarted(&self) -> bool {
        self.path("restarted").exists()
    }

    /// What the machine does once it was told to restart.
    pub(crate) fn boots(&mut self) {
        fs::remove_file(self.path("restarted")).unwrap();
        self.restart();
        self.os_release("1.1.0");
    }
}

/// Waits for what has to come; it only takes longer on a busy machine.
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        thread::sleep(POLL);
    }
}

/// One question, as any client asks it. Status 0: nobody has answered.
pub(crate) fn post(port: u16, path: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let head =
            format!("POST /v3/{path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = ask().unwrap_or_default();
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join("etcd")).find(|file| Path::is_file(file));
    found.expect("etcd is missing: run `cargo xtask setup test`")
}

fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}

fn unbase64(text: &str) -> Vec<u8> {
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap()
}

const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(50);
