//! The journal's side: a real datagram socket below the running system's folder.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use crate::host::Host;
use crate::online::{Served, waves};

pub(crate) struct Journal(UnixDatagram);

impl Journal {
    pub(crate) fn at(host: &Host) -> Journal {
        host.system("run/systemd/journal/.keep", "");
        let socket = UnixDatagram::bind(host.sysroot().join("run/systemd/journal/socket")).unwrap();
        socket.set_nonblocking(true).unwrap();
        Journal(socket)
    }

    /// What has come, a list of fields for each entry.
    pub(crate) fn entries(&self) -> Vec<Vec<(String, String)>> {
        let mut bytes = vec![0; 1 << 16];
        let mut entries = Vec::new();
        while let Ok(length) = self.0.recv(&mut bytes) {
            entries.push(fields(&bytes[..length]));
        }
        entries
    }
}

fn fields(mut bytes: &[u8]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        if let Some(equals) = bytes[..end].iter().position(|byte| *byte == b'=') {
            fields.push((text(&bytes[..equals]), text(&bytes[equals + 1..end])));
            bytes = &bytes[end + 1..];
        } else {
            let (length, rest) = bytes[end + 1..].split_first_chunk::<8>().unwrap();
            let length = usize::try_from(u64::from_le_bytes(*length)).unwrap();
            fields.push((text(&bytes[..end]), text(&rest[..length])));
            bytes = &rest[length + 1..];
        }
    }
    fields
}

pub(crate) fn of(entry: &[(String, String)], name: &str) -> String {
    entry.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// With the journal reading stderr, as a unit has it.
fn as_a_unit(host: &Host, arguments: &[&str]) -> i32 {
    let stderr = File::create(host.path("stderr")).unwrap();
    let stat = stderr.metadata().unwrap();
    let mut command = host.command(arguments);
    command.env("JOURNAL_STREAM", format!("{}:{}", stat.dev(), stat.ino()));
    command.stdout(Stdio::null()).stderr(stderr).status().unwrap().code().unwrap()
}

fn shown(entries: &[Vec<(String, String)>]) -> Vec<String> {
    let words = |entry: &Vec<_>| {
        ["MESSAGE_ID", "PRIORITY", "UPDOG_VERB", "MESSAGE"].map(|name| of(entry, name)).join(" ")
    };
    entries.iter().map(words).collect()
}

#[test]
fn what_happened_is_told_by_kind() {
    let mut served = Served::new();
    let journal = Journal::at(&served.host);
    served.publish("1.1.0", |_| ());
    assert_eq!(as_a_unit(&served.host, &["auto"]), 0);
    let entries = journal.entries();
    assert_eq!(
        shown(&entries[..entries.len() - 1]),
        [
            "aef0dd60ff0a4a5799b5a7273283dd0a 5 auto staged: 1.1.0 in slot B",
            "3370c721172249e9a248a900fa68f7ae 5 auto armed: 1.1.0 in slot B",
        ]
    );
    let last = entries.last().unwrap();
    assert_eq!(of(last, "MESSAGE_ID"), "029cc94b70a34fd6ba84cf7b6a75e3d8");
    // Two lines in one field.
    assert_eq!(of(last, "MESSAGE").lines().count(), 3, "{last:?}");
    assert_eq!((of(last, "UPDOG_SLOT"), of(last, "UPDOG_VERSION")), ("B".to_owned(), "1.1.0".to_owned()));
    assert_eq!((of(last, "UPDOG_EXIT"), of(last, "SYSLOG_IDENTIFIER")), ("0".to_owned(), "updog".to_owned()));
    for _ in 0..4 {
        served.host.restart();
    }
    assert_eq!(as_a_unit(&served.host, &["confirm"]), 0);
    let entries = journal.entries();
    assert_eq!(entries.len(), 1);
    assert_eq!(of(&entries[0], "MESSAGE_ID"), "ce51b020b0404240be040d430898ca43");
    assert_eq!(of(&entries[0], "PRIORITY"), "4");
}

#[test]
fn refusals_failures_hooks_and_health_have_kinds() {
    let mut served = Served::new();
    let journal = Journal::at(&served.host);
    let one = |served: &Served, arguments: &[&str], code: i32| {
        assert_eq!(as_a_unit(&served.host, arguments), code, "{arguments:?}");
        let entry = journal.entries().pop().unwrap_or_default();
        (of(&entry, "MESSAGE_ID"), of(&entry, "UPDOG_REASON"), of(&entry, "UPDOG_EXIT"))
    };
    let expect = |id: &str, reason: &str, exit: &str| (id.to_owned(), reason.to_owned(), exit.to_owned());
    served.publish("1.1.0", waves);
    assert_eq!(one(&served, &["check"], 11), expect("029cc94b70a34fd6ba84cf7b6a75e3d8", "wave", "11"));
    assert_eq!(one(&served, &["apply"], 11), expect("62080765e0434475b586f9688269b06f", "wave", "11"));
    assert_eq!(one(&served, &["rollback"], 50), expect("62080765e0434475b586f9688269b06f", "", "50"));
    assert_eq!(one(&served, &["confirm"], 0), expect("", "", ""));
    let config = fs::read_to_string(served.host.config()).unwrap();
    let hooks = format!("[hooks]\ndir = {:?}\n", served.host.path("hooks.d").display().to_string());
    fs::write(served.host.config(), format!("{config}\n{hooks}")).unwrap();
    served.host.hook("pre-stage", "10-no", "exit 1");
    let hook = one(&served, &["apply", "--ignore-waves"], 50);
    assert_eq!(hook, expect("b94f3b0afa08404f895e551d68688d23", "hook", "50"));
    fs::write(served.host.config(), config).unwrap();
    served.host.settle_at_once();
    assert_eq!(one(&served, &["health"], 0), expect("908e0ba5763a4666874f74a47561ffca", "", "0"));
    served.host.check("10-net", "exit 1");
    assert_eq!(
        one(&served, &["health"], 12),
        expect("0838ee30373d4fb2964b0e0e711de47e", "health:10-net", "")
    );
    served.repository.roles.clear();
    fs::remove_dir_all(served.host.path("served")).unwrap();
    let failed = one(&served, &["check"], 20);
    assert_eq!(
        (failed.0.as_str(), failed.2.as_str()),
        ("124b0762dd1447c483cab75b58048d0a", "20"),
        "{failed:?}"
    );
}

#[test]
fn only_a_stderr_that_the_journal_reads_counts_and_nobody_waits_for_it() {
    let host = Host::new();
    let journal = Journal::at(&host);
    for stream in [None, Some(""), Some("1:2"), Some("x"), Some(":"), Some("18446744073709551616:1")] {
        let mut command = host.command(&["cancel"]);
        command.env_remove("JOURNAL_STREAM");
        if let Some(stream) = stream {
            command.env("JOURNAL_STREAM", stream);
        }
        assert_eq!(command.output().unwrap().status.code(), Some(10));
        assert_eq!(journal.entries(), Vec::<Vec<_>>::new(), "{stream:?}");
    }
    // A journal that reads nothing: its queue is full after a few, and the runs end all the same.
    for _ in 0..30 {
        assert_eq!(as_a_unit(&host, &["cancel"]), 10);
    }
    assert!(!journal.entries().is_empty());
    // A socket that nobody has, and none.
    drop(journal);
    assert_eq!(as_a_unit(&host, &["cancel"]), 10);
    fs::remove_file(host.sysroot().join("run/systemd/journal/socket")).unwrap();
    assert_eq!(as_a_unit(&host, &["cancel"]), 10);
}
