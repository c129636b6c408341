//! Keys on a PKCS#11 token: `SoftHSM`, with keys made by pkcs11-tool.

use std::collections::BTreeSet;
use std::process::Command;

use crate::desk::Desk;

const PIN: &str = "471180933";
const LIBRARY: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A desk with a token on it: keys that all have id 01, as can happen, two of each kind of curve.
fn with_token() -> Desk {
    let mut desk = Desk::new();
    let tokens = desk.path("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
    let configuration = desk.private("softhsm2.conf", &text);
    desk.set("SOFTHSM2_CONF", configuration.to_str().unwrap());
    desk.set("UPDOG_PKCS11_MODULE", LIBRARY);
    desk.private("pin", &format!("{PIN}\n"));
    desk.private("wrong", "999999999\n");
    make(
        &desk,
        &format!("softhsm2-util --init-token --free --label 'release keys' --pin {PIN} --so-pin 12345678"),
    );
    for (name, kind) in [
        ("rsa", "rsa:2048"),
        ("ec", "EC:prime256v1"),
        ("ec2", "EC:prime256v1"),
        ("ed", "EC:edwards25519"),
        ("ed2", "EC:edwards25519"),
        ("p384", "EC:secp384r1"),
    ] {
        tool(&desk, &format!("--keypairgen --key-type {kind} --label {name} --id 01"));
    }
    desk
}

fn make(desk: &Desk, line: &str) {
    let output = Command::new("sh")
        .args(["-c", line])
        .env("SOFTHSM2_CONF", desk.path("softhsm2.conf"))
        .current_dir(desk.dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "is softhsm2 or opensc missing? run `cargo xtask setup`: {line}: {said}"
    );
}

fn tool(desk: &Desk, words: &str) {
    make(
        desk,
        &format!("pkcs11-tool --module {LIBRARY} --login --pin {PIN} --token-label 'release keys' {words}"),
    );
}

fn uri(label: &str) -> String {
    format!("pkcs11:token=release%20keys;object={label};type=private?pin-source=file:pin")
}

#[test]
fn a_repository_by_each_kind_of_key_on_a_token() {
    let mut desk = with_token();
    let mut ids = BTreeSet::new();
    for (label, kind) in
        [("rsa", "rsa"), ("ec", "ecdsa"), ("ec2", "ecdsa"), ("ed", "ed25519"), ("ed2", "ed25519")]
    {
        let key = uri(label);
        desk.publishes_with(&key, label);
        let shown = desk.done(&format!("$U key show '{key}' --json"));
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["data"]["type"], kind);
        assert!(ids.insert(shown["data"]["id"].to_string()), "{label} has the public key of another");
        // People know it by its label, not by the file of its PIN.
        let root = std::fs::read_to_string(desk.path(&format!("{label}/root/1.root.json"))).unwrap();
        assert!(root.contains(&format!("\"{label}\"")) && !root.contains("\"pin\""), "{root}");
    }
    // Several keys of one token in one run, and the library named in the URI.
    let uri = |kind: &str| format!("'pkcs11:object={kind}?pin-source=file:pin&module-path={LIBRARY}'");
    desk.set("UPDOG_PKCS11_MODULE", "");
    desk.done("$U --repo all init");
    for kind in ["rsa", "ec", "ed"] {
        desk.done(&format!("$U --repo all root add-key {} --role all", uri(kind)));
    }
    for role in ["root", "targets", "snapshot", "timestamp"] {
        desk.done(&format!("$U --repo all root threshold {role} 3"));
    }
    desk.done("$U --repo all release add release --level 1");
    desk.done(&format!("$U --repo all sign --key {} --key {} --key {}", uri("rsa"), uri("ec"), uri("ed")));
    desk.done("$U --repo all publish public");
    desk.never_said(&[PIN.as_bytes()], &["rsa", "all", "public", "public-ed"]);
}

