//! Encrypted key files: openssl's open here, ours open there, and nothing says the passphrase.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use updog_repo::Error;
use updog_repo::keys::{KeyError, KeyKind, Passphrases, Purpose, Secret, Secrets, Signer, generate_locked};

use crate::common::{Yard, python, write_release};

const PASSPHRASE: &str = "correct horse battery";

fn known() -> Secret {
    Secret::new(PASSPHRASE.into())
}

/// Answers with the same words always.
#[derive(Debug)]
struct Says(&'static str);

impl Secrets for Says {
    fn secret(&self, _: Purpose, _: &Path) -> Result<Secret, Error> {
        Ok(Secret::new(self.0.into()))
    }
}

fn openssl(dir: &Path, command: &str) {
    let out = Command::new("openssl").args(command.split(' ')).current_dir(dir).output();
    let out = out.expect("openssl is missing: run `cargo xtask setup`");
    assert!(out.status.success(), "openssl {command}: {}", String::from_utf8_lossy(&out.stderr));
}

/// Every way that openssl encrypts PKCS#8 today, for every kind of key, PEM and DER.
#[test]
fn what_openssl_encrypts_opens_with_its_passphrase_alone() {
    let yard = Yard::bare();
    let dir = yard.path("keys");
    fs::write(dir.join("pass"), PASSPHRASE).unwrap();
    for command in [
        "genpkey -algorithm ED25519 -out ed",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa",
        "genpkey -algorithm ED25519 -aes256 -pass file:pass -out own",
    ] {
        openssl(&dir, command);
    }
    let open = |name: &str, says: &'static str| {
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o600)).unwrap();
        Signer::open_file(&dir.join(name), &Says(says))
    };
    open("own", PASSPHRASE).unwrap();
    for kind in ["ed", "ec", "rsa"] {
        let plain = open(kind, "").unwrap();
        for way in ["-v2 aes256", "-v2 aes128", "-v2 aes256 -v2prf hmacWithSHA512", "-scrypt", "-iter 600000"]
        {
            for form in ["PEM", "DER"] {
                let name = format!("{kind}.locked");
                openssl(
                    &dir,
                    &format!("pkcs8 -topk8 {way} -in {kind} -outform {form} -passout file:pass -out {name}"),
                );
                assert_eq!(open(&name, PASSPHRASE).unwrap().id(), plain.id(), "{name} {way} {form}");
                for wrong in ["", "correct horse batter"] {
                    let error = open(&name, wrong).unwrap_err();
                    let expected = matches!(error, Error::Key(KeyError::WrongPassphrase { .. }));
                    assert!(expected, "{name} {way} {form}: {error}");
                }
            }
        }
    }
    let refused = Signer::from_file(&dir.join("own")).unwrap_err();
    assert!(matches!(refused, Error::Key(KeyError::Locked { .. })), "{refused}");
    assert!(refused.hint().unwrap().contains("--passphrase-file"));
}

/// A wrong passphrase whose padding fits by chance (1 in 256) is as wrong as the others.
#[test]
fn no_wrong_passphrase_gets_through_by_chance() {
    #[derive(Debug)]
    struct Number(u32);
    impl Secrets for Number {
        fn secret(&self, _: Purpose, _: &Path) -> Result<Secret, Error> {
            Ok(Secret::new(self.0.to_string().into()))
        }
    }
    let yard = Yard::bare();
    let dir = yard.path("keys");
    openssl(&dir, "genpkey -algorithm ED25519 -out ed");
    // The fewest rounds, so that many wrong ones can be tried.
    openssl(&dir, "pkcs8 -topk8 -iter 1 -in ed -passout pass:right -out locked");
    fs::set_permissions(dir.join("locked"), fs::Permissions::from_mode(0o600)).unwrap();
    for number in 0..2_000 {
        let error = Signer::open_file(&dir.join("locked"), &Number(number)).unwrap_err();
        assert!(matches!(error, Error::Key(KeyError::WrongPassphrase { .. })), "{number}: {error}");
    }
}

#[test]
fn encryption_that_is_broken_or_asks_for_too_much_is_refused_by_name() {
    let yard = Yard::bare();
    let dir = yard.path("keys");
    for command in [
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa",
        "rsa -in rsa -traditional -aes256 -passout pass:x -out old.pem",
        "pkcs8 -topk8 -v2 des3 -in rsa -passout pass:x -out des3.pem",
        "pkcs8 -topk8 -v1 PBE-SHA1-3DES -in rsa -passout pass:x -out pbes1.pem",
    ] {
        openssl(&dir, command);
    }
    for name in ["old.pem", "des3.pem", "pbes1.pem"] {
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o600)).unwrap();
        let error = Signer::open_file(&dir.join(name), &Says("x")).unwrap_err();
        assert!(matches!(error, Error::Key(KeyError::Encryption { .. })), "{name}: {error}");
        assert!(error.hint().unwrap().starts_with("openssl pkcs8 -topk8"), "{name}");
    }
}

