//! Keys in AWS KMS: moto, with keys made by calls of its own.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use updater_core::Exit;
use updog_repo::keys::{KeyName, NoSecrets, Signer, open};
use updog_repo::store::Patience;

use crate::desk::Desk;
use crate::moto::{Moto, Parrot, SECRET, variables};
use crate::token;

/// A key of this kind; its id.
fn made(spec: &str) -> String {
    made_for("SIGN_VERIFY", spec)
}

fn made_for(usage: &str, spec: &str) -> String {
    let made = Moto::running().kms("CreateKey", &json!({ "KeyUsage": usage, "KeySpec": spec }));
    made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

/// The variables of a signer, for the lines of a desk.
fn sign_in(desk: &mut Desk, port: u16) {
    desk.set("AWS_ACCESS_KEY_ID", "an-access-key");
    desk.set("AWS_SECRET_ACCESS_KEY", SECRET);
    desk.set("AWS_REGION", "us-east-1");
    desk.set("AWS_ENDPOINT_URL_KMS", format!("http://127.0.0.1:{port}"));
}

fn shown(desk: &mut Desk, key: &str) -> Value {
    let shown: Value = serde_json::from_str(&desk.done(&format!("$U key show '{key}' --json"))).unwrap();
    shown["data"].clone()
}

#[test]
fn a_repository_by_each_kind_of_key_in_kms() {
    let mut desk = Desk::new();
    sign_in(&mut desk, Moto::running().port());
    for (spec, kind) in
        [("RSA_2048", "rsa"), ("RSA_3072", "rsa"), ("RSA_4096", "rsa"), ("ECC_NIST_P256", "ecdsa")]
    {
        let id = made(spec);
        let key = format!("aws-kms:///{id}");
        if matches!(spec, "RSA_2048" | "ECC_NIST_P256") {
            desk.publishes_with(&key, kind);
            desk.is_read_by_python_tuf(kind);
        }
        assert_eq!(shown(&mut desk, &key)["type"], kind, "{spec}");
    }
    // By its alias, in another case, and by its ARN, without a region elsewhere.
    let id = made("ECC_NIST_P256");
    let alias = format!("alias/team/release-{}", &id[..8]);
    Moto::running().kms("CreateAlias", &json!({ "AliasName": alias, "TargetKeyId": id }));
    let described = Moto::running().kms("DescribeKey", &json!({ "KeyId": id }));
    let arn = described["KeyMetadata"]["Arn"].as_str().unwrap();
    let first = shown(&mut desk, &format!("aws-kms:///{id}"));
    desk.set("AWS_REGION", "");
    for name in [
        format!("aws-kms:///{alias}?region=us-east-1"),
        format!("AWS-KMS:{alias}?region=us-east-1"),
        format!("aws-kms:///{arn}"),
        format!("aws-kms://{arn}"),
    ] {
        assert_eq!(shown(&mut desk, &name), first, "{name}");
    }
    desk.done("$U --repo named init");
    desk.done(&format!("$U --repo named root add-key 'aws-kms:///{alias}?region=us-east-1' --role all"));
    let root = std::fs::read_to_string(desk.path("named/root/next.json")).unwrap();
    assert!(root.contains(&format!("\"release-{}\"", &id[..8])), "people know it by its alias: {root}");
    // Where any key is named, this one may be: repo.toml, root apply, requests, doctor.
    desk.done("$U --repo r init");
    std::fs::write(
        desk.path("r/repo.toml"),
        format!("[keys]\nkms = \"aws-kms:///{arn}\"\n[roles.root]\nkeys = [\"kms\"]\n"),
    )
    .unwrap();
    desk.done("$U --repo r root apply");
    desk.done(&format!("$U --repo r root add-key 'aws-kms:///{arn}' --role targets,snapshot,timestamp"));
    desk.done("$U --repo r root propose --out request");
    desk.done(&format!("$U root sign request --yes --key 'aws-kms:///{arn}'"));
    desk.done("$U --repo r root collect request");
    let said = desk.run(&format!("$U --repo r doctor --key 'aws-kms:///{arn}' --json"));
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    let kinds: Vec<&str> =
        said["data"]["findings"].as_array().unwrap().iter().filter_map(|one| one["kind"].as_str()).collect();
    assert!(!kinds.contains(&"key_unreadable") && !kinds.contains(&"intent"), "{said}");
    desk.never_said(&[SECRET.as_bytes()], &["rsa", "ecdsa", "public-rsa", "named", "r"]);
}

#[test]
fn what_kms_refuses_is_one_line_with_the_next_step() {
    let mut desk = Desk::new();
    desk.done("$U --repo repo init");
    let port = Moto::running().port();
    sign_in(&mut desk, port);
    let (p384, other, cipher) =
        (made("ECC_NIST_P384"), made("ECC_SECG_P256K1"), made_for("ENCRYPT_DECRYPT", "RSA_2048"));
    for (key, words) in [
        ("aws-kms:///12345678-1234-1234-1234-123456789012".into(), ["NotFoundException", "and its region"]),
        ("aws-kms:///alias/none".into(), ["NotFoundException", "and its region"]),
        (format!("aws-kms:///{p384}"), ["P-256 key, found another", "ECC_NIST_P256"]),
        (format!("aws-kms:///{other}"), ["P-256 key, found another", "ECC_NIST_P256"]),
        (format!("aws-kms:///{cipher}"), ["found one for another use", "SIGN_VERIFY"]),
        (
            "aws-kms://profile/x".into(),
            ["refused a key named aws-kms:…: expected aws-kms:///KEY", "?region="],
        ),
        (format!("aws-kms:///x?secret={SECRET}"), ["refused a key named aws-kms:…", "?region="]),
    ] {
        for verb in ["--repo repo root add-key", "key show", "refresh . --key"] {
            let role = if verb.ends_with("add-key") { "--role all" } else { "" };
            one_line(&mut desk, &format!("$U {verb} '{key}' {role}"), 2, words);
        }
    }
    let key = "$U key show aws-kms:///alias/none";
    for (name, value, words) in [
        ("AWS_REGION", "", ["no region is named", "?region="]),
        ("AWS_REGION", "us-east-1.evil.example/", ["expected the name of a region", "AWS_REGION"]),
        ("AWS_ENDPOINT_URL_KMS", "http://192.0.2.1:1", ["http:// to this machine", "https://"]),
        ("AWS_ENDPOINT_URL_KMS", "nowhere", ["expected a URL", "AWS_ENDPOINT_URL_KMS"]),
        ("AWS_ENDPOINT_URL_KMS", "https://me:a-word@127.0.0.1", ["without a user", "AWS_ENDPOINT_URL_KMS"]),
        (
            "AWS_SECRET_ACCESS_KEY",
            "a-secret\nin-two-lines",
            ["in AWS_SECRET_ACCESS_KEY, found a space, a line", "AWS_REGION"],
        ),
        (
            "AWS_SESSION_TOKEN",
            "a-secret\nin-two-lines",
            ["in AWS_SESSION_TOKEN, found a space, a line", "AWS_REGION"],
        ),
    ] {
        sign_in(&mut desk, port);
        desk.set("AWS_SESSION_TOKEN", "a-token");
        desk.set(name, value);
        one_line(&mut desk, key, 2, words);
    }
    desk.never_said(&[SECRET.as_bytes(), b"a-word", b"in-two-lines"], &["repo"]);
}

/// Ends so, in one line that names the key, with a hint; in JSON too.
fn one_line(desk: &mut Desk, line: &str, code: i32, words: [&str; 2]) {
    for json in ["", "--json"] {
        let output = desk.run(&format!("{line} {json}"));
        let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{line}: {said}");
        assert!(said.contains("aws-kms:"), "{said}");
        assert!(said.lines().filter(|line| !line.starts_with("hint: ")).count() == 1, "{said}");
    }
}

/// Opens a key with the patience of a test, at a server that says one thing.
fn asked(answer: Option<(&'static str, &'static str)>) -> (updog_repo::Error, usize) {
    let parrot = Parrot::saying(answer);
    let patience = Patience {
        retries: 2,
        answer: Duration::from_millis(300),
        in_all: Duration::from_secs(20),
        ..Patience::default()
    };
    let name = Path::new("aws-kms:///alias/release");
    let KeyName::Kms(key) = KeyName::parse(name).unwrap() else { panic!("no key of KMS") };
    let error = key.open(name, &variables(parrot.port), patience).unwrap_err();
    (error, parrot.asked.load(Ordering::SeqCst))
}

#[test]
fn every_failure_of_kms_has_its_code_and_is_tried_again_where_that_helps() {
    let denied =
        r#"{"__type":"AccessDeniedException","Message":"User: arn:aws:iam::1:user/x is not authorized"}"#;
    let off =
        r#"{"__type":"com.amazonaws.kms#DisabledException","message":"arn:aws:kms:r:1:key/x is disabled."}"#;
    let deleted =
        r#"{"__type":"KMSInvalidStateException","message":"arn:aws:kms:r:1:key/x is pending deletion."}"#;
    let slower = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
    let skew = r#"{"__type":"InvalidSignatureException","message":"Signature expired: 20260101T000000Z is now earlier than 20260102T000000Z"}"#;
    let control = r#"{"__type":"X\u001b[2J","message":"a\nb"}"#;
    for (answer, exit, times, word, hint) in [
        (
            Some(("400 Bad Request", denied)),
            Exit::Usage,
            1,
            "answers 400 AccessDeniedException: User: arn",
            "kms:Sign",
        ),
        (Some(("403 Forbidden", "")), Exit::Usage, 1, "answers 403", "kms:Sign"),
        (Some(("400 Bad Request", skew)), Exit::Usage, 1, "Signature expired", "clock"),
        (Some(("404 Not Found", "<html>")), Exit::Usage, 1, "answers 404", "region"),
        (
            Some(("400 Bad Request", off)),
            Exit::Usage,
            1,
            "400 DisabledException: arn:aws:kms:r:1:key/x is disabled",
            "enable-key",
        ),
        (Some(("400 Bad Request", deleted)), Exit::Usage, 1, "is pending deletion", "cancel-key-deletion"),
        (Some(("400 Bad Request", slower)), Exit::Transient, 3, "Rate exceeded", "again"),
        (Some(("500 Internal Server Error", "")), Exit::Transient, 3, "answers 500", "again"),
        (Some(("503 Service Unavailable", "{}")), Exit::Transient, 3, "answers 503", "again"),
        (Some(("307 Temporary Redirect", "")), Exit::Usage, 1, "answers 307", "AWS_ENDPOINT_URL_KMS"),
        (Some(("400 Bad Request", control)), Exit::Usage, 1, "X\\u{1b}[2J: a\\nb", "AWS_ENDPOINT_URL_KMS"),
        (Some(("200 OK", "no JSON")), Exit::Usage, 1, "holds no public key", "AWS_ENDPOINT_URL_KMS"),
        (
            Some(("200 OK", r#"{"PublicKey":"*"}"#)),
            Exit::Usage,
            1,
            "holds no public key",
            "AWS_ENDPOINT_URL_KMS",
        ),
        (None, Exit::Transient, 3, "did not answer in time", "again"),
    ] {
        let began = Instant::now();
        let (error, asked) = asked(answer);
        let said = error.to_string();
        assert_eq!((error.exit(), asked), (exit, times), "{said}");
        assert!(
            said.starts_with("failed to use key aws-kms:///alias/release: ") && said.contains(word),
            "{said}"
        );
        assert!(error.hint().unwrap().contains(hint), "{said}: {:?}", error.hint());
        assert!(!said.contains('\n') && !format!("{error:?}").contains(SECRET), "{said}");
        assert!(began.elapsed() < Duration::from_secs(15), "{said}");
    }
    let long: &'static str = Box::leak("x".repeat(100_000).into_boxed_str());
    assert!(asked(Some(("200 OK", long))).0.to_string().contains("the answer has no end"));
    // No variables, and a machine that has no role.
    let machine = Parrot::saying(Some(("404 Not Found", "")));
    let nobody: Vec<(String, String)> = variables(1)
        .into_iter()
        .filter(|(name, _)| !name.contains("ACCESS_KEY"))
        .chain([("AWS_METADATA_ENDPOINT".to_owned(), format!("http://127.0.0.1:{}", machine.port))])
        .collect();
    let name = Path::new("aws-kms:///alias/release");
    let KeyName::Kms(key) = KeyName::parse(name).unwrap() else { panic!("no key of KMS") };
    let patience = Patience { retries: 0, answer: Duration::from_secs(1), ..Patience::default() };
    let error = key.open(name, &nobody, patience).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage, "{error}");
    assert!(error.to_string().contains("no credentials are set, and this machine has no role"), "{error}");
    assert!(error.hint().unwrap().contains("AWS_SECRET_ACCESS_KEY"));
    // Nobody listens there.
    let patience = Patience { retries: 1, answer: Duration::from_secs(1), ..Patience::default() };
    let error = key.open(name, &variables(1), patience).unwrap_err();
    assert_eq!((error.exit(), error.reason()), (Exit::Transient, "transient"));
    assert!(error.to_string().contains("no connection"), "{}", error.to_string());
}

#[test]
fn a_container_signs_with_its_role() {
    let mut desk = Desk::new();
    desk.private("role-token", "a-role-token");
    let key = format!("aws-kms:///{}", made("ECC_NIST_P256"));
    for (token, code) in [("a-token-of-the-role", 0), ("a-token-of\\nthe-role", 2)] {
        let role = format!(
            r#"{{"AccessKeyId":"a","SecretAccessKey":"{SECRET}","Token":"{token}","Expiration":"2999-01-01T00:00:00Z"}}"#
        );
        let host = Parrot::saying(Some(("200 OK", Box::leak(role.into_boxed_str()))));
        desk.set("AWS_REGION", "us-east-1");
        desk.set("AWS_ENDPOINT_URL_KMS", format!("http://127.0.0.1:{}", Moto::running().port()));
        desk.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://127.0.0.1:{}/", host.port));
        desk.set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", desk.path("role-token").to_str().unwrap());
        let said = desk.ends(&format!("$U key show '{key}'"), code);
        assert_eq!(said.contains("found signs in them that no request can carry"), code == 2, "{said}");
        assert!(host.asked.load(Ordering::SeqCst) > 0);
    }
    desk.never_said(&[SECRET.as_bytes(), b"a-token-of", b"a-role-token"], &[]);
}

#[test]
fn a_public_key_of_kms_that_belongs_to_another_is_found_out() {
    let public = Moto::running().kms("GetPublicKey", &json!({ "KeyId": made("ECC_NIST_P256") }));
    let stranger = made("ECC_NIST_P256");
    // The public half of one key, a right signature of another.
    let message = json!({
        "KeyId": stranger, "Message": "c29tZXRoaW5n", "SigningAlgorithm": "ECDSA_SHA_256", "MessageType": "RAW",
    });
    let signed = Moto::running().kms("Sign", &message);
    for signature in [signed["Signature"].clone(), json!("AAAA"), json!("*"), Value::Null] {
        let answer =
            json!({ "KeyUsage": "SIGN_VERIFY", "PublicKey": public["PublicKey"], "Signature": signature });
        let answer: &'static str = Box::leak(answer.to_string().into_boxed_str());
        let (error, times) = asked(Some(("200 OK", answer)));
        let said = error.to_string();
        assert_eq!((error.exit(), times), (Exit::Usage, 2), "{said}");
        assert!(
            said.contains("belongs to another private key") || said.contains("holds no signature"),
            "{said}"
        );
    }
}

#[test]
fn no_secret_of_any_key_is_said_or_kept() {
    const PASSPHRASE: &str = "a-passphrase-that-nobody-may-see";
    let mut desk = token::with_token();
    sign_in(&mut desk, Moto::running().port());
    desk.set("AWS_SESSION_TOKEN", "a-session-token-that-nobody-may-see");
    desk.private("word", &format!("{PASSPHRASE}\n"));
    desk.private("wrong-word", "another-passphrase-that-nobody-may-see\n");
    let kms = format!("aws-kms:///{}", made("RSA_2048"));
    let token = token::uri("ec");
    let keys = format!("--key locked --key '{kms}' --key '{token}' --passphrase-file word");
    for line in [
        "$U --repo r init".to_owned(),
        "$U --repo r key new locked --encrypt --role all --passphrase-file word".to_owned(),
        format!("$U --repo r root add-key '{kms}' --role all"),
        format!("$U --repo r root add-key '{token}' --role all"),
        "$U --repo r root threshold root 3".to_owned(),
        "$U --repo r root threshold targets 3".to_owned(),
        "$U --repo r release add release --level 1".to_owned(),
        format!("$U --repo r sign {keys} --json"),
        "$U --repo r publish public".to_owned(),
        format!("$U refresh public {keys}"),
        "$U validate public --root r/root/1.root.json".to_owned(),
        format!("$U --repo r doctor --key '{kms}' --key '{token}' --key locked || true"),
    ] {
        desk.ends(&line, 0);
    }
    for (line, code) in [
        ("$U --repo r sign --key locked --passphrase-file wrong-word".to_owned(), 2),
        ("$U --repo r sign --key 'pkcs11:object=ec?pin-source=file:wrong'".to_owned(), 2),
        (format!("$U key show 'pkcs11:object=ec?pin-value={}'", token::PIN), 2),
        (format!("$U key show 'pkcs11:object=ec?pin-source={}'", token::PIN), 2),
        (format!("$U key show 'pkcs11:object=ec?pin-source=data:,{}'", token::PIN), 2),
        (format!("$U key show ' pkcs11:object=ec?pin-value={}'", token::PIN), 2),
        (format!("$U key show none 'pkcs11:object=ec?pin-value={}'", token::PIN), 2),
        (format!("$U --repo 'pkcs11:object=ec?pin-source={}' doctor", token::PIN), 2),
        (format!("$U key show 'aws-kms://{SECRET}/x'"), 2),
        ("$U key show aws-kms:///alias/none".to_owned(), 2),
        (format!("AWS_ENDPOINT_URL_KMS=http://127.0.0.1:1 $U --repo r sign --key '{kms}'"), 20),
    ] {
        desk.ends(&line, code);
        desk.ends(&format!("{line} --json"), code);
    }
    // What the program prints of its own values, as a log or a panic would.
    let name = Path::new(&kms);
    let KeyName::Kms(key) = KeyName::parse(name).unwrap() else { panic!("no key of KMS") };
    let patience = Patience { retries: 0, ..Patience::default() };
    let mut said = Vec::new();
    let mut say = |signer: &Signer| said.push(format!("{signer:?} {signer:#?}"));
    say(&key.open(name, &variables(Moto::running().port()), patience).unwrap());
    say(&Signer::open_file(&desk.path("locked"), &Typed(PASSPHRASE)).unwrap());
    let closed = open(&desk.path("locked"), &NoSecrets).unwrap_err();
    let wrong = Signer::open_file(&desk.path("locked"), &Typed("another-passphrase-that-nobody-may-see"));
    let away = key.open(name, &variables(1), patience).unwrap_err();
    for error in [closed, wrong.unwrap_err(), away] {
        said.push(format!("{error} {error:?} {error:#?}"));
    }
    desk.said.extend(said.concat().into_bytes());
    let secrets = [
        PASSPHRASE,
        "another-passphrase-that-nobody-may-see",
        SECRET,
        "a-session-token-that-nobody-may-see",
        token::PIN,
        "999999999",
    ];
    desk.never_said(&secrets.map(str::as_bytes), &["r", "public"]);
}

/// Somebody who types this.
#[derive(Debug)]
struct Typed(&'static str);

impl updog_repo::keys::Secrets for Typed {
    fn secret(
        &self,
        _: updog_repo::keys::Purpose,
        _: &Path,
    ) -> Result<updog_repo::keys::Secret, updog_repo::Error> {
        Ok(updog_repo::keys::Secret::new(self.0.as_bytes().to_vec()))
    }
}
