//! Answers that cannot be written, and readers that went away.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::host::{Host, Said};

/// A limit of the shell stands for the full disk: the first byte is refused, as by a disk without room.
#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let host = Host::new();
    for (line, code) in [
        ("status", 40),
        ("--json status", 40),
        ("config show", 40),
        ("--json frobnicate", 40),
        ("--help", 40),
        ("--version", 40),
        ("--json --help", 40),
        // Bottlerocket's names know no other code.
        ("update --help", 1),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let inner = host.command(&words);
        let mut run = Command::new("sh");
        run.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
            .arg(inner.get_program())
            .args(inner.get_args());
        let said: Said = run.stdout(File::create(host.path("said")).unwrap()).output().unwrap().into();
        assert_eq!(said.code, code, "{line}: {said:?}");
        let told = said.stderr.matches("error: failed to write standard output: ").count();
        assert_eq!(told, 1, "{line}: {said:?}");
    }
}

/// A reader that went away has what it wanted; and a failure is one where nobody hears why.
#[test]
fn nobody_who_reads_is_no_failure() {
    let host = Host::new();
    let closed = || std::io::pipe().unwrap().1;
    for (words, code) in [(&["status"][..], 0), (&["--help"], 0), (&["cancel"], 10), (&["frobnicate"], 2)] {
        let said: Said = host.command(words).stdout(closed()).stderr(Stdio::piped()).output().unwrap().into();
        assert_eq!((said.code, said.stderr.is_empty()), (code, code != 2), "{said:?}");
        let status = host.command(words).stdout(closed()).stderr(closed()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{words:?}");
    }
}