#[test]
fn what_we_encrypt_opens_in_openssl() {
    let yard = Yard::bare();
    let dir = yard.path("keys");
    for kind in [KeyKind::Ed25519, KeyKind::Ecdsa, KeyKind::Rsa] {
        let path = dir.join(format!("{kind:?}"));
        let made = generate_locked(kind, &path, &known()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{text}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Signer::open_file(&path, &Says(PASSPHRASE)).unwrap().id(), made.signer.id());
        let out = format!("{kind:?}.plain");
        fs::write(dir.join("pass"), PASSPHRASE).unwrap();
        openssl(&dir, &format!("pkey -in {kind:?} -passin file:pass -out {out}"));
        fs::set_permissions(dir.join(&out), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(Signer::from_file(&dir.join(&out)).unwrap().id(), made.signer.id());
    }
}

#[test]
fn a_passphrase_file_is_one_line_and_private() {
    let yard = Yard::bare();
    let key = yard.path("keys/k");
    generate_locked(KeyKind::Ed25519, &key, &known()).unwrap();
    let file = yard.path("keys/pass");
    let from = Passphrases::File(file.clone());
    for text in ["correct horse battery", "correct horse battery\n", "correct horse battery\r\nmore\n"] {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        Signer::open_file(&key, &from).unwrap();
    }
    fs::write(&file, "\ncorrect horse battery").unwrap();
    let empty = Signer::open_file(&key, &from).unwrap_err();
    assert!(matches!(empty, Error::Key(KeyError::NoSecret { .. })), "{empty}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = Signer::open_file(&key, &from).unwrap_err();
    assert!(matches!(refused, Error::KeyReadableByOthers { mode: 0o640, .. }), "{refused}");
}

/// A desk whose every output is kept, to be searched.
struct Desk {
    dir: tempfile::TempDir,
    said: Vec<u8>,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap(), said: Vec::new() };
        write_release(&desk.path("release"), "1.0.0", "1.0.0");
        fs::write(desk.path("pass"), format!("{PASSPHRASE}\n")).unwrap();
        fs::write(desk.path("wrong"), "wrong words here\n").unwrap();
        for name in ["pass", "wrong"] {
            fs::set_permissions(desk.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a line of shell in which `$U` is the program.
    fn run(&mut self, line: &str) -> Output {
        let output = Command::new("setsid") // no terminal to ask at
            .args(["-w", "sh", "-c", line])
            .env("U", env!("CARGO_BIN_EXE_updog-repo"))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        self.said.extend(&output.stdout);
        self.said.extend(&output.stderr);
        output
    }

    fn ends(&mut self, line: &str, code: i32) -> String {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        said
    }

    /// What was said, and every file of the working folder and of what was published.
    fn everything(&self) -> Vec<u8> {
        fn add(dir: &Path, all: &mut Vec<u8>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    add(&path, all);
                } else {
                    all.extend(path.as_os_str().as_encoded_bytes());
                    all.extend(fs::read(path).unwrap());
                }
            }
        }
        let mut all = self.said.clone();
        add(&self.path("repo"), &mut all);
        add(&self.path("public"), &mut all);
        all.extend(fs::read(self.path("k.pub")).unwrap());
        all
    }
}

#[test]
fn a_repository_by_an_encrypted_key_and_no_secret_anywhere() {
    let mut desk = Desk::new();
    for line in [
        "$U --repo repo init",
        "$U --repo repo key new k --encrypt --role all --passphrase-file pass",
        "$U --repo repo release add release --level 1",
        "head -1 pass | $U --repo repo sign --key k --passphrase-fd 0 --json",
        "$U --repo repo publish public",
        "$U refresh public --key k --passphrase-fd 7 7<pass",
        "$U validate public --root repo/root/1.root.json",
    ] {
        desk.ends(line, 0);
    }
    for (line, code) in [
        ("$U refresh public --key k", 2),
        ("$U refresh public --key k --passphrase-file wrong", 2),
        ("$U refresh public --key k --passphrase-file wrong --json", 2),
        ("$U refresh public --key k --passphrase-file missing", 2),
        ("$U refresh public --key k --passphrase-file pass --passphrase-fd 3", 2),
        ("$U refresh public --key k --passphrase-fd 9", 2),
        ("$U refresh public --key k --passphrase-fd 0", 2),
        ("$U --repo repo sign --key pass --passphrase-file pass", 2),
        ("$U --repo repo key new other --encrypt", 2),
        ("chmod 644 pass; $U refresh public --key k --passphrase-file pass", 50),
    ] {
        let said = desk.ends(line, code);
        let lines = said.lines().filter(|line| !line.starts_with("hint: ")).count();
        assert!(lines == 1 || line.contains("--json") || said.contains("Usage"), "{line}: {said}");
    }
    assert!(!desk.path("other").exists(), "half a key is no key");

    let signer = Signer::open_file(&desk.path("k"), &Says(PASSPHRASE)).unwrap();
    desk.said.extend(format!("{signer:?} {:?} {:?}", known(), Says("")).bytes());
    openssl(desk.dir.path(), "pkey -in k -passin file:pass -outform DER -out plain.der");
    let private = fs::read(desk.path("plain.der")).unwrap();
    // The last 32 bytes of an Ed25519 key in PKCS#8 version 1 are the key.
    let key = &private[private.len() - 32..];
    let all = desk.everything();
    for secret in [PASSPHRASE.as_bytes(), b"wrong words here", key, hex::encode(key).as_bytes()] {
        assert!(!all.windows(secret.len()).any(|window| window == secret), "a secret was said or kept");
    }
    assert!(all.windows(4).any(|window| window == b"1.0."), "there was something to search");
}

/// A person at a terminal: asked, not echoed, asked twice for a new one; Ctrl-C ends it and the echo is back.
#[test]
fn a_person_types_the_passphrase_unseen() {
    let desk = Desk::new();
    let out = Command::new(python())
        .args(["-c", TYPIST, env!("CARGO_BIN_EXE_updog-repo")])
        .current_dir(desk.dir.path())
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
}

const TYPIST: &str = r"
import os, pty, sys
def session(words, answers):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], sys.argv[1:2] + words.split())
    seen = b''
    for prompt, typed in answers:
        while prompt not in seen[-len(prompt) - 40:]:
            seen += os.read(fd, 1024)
        os.write(fd, typed)
        seen += b'|'
    try:
        while True:
            part = os.read(fd, 1024)
            if not part: break
            seen += part
    except OSError:
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen
new = (b'New passphrase for k: ', b'typed wordz\x7fs\n')
code, seen = session('key new k --encrypt', [new, (b'again: ', b'typed words\n')])
assert code == 0, (code, seen)
assert b'typed' not in seen, seen
assert b'BEGIN ENCRYPTED' in open('k', 'rb').read()
code, seen = session('key new two --encrypt', [(b'for two: ', b'one\n'), (b'again: ', b'other\n')])
assert code == 2 and b'differ' in seen and not os.path.exists('two'), (code, seen)
code, seen = session('refresh . --key k', [(b'Passphrase for k: ', b'typed worts\n')])
assert code == 2 and b'passphrase is wrong' in seen and b'worts' not in seen, (code, seen)
code, seen = session('refresh . --key k', [(b'Passphrase for k: ', b'typed words\n')])
assert code == 2 and b'failed to find metadata' in seen and b'words' not in seen, (code, seen)
code, seen = session('refresh . --key k', [(b'Passphrase for k: ', b'typed\x03')])
assert code == 2 and b'interrupted' in seen and b'typed' not in seen, (code, seen)
";

#[test]
fn a_crash_leaves_no_core_with_keys_in_it() {
    let desk = Desk::new();
    generate_locked(KeyKind::Ed25519, &desk.path("k"), &known()).unwrap();
    // It waits for a passphrase that does not come, on a pipe that stays open.
    let line = "ulimit -c unlimited 2>/dev/null; exec \"$U\" refresh . --key k --passphrase-fd 0";
    let mut child = Command::new("sh")
        .args(["-c", line])
        .env("U", env!("CARGO_BIN_EXE_updog-repo"))
        .current_dir(desk.dir.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let waits = |id: u32| {
        let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
        let wait = fs::read_to_string(format!("/proc/{id}/wchan")).unwrap_or_default();
        name.trim() == "updog-repo" && wait.contains("pipe")
    };
    let begun = std::time::Instant::now();
    while !waits(child.id()) && begun.elapsed().as_secs() < 5 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let killed = Command::new("sh").args(["-c", &format!("kill -ABRT {}", child.id())]).status().unwrap();
    assert!(killed.success());
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
}
