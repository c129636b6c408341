//! systemd's own journal: what it makes of our entries, and what `journalctl` says of them.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::etcd::until;
use crate::host::Host;
use crate::online::Served;

/// A journald of its own, with the folder `run` of a host's running system as its `/run`. It ends with us: below a shell that ends
/// it when its stdin does, in whatever way this test comes to its end.
struct Journald {
    child: Child,
    files: PathBuf,
}

impl Journald {
    /// With mounts of its own, which take root, or a user of whom the kernel makes one there; returns when it listens.
    fn at(host: &Host) -> Journald {
        let run = host.sysroot().join("run");
        fs::create_dir_all(run.join("systemd")).unwrap();
        // Where that of a namespace listens; it reads no messages of the kernel.
        symlink("journal.updog", run.join("systemd/journal")).unwrap();
        let (log, said) = (host.path("log"), host.path("journald.log"));
        fs::create_dir_all(&log).unwrap();
        let mut command = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "sh", "-c", ALONE, "sh"]).args([&run, &log]);
        let stderr = File::create(&said).unwrap();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
        until("journald listens", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "journald ended: {}", fs::read_to_string(&said).unwrap());
            run.join("systemd/journal/socket").exists()
        });
        Journald { child, files: log.join("journal") }
    }

    /// What it keeps of updog, oldest first, once there are so many.
    fn entries(&self, count: usize) -> Vec<Value> {
        let mut entries = Vec::new();
        until("the journal has them", || {
            let mut command = Command::new("journalctl");
            command.args(["--quiet", "--no-pager", "--output=json"]);
            // That of a namespace is below a folder of its own.
            for folder in fs::read_dir(&self.files).into_iter().flatten() {
                command.arg("--directory").arg(folder.unwrap().path());
            }
            let output = command.arg("SYSLOG_IDENTIFIER=updog").output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            entries = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            entries.len() >= count
        });
        entries
    }
}

impl Drop for Journald {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// One of a namespace keeps its journal where journals stay.
const ALONE: &str = "mount --bind \"$1\" /run && mount --bind \"$2\" /var/log || exit 1
/lib/systemd/systemd-journald updog < /dev/null & read _; kill -9 $!";

/// With the journal reading stderr, as a unit has it.
fn as_a_unit(host: &Host, arguments: &[&str]) -> i32 {
    let stderr = File::create(host.path("stderr")).unwrap();
    let stat = stderr.metadata().unwrap();
    let mut command = host.command(arguments);
    command.env("JOURNAL_STREAM", format!("{}:{}", stat.dev(), stat.ino()));
    command.stdout(Stdio::null()).stderr(stderr).status().unwrap().code().unwrap()
}

/// All that is ours of an entry, in the order of names; what journald adds begins with `_`.
fn ours(entry: &Value) -> Vec<(&str, &str)> {
    let fields = entry.as_object().unwrap().iter();
    let own = fields.filter(|(name, _)| !name.starts_with('_'));
    let mut own: Vec<_> = own.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    own.sort_unstable();
    own
}

#[test]
fn what_journald_keeps_is_what_the_document_says() {
    let mut served = Served::new();
    let journald = Journald::at(&served.host);
    served.publish("1.1.0", |_| ());
    assert_eq!(as_a_unit(&served.host, &["auto"]), 0);
    let entries = journald.entries(3);
    assert_eq!(entries.len(), 3, "{entries:?}");
    let of_line = |message, id| {
        vec![
            ("MESSAGE", message),
            ("MESSAGE_ID", id),
            ("PRIORITY", "5"),
            ("SYSLOG_IDENTIFIER", "updog"),
            ("UPDOG_SLOT", "B"),
            ("UPDOG_VERB", "auto"),
            ("UPDOG_VERSION", "1.1.0"),
        ]
    };
    let staged = of_line("staged: 1.1.0 in slot B", "aef0dd60ff0a4a5799b5a7273283dd0a");
    let armed = of_line("armed: 1.1.0 in slot B", "3370c721172249e9a248a900fa68f7ae");
    assert_eq!((ours(&entries[0]), ours(&entries[1])), (staged, armed));
    // A message of several lines goes by its length.
    let message = entries[2]["MESSAGE"].as_str().unwrap();
    assert!(
        message.lines().count() == 3 && message.ends_with("slot B armed: 1.1.0, 3 tries, boots next"),
        "{message}"
    );
    assert_eq!(
        ours(&entries[2])[1..],
        [
            ("MESSAGE_ID", "029cc94b70a34fd6ba84cf7b6a75e3d8"),
            ("PRIORITY", "6"),
            ("SYSLOG_IDENTIFIER", "updog"),
            ("UPDOG_EXIT", "0"),
            ("UPDOG_SLOT", "B"),
            ("UPDOG_VERB", "auto"),
            ("UPDOG_VERSION", "1.1.0"),
        ]
    );
    // Left with tries to spare, and refused: a cause, and a rule's word.
    for _ in 0..4 {
        served.host.restart();
    }
    assert_eq!(as_a_unit(&served.host, &["confirm"]), 0);
    assert_eq!(as_a_unit(&served.host, &["check"]), 10);
    let entries = journald.entries(5);
    let word = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let shown =
        |entry| ["MESSAGE_ID", "PRIORITY", "UPDOG_REASON", "UPDOG_EXIT"].map(|name| word(entry, name));
    assert_eq!(shown(&entries[3]), ["ce51b020b0404240be040d430898ca43", "4", "unknown", ""]);
    assert_eq!(shown(&entries[4]), ["029cc94b70a34fd6ba84cf7b6a75e3d8", "6", "failed_before", "10"]);
}
