//! The description, and an independent reader of it.

use std::fs;
use std::io::{Write as _, copy};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use super::client::Daemon;
use crate::online::Served;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api.json");

#[test]
fn the_description_is_the_one_that_is_checked_in() {
    let now = updog::serve::openapi();
    if std::env::var_os("UPDOG_BLESS").is_some() {
        fs::write(FILE, &now).unwrap();
    }
    assert!(fs::read_to_string(FILE).unwrap() == now, "docs/api.json differs: UPDOG_BLESS=1 writes it anew");
}

/// schemathesis makes requests from the description and compares the answers with it.
#[test]
fn schemathesis_finds_no_answer_that_is_not_described() {
    let program =
        std::env::var_os("UPDOG_SCHEMATHESIS").expect("UPDOG_SCHEMATHESIS: cargo xtask test sets it");
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    served.host.program("systemctl", "true");
    let daemon = Daemon::start(&served.host);
    let port = forward(daemon.socket.clone());
    let mut command = Command::new(program);
    command.args(["run", FILE, "--url", &format!("http://127.0.0.1:{port}")]);
    // Which of them are refused depends on what is done just then.
    let expected =
        "[checks]\npositive_data_acceptance.expected-statuses = [\"2xx\", \"404\", \"409\", \"423\"]\n";
    fs::write(served.host.path("schemathesis.toml"), expected).unwrap();
    // The stream of events has no end to wait for.
    command.args(["--exclude-path", "/v1/events", "--max-examples", "20", "--seed", "1", "--no-color"]);
    let output = command.current_dir(served.host.folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    std::io::stdout().write_all(&output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // It did ask, and for all of it but the stream.
    let asked = said.lines().find(|line| line.contains("Selected")).unwrap_or_default();
    assert!(asked.contains("11"), "{said}");
    assert_eq!(daemon.get("/v1/status").status, 200);
}

/// A TCP port in front of the socket, for a reader that knows no Unix sockets.
fn forward(socket: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(stream), Ok(inner)) = (stream, connect(&socket)) else { return };
            let back = (inner.try_clone().unwrap(), stream.try_clone().unwrap());
            thread::spawn(move || {
                let _ = copy(&mut &stream, &mut &inner);
                let _ = inner.shutdown(std::net::Shutdown::Write);
            });
            thread::spawn(move || {
                let _ = copy(&mut &back.0, &mut &back.1);
                let _ = back.1.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    port
}

fn connect(socket: &Path) -> std::io::Result<UnixStream> {
    UnixStream::connect(socket)
}
