//! Key files: what openssl writes is read, what others can read is not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use updog_repo::Error;
use updog_repo::keys::{KeyKind, Signer, generate, key_id, public_key};

use crate::common::Yard;

const KINDS: [KeyKind; 3] = [KeyKind::Ed25519, KeyKind::Ecdsa, KeyKind::Rsa];

#[test]
fn a_new_key_is_0600_has_a_public_half_and_is_never_overwritten() {
    let yard = Yard::bare();
    for kind in KINDS {
        let path = yard.path(&format!("keys/{kind:?}"));
        let key = generate(kind, &path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(key_id(&public_key(&key.public_file).unwrap()).unwrap(), *key.signer.id());
        let bytes = fs::read(&path).unwrap();
        assert!(matches!(generate(kind, &path), Err(Error::KeyExists { .. })));
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert!(!format!("{:?}", key.signer).contains("PRIVATE"));
    }
}

#[test]
fn a_folder_that_is_made_for_a_key_is_private() {
    let yard = Yard::bare();
    let folder = yard.path("vault/2026");
    generate(KeyKind::Ed25519, &folder.join("root")).unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let yard = Yard::bare();
    let path = yard.path("keys/k");
    generate(KeyKind::Ed25519, &path).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o660, 0o610] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = Signer::from_file(&path);
        assert!(
            matches!(refused, Err(Error::KeyReadableByOthers { mode: found, .. }) if found == mode),
            "{mode:o}"
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    Signer::from_file(&path).unwrap();
}

#[test]
fn keys_as_openssl_writes_them() {
    let yard = Yard::bare();
    let dir = yard.path("keys");
    let commands: [(&str, &[&str]); 10] = [
        ("ed.pem", &["genpkey", "-algorithm", "ED25519", "-out", "ed.pem"]),
        ("ed.der", &["pkey", "-in", "ed.pem", "-outform", "DER", "-out", "ed.der"]),
        ("ec.pem", &["ecparam", "-name", "prime256v1", "-genkey", "-out", "ec.pem"]),
        ("ec.der", &["ec", "-in", "ec.pem", "-outform", "DER", "-out", "ec.der"]),
        ("ec8.pem", &["pkcs8", "-topk8", "-nocrypt", "-in", "ec.pem", "-out", "ec8.pem"]),
        ("ec8.der", &["pkcs8", "-topk8", "-nocrypt", "-in", "ec.pem", "-outform", "DER", "-out", "ec8.der"]),
        ("rsa.pem", &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem"]),
        ("rsa.der", &["pkey", "-in", "rsa.pem", "-outform", "DER", "-out", "rsa.der"]),
        ("rsa1.pem", &["rsa", "-traditional", "-in", "rsa.pem", "-out", "rsa1.pem"]),
        ("rsa1.der", &["rsa", "-traditional", "-in", "rsa.pem", "-outform", "DER", "-out", "rsa1.der"]),
    ];
    for (name, command) in commands {
        openssl(&dir, command);
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o600)).unwrap();
        let signer = Signer::from_file(&dir.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let family: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
        let public = dir.join(format!("{family}.pub"));
        if !public.exists() {
            openssl(&dir, &["pkey", "-in", name, "-pubout", "-out", &format!("{family}.pub")]);
        }
        assert_eq!(key_id(&public_key(&public).unwrap()).unwrap(), *signer.id(), "{name}");
    }
}

#[test]
fn what_is_no_key_is_refused_in_one_line() {
    let yard = Yard::bare();
    let dir = yard.path("keys");
    openssl(&dir, &["ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "p384"]);
    for (name, bytes) in [("empty", ""), ("text", "hello\n"), ("torn", "-----BEGIN PRIVATE KEY-----\nMC4C")] {
        fs::write(dir.join(name), bytes).unwrap();
    }
    for name in ["p384", "empty", "text", "torn"] {
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o600)).unwrap();
        let error = Signer::from_file(&dir.join(name)).unwrap_err();
        assert!(matches!(error, Error::ParseKey { .. }), "{name}: {error}");
        assert!(!error.to_string().contains('\n'));
    }
}

fn openssl(dir: &Path, command: &[&str]) {
    let out = Command::new("openssl").args(command).current_dir(dir).output();
    let out = out.expect("openssl is needed: apt-get install openssl");
    assert!(out.status.success(), "openssl {command:?}: {}", String::from_utf8_lossy(&out.stderr));
}