#[test]
fn a_public_key_that_belongs_to_another_is_found_out() {
    let mut desk = with_token();
    for (label, kind) in [("ec", "EC:prime256v1"), ("ed", "EC:edwards25519")] {
        for id in ["02", "03"] {
            tool(&desk, &format!("--keypairgen --key-type {kind} --label {label} --id {id}"));
        }
        let first = format!("pkcs11:object={label};id=%01?pin-source=file:pin");
        desk.ends(&format!("$U key show '{first}'"), 0);
        tool(&desk, &format!("--delete-object --type pubkey --label {label} --id 01"));
        let said = desk.ends(&format!("$U key show '{first}'"), 2);
        assert!(said.contains("no public key with the same id and label"), "{said}");
        // The second pair's public half under the first one's id and label.
        tool(&desk, &format!("--type pubkey --label {label} --id 02 --set-id 01"));
        let said = desk.ends(&format!("$U key show '{first}'"), 2);
        assert!(said.contains("belongs to another private key"), "{said}");
        // The third one's too: neither is guessed at.
        tool(&desk, &format!("--type pubkey --label {label} --id 03 --set-id 01"));
        let said = desk.ends(&format!("$U key show '{first}'"), 2);
        assert!(said.contains("2 public keys fit it"), "{said}");
        desk.ends(&format!("$U key show '{}'", uri(&format!("{label}2"))), 0);
    }
}

#[test]
fn what_a_token_refuses_is_one_line_without_a_pin() {
    let mut desk = with_token();
    desk.done("$U --repo repo init");
    for (key, word) in [
        ("pkcs11:object=rsa?pin-value=471180933", "pin-value"),
        ("pkcs11:object=rsa;pin-value=471180933", "pin-value"),
        ("pkcs11:object=rsa?pin-source=file:wrong", "PIN is wrong"),
        ("pkcs11:object=rsa", "asks for a PIN"),
        ("pkcs11:object=rsa?pin-source=file:missing", "missing"),
        ("pkcs11:object=none?pin-source=file:pin", "no such private key, it has \""),
        ("pkcs11:id=%01?pin-source=file:pin", "6 private keys fit, name one by object= and id=: \""),
        ("pkcs11:token=other;object=rsa?pin-source=file:pin", "no such token"),
        ("pkcs11:object=p384?pin-source=file:pin", "P-256"),
        ("pkcs11:object=rsa?pin-source=file:pin&module-path=/nowhere.so", "/nowhere.so"),
        ("pkcs11:object=rsa?pin-source=file:pin&module-path=libsofthsm2.so", "absolute path"),
        ("pkcs11:token=x", "object=NAME"),
    ] {
        for verb in ["--repo repo root add-key", "--repo repo root remove-key", "key show", "refresh . --key"]
        {
            let role = if verb.ends_with("add-key") { "--role all" } else { "" };
            for json in ["", "--json"] {
                let output = desk.run(&format!("$U {verb} '{key}' {role} {json}"));
                let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
                // In JSON the marks around a label are escaped.
                let said = String::from_utf8_lossy(&said).replace("\\\"", "\"");
                assert!(said.contains(word), "{verb} {key}: {said}");
                assert_eq!(output.status.code(), Some(2), "{verb} {key}: {said}");
                let lines = said.lines().filter(|line| !line.starts_with("hint: ")).count();
                assert_eq!(lines, 1, "{verb} {key}: {said}");
            }
        }
    }
    // A second token with the same name: neither is guessed at.
    let output = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "release keys", "--pin", PIN, "--so-pin", "12345678"])
        .env("SOFTHSM2_CONF", desk.path("softhsm2.conf"))
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = desk.ends("$U key show 'pkcs11:token=release%20keys;object=rsa?pin-source=file:pin'", 2);
    assert!(said.contains("2 tokens fit"), "{said}");
    // Others can read the PIN: refused before the token is asked.
    std::fs::set_permissions(desk.path("pin"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let pin = format!("pkcs11:serial={};object=rsa?pin-source=file:pin", serial(&desk));
    let said = desk.ends(&format!("$U key show '{pin}'"), 50);
    assert!(said.contains("expected mode 0600, found 0644"), "{said}");
    desk.never_said(&[PIN.as_bytes(), b"999999999"], &["repo"]);
}

/// The serial number of the first token.
fn serial(desk: &Desk) -> String {
    let output = Command::new("pkcs11-tool")
        .args(["--module", LIBRARY, "--list-token-slots"])
        .env("SOFTHSM2_CONF", desk.path("softhsm2.conf"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.trim_start().starts_with("serial num")).unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}
