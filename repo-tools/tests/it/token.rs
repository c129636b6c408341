//! Keys on a PKCS#11 token: `SoftHSM`, with keys made by pkcs11-tool.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::desk::Desk;

pub(crate) const PIN: &str = "471180933";
const LIBRARY: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A desk with a token on it: keys that all have id 01, as can happen, two of each kind of curve.
pub(crate) fn with_token() -> Desk {
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

pub(crate) fn uri(label: &str) -> String {
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
        desk.is_read_by_python_tuf(label);
        let shown = desk.done(&format!("$U key show '{key}' --json"));
        let shown: Value = serde_json::from_str(&shown).unwrap();
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

fn id_of(desk: &mut Desk, key: &str) -> String {
    let shown: Value = serde_json::from_str(&desk.done(&format!("$U key show '{key}' --json"))).unwrap();
    shown["data"]["id"].as_str().unwrap().to_owned()
}

/// Which of these ids the next root lists for a role.
fn listed(desk: &Desk, file: &str, role: &str) -> Vec<String> {
    let root: Value = serde_json::from_slice(&std::fs::read(desk.path(file)).unwrap()).unwrap();
    let ids = root["signed"]["roles"][role]["keyids"].as_array().unwrap();
    ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[test]
fn repo_toml_names_keys_on_tokens_and_root_apply_takes_them() {
    let mut desk = with_token();
    desk.done("$U --repo r init");
    let [rsa, ec] = ["rsa", "ec"].map(|label| id_of(&mut desk, &uri(label)));
    let text = |pin: &str| {
        format!(
            "[keys]\nhsm = \"pkcs11:token=release%20keys;object=rsa?pin-source=file:{pin}\"\n\
             [roles.root]\nkeys = [\"hsm\"]\n\
             [roles.targets]\nkeys = [\"hsm\", \"PKCS11:object=ec?pin-source=file:../pin\"]\nthreshold = 2\n"
        )
    };
    let toml = desk.path("r/repo.toml");
    let before = std::fs::read(desk.path("r/root/next.json")).unwrap();
    // A wrong PIN, and one in the file itself: one line, and nothing is written.
    for (wrong, word) in [
        (text("../wrong"), "PIN is wrong"),
        (text("/none"), "/none"),
        (
            text(&format!("x&pin-value={PIN}")),
            "keys.hsm makes no sense: refused a key named pkcs11:…: pin-value",
        ),
        (text(&format!("x\"\nother = \"Pkcs11:object=x;{PIN}")), "keys.other makes no sense"),
    ] {
        std::fs::write(&toml, wrong).unwrap();
        let said = desk.ends("$U --repo r root apply", 2);
        assert!(said.contains(word) && !said.trim_end().contains("\nerror"), "{said}");
        assert_eq!(std::fs::read(desk.path("r/root/next.json")).unwrap(), before);
    }
    desk.never_said(&[PIN.as_bytes()], &["r/root"]);
    // Paths are relative to the file, wherever the program is started.
    std::fs::write(&toml, text("../pin")).unwrap();
    desk.done("$U --repo r root apply");
    assert_eq!(listed(&desk, "r/root/next.json", "root"), [rsa.as_str()]);
    let mut both = [rsa, ec];
    both.sort();
    assert_eq!(listed(&desk, "r/root/next.json", "targets"), both);
    // The public half in a file is the same key, as docs/keys.md has it.
    let key: Value =
        serde_json::from_str(&desk.done(&format!("$U key show '{}' --json", uri("rsa")))).unwrap();
    std::fs::write(desk.path("rsa.pub"), key["data"]["key"].to_string()).unwrap();
    assert_eq!(id_of(&mut desk, "rsa.pub"), both[usize::from(both[0] == id_of(&mut desk, &uri("ec")))]);
    let again = desk.done("$U --repo r root apply");
    assert!(again.contains("is what repo.toml says"), "{again}");
    let named = std::fs::read_to_string(desk.path("r/root/next.json")).unwrap();
    assert!(named.contains("\"hsm\"") && !named.contains("pkcs11"), "{named}");
}

#[test]
fn a_request_is_signed_by_keys_on_tokens_and_doctor_sees_them_without_a_pin() {
    let mut desk = with_token();
    desk.done("$U --repo r init");
    let ids = ["rsa", "ec", "ed"].map(|label| {
        desk.done(&format!("$U --repo r root add-key '{}' --role root", uri(label)));
        id_of(&mut desk, &uri(label))
    });
    desk.done(&format!("$U --repo r root add-key '{}' --role targets,snapshot,timestamp", uri("ec2")));
    desk.done(&format!("$U --repo r root add-key '{}' --role targets,snapshot,timestamp", uri("ed2")));
    desk.done("$U --repo r root threshold root 2");
    // Signed far away, with the request alone.
    desk.done("$U --repo r root propose --out request");
    desk.done("mkdir away && cp request pin away && cp request away/second");
    desk.done(&format!("cd away && $U root sign request --yes --key '{}'", uri("rsa")));
    desk.done(&format!("cd away && $U root sign second --yes --key '{}'", uri("ed")));
    desk.done("$U --repo r root collect away/request away/second");
    let said = desk.done("$U --repo r root check --json");
    let said: Value = serde_json::from_str(&said).unwrap();
    let mut signed: Vec<&str> = said["data"]["signatures"][0]["signed"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut expected = [ids[0].as_str(), ids[2].as_str()];
    signed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(signed, expected);
    desk.done("$U --repo r release add release --level 1");
    desk.done(&format!("$U --repo r sign --key '{}'", uri("ec2")));

    // With a PIN that is wrong: doctor never uses it.
    let key = |label: &str| format!("\"pkcs11:object={label}?pin-source=file:../wrong\"");
    let toml = |root: &[&str]| {
        let root: Vec<String> = root.iter().map(|label| key(label)).collect();
        format!("[roles.root]\nkeys = [{}]\nthreshold = 2\n", root.join(", "))
    };
    let path = desk.path("r/repo.toml");
    let write = |text: String| std::fs::write(&path, text).unwrap();
    write(toml(&["rsa", "ec", "ed"]));
    assert_eq!(problems(&mut desk, "", 0), [""; 0]);
    assert_eq!(problems(&mut desk, "--key 'pkcs11:object=ec2?pin-source=file:wrong'", 0), [""; 0]);
    // Another key than the root's: the fix can be pasted.
    write(toml(&["rsa", "ec", "ed", "ec2"]));
    let found = problems(&mut desk, "", 12);
    assert!(found.len() == 1 && found[0].starts_with("intent: "), "{found:?}");
    assert!(
        found[0].contains("root add-key 'pkcs11:object=ec2?pin-source=file:../wrong' --role root"),
        "{found:?}"
    );
    write(toml(&["rsa", "ec", "ed"]));
    for (arguments, word) in [
        ("--key 'pkcs11:object=none'", "the token has no such public key, it has \""),
        ("--key 'pkcs11:token=other;object=rsa'", "no such token"),
        (
            "--key 'pkcs11:object=rsa?pin-value=471180933'",
            "key of --key: refused a key named pkcs11:…: pin-value",
        ),
        ("--key none", "no such file"),
    ] {
        let found = problems(&mut desk, arguments, 12);
        assert!(found.len() == 1 && found[0].starts_with("key_unreadable: "), "{found:?}");
        assert!(found[0].contains(word), "{found:?}");
    }
    tool(&desk, "--delete-object --type pubkey --label ed --id 01");
    let found = problems(&mut desk, "", 12);
    assert!(found.len() == 1 && found[0].contains("no such public key"), "{found:?}");
    desk.never_said(&[PIN.as_bytes(), b"999999999"], &["r"]);
}

/// What doctor finds: kind, what and fix.
fn problems(desk: &mut Desk, arguments: &str, code: i32) -> Vec<String> {
    let output = desk.run(&format!("$U --repo r doctor {arguments} --json"));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    let findings = said["data"]["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| {
            let part = |name: &str| finding[name].as_str().unwrap();
            format!("{}: {}; {}", part("kind"), part("what"), part("fix"))
        })
        .collect()
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
