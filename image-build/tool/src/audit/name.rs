//! What a file's name, bits and first bytes give away.

use super::Check;
use super::walk::{Kind, Node};

/// The rules that a file breaks without being opened further.
pub(super) fn problems(node: &Node) -> Vec<(Check, String)> {
    let mut problems = Vec::new();
    if node.start.starts_with(b"#!") {
        problems.push((Check::Script, "starts with #!".to_owned()));
    }
    if node.kind == Kind::Special {
        problems.push((Check::Special, "is a device, a pipe or a socket".to_owned()));
    }
    if node.kind == Kind::File && node.mode & 0o6000 != 0 {
        problems.push((Check::SetId, format!("has mode {:04o}", node.mode)));
    }
    if node.kind != Kind::Link && node.mode & 0o1002 == 0o002 {
        problems.push((Check::Writable, format!("has mode {:04o}", node.mode)));
    }
    problems.extend(named(node).map(|check| (check, format!("is called {}", node.name()))));
    problems
}

fn named(node: &Node) -> Option<Check> {
    let name = node.name();
    if node.kind == Kind::Folder {
        return FOLDERS.contains(&&*node.path).then_some(Check::PackageManager);
    }
    // A text about a shell is none; a link to one is as good as one.
    let runs = node.is_elf() || node.kind == Kind::Link || node.mode & 0o111 != 0;
    let rule =
        |(check, names): &(Check, &[&str])| names.iter().any(|rule| fits(rule, name)).then_some(*check);
    if runs { NAMES.iter().find_map(rule) } else { None }
}

/// `python*` is whatever starts with python.
fn fits(rule: &str, name: &str) -> bool {
    rule.strip_suffix('*').map_or(rule == name, |start| name.starts_with(start))
}

const NAMES: &[(Check, &[&str])] = &[
    (
        Check::Interpreter,
        &[
            "sh",
            "ash",
            "bash",
            "rbash",
            "dash",
            "ksh",
            "ksh93",
            "mksh",
            "zsh",
            "csh",
            "tcsh",
            "fish",
            "yash",
            "busybox",
            "toybox",
            "perl*",
            "python*",
            "pypy*",
            "lua*",
            "awk",
            "gawk",
            "mawk",
            "nawk",
            "original-awk",
            "ruby*",
            "tclsh*",
            "php*",
            "node",
            "nodejs",
            "guile*",
            "expect",
        ],
    ),
    (
        Check::PackageManager,
        &[
            "dpkg",
            "dpkg-deb",
            "dpkg-query",
            "dpkg-split",
            "dpkg-trigger",
            "dpkg-divert",
            "apt",
            "apt-get",
            "apt-cache",
            "apt-key",
            "apt-config",
            "apt-mark",
            "aptitude",
            "rpm",
            "dnf",
            "yum",
            "apk",
            "opkg",
            "pip",
            "pip3",
        ],
    ),
    (Check::Ssh, &["ssh", "sshd", "sshd-session", "sshd-auth", "ssh-keysign", "dropbear", "dbclient"]),
];

const FOLDERS: &[&str] = &[
    "etc/apt",
    "etc/dpkg",
    "usr/lib/apt",
    "usr/lib/dpkg",
    "usr/share/dpkg",
    "usr/share/factory/etc/apt",
    "usr/share/factory/etc/dpkg",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/cache/apt",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn node(path: &str, kind: Kind, mode: u32, start: &[u8]) -> Node {
        Node { path: path.to_owned(), kind, mode, start: start.to_owned() }
    }

    fn checks(node: &Node) -> Vec<Check> {
        problems(node).into_iter().map(|(check, _)| check).collect()
    }

    #[test]
    fn what_is_refused_by_its_name() {
        for name in [
            "sh",
            "bash",
            "dash",
            "busybox",
            "perl",
            "perl5.40",
            "python3",
            "python3.13",
            "lua5.4",
            "gawk",
            "mawk",
        ] {
            let found = checks(&node(&format!("opt/x/{name}"), Kind::File, 0o644, b"\x7fELF"));
            assert_eq!(found, [Check::Interpreter], "{name}");
        }
        assert_eq!(checks(&node("usr/bin/sh", Kind::Link, 0o777, b"")), [Check::Interpreter]);
        assert_eq!(checks(&node("usr/bin/dpkg", Kind::File, 0o755, b"")), [Check::PackageManager]);
        assert_eq!(checks(&node("usr/sbin/sshd", Kind::File, 0o755, b"\x7fELF")), [Check::Ssh]);
        assert_eq!(checks(&node("var/lib/dpkg", Kind::Folder, 0o755, b"")), [Check::PackageManager]);
    }

    #[test]
    fn what_is_refused_by_its_bits_and_bytes() {
        assert_eq!(checks(&node("usr/share/x", Kind::File, 0o644, b"#!/b")), [Check::Script]);
        assert_eq!(checks(&node("usr/bin/su", Kind::File, 0o4755, b"\x7fELF")), [Check::SetId]);
        assert_eq!(checks(&node("usr/bin/wall", Kind::File, 0o2755, b"\x7fELF")), [Check::SetId]);
        assert_eq!(checks(&node("srv", Kind::Folder, 0o777, b"")), [Check::Writable]);
        assert_eq!(checks(&node("dev/x", Kind::Special, 0o600, b"")), [Check::Special]);
    }

    #[test]
    fn what_only_looks_like_it() {
        for good in [
            node("usr/share/completions/apt", Kind::File, 0o644, b"# co"),
            node("usr/lib/liblua5.4.so.0", Kind::File, 0o644, b"\x7fELF"),
            node("usr/lib/systemd/system/ssh-access.target", Kind::File, 0o644, b"[Uni"),
            node("usr/bin/pipesz", Kind::File, 0o755, b"\x7fELF"),
            node("tmp", Kind::Folder, 0o1777, b""),
            node("usr/lib/dpkg.d", Kind::Folder, 0o755, b""),
        ] {
            assert_eq!(checks(&good), [], "{}", good.path);
        }
    }
}
