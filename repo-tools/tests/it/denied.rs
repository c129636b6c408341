//! Servers that serve a repository to others, or send its readers elsewhere.

use std::fs;

use fixtures::server::{Faults, Server};

use crate::cli::Desk;

/// A published repository with two roots, behind a server.
fn served() -> (Desk, Server) {
    let desk = Desk::new();
    for line in [
        "--repo r init",
        "--repo r key new k --role all",
        "--repo r key new other",
        "--repo r release add release --level 1",
        "--repo r sign --key k",
        "--repo r publish public",
        "--repo r root add-key other.pub --role targets",
        "--repo r sign --key k",
        "--repo r publish public",
    ] {
        desk.done(line);
    }
    let server = Server::start(desk.path().join("public"), Faults::default()).unwrap();
    (desk, server)
}

/// Every verb that fetches.
const FETCHING: &[&str] = &[
    "validate URL",
    "mirror URL copy",
    "bundle URL copy.bundle",
    "--repo r report URL --out page",
    "expirations URL",
    "--repo r release diff --against URL",
];

/// The exit code and what was said for people.
fn said(desk: &Desk, server: &Server, verb: &str) -> (Option<i32>, String) {
    let url = server.url().replace("http://", "http://user:hunter2@");
    let output = desk.output(&verb.replace("URL", url.trim_end_matches('/')));
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!said.contains("hunter2"), "{verb}: {said}");
    (output.status.code(), said)
}

#[test]
fn who_may_not_read_is_told_what_and_what_to_do() {
    let (desk, server) = served();
    for (faults, status, hint) in [
        ("status=403", 403, "what the server or the bucket's policy lets you read"),
        ("only=timestamp,status=403", 403, "a bucket that you may not list"),
        ("status=401", 401, "hint: the server wants a name and a password"),
        ("status=407", 407, "hint: the proxy wants a name and a password"),
    ] {
        server.set(faults.parse().unwrap());
        for verb in FETCHING {
            let (exit, said) = said(&desk, &server, verb);
            assert_eq!(exit, Some(2), "{verb} {faults}: {said}");
            let names = said.contains(&format!("failed to request {}metadata/", server.url()))
                && said.contains(&format!("the server answers {status}"));
            assert!(names && said.contains(hint), "{verb} {faults}: {said}");
        }
    }
}

/// Neither the URL nor the network is at fault where a server compresses as nobody asked.
#[test]
fn the_hint_for_a_coding_is_that_of_the_client() {
    let (desk, server) = served();
    // Really so: a document that is only called coded is read.
    fs::write(desk.path().join("public/metadata/timestamp.json"), b"\x0b\x02\x80{}\x03").unwrap();
    server.set(Faults { coding: Some("br".to_owned()), ..Faults::default() });
    for verb in FETCHING {
        let (exit, said) = said(&desk, &server, verb);
        assert_eq!(exit, Some(20), "{verb}: {said}");
        let hinted = said.contains("hint: ") && !said.contains("check the URL");
        assert!(said.contains("found br") && hinted, "{verb}: {said}");
    }
}

/// Object stores answer so for what is not there to those who may not list.
#[test]
fn the_end_of_the_root_chain_may_be_forbidden() {
    let (desk, server) = served();
    server.set("only=3.root,status=403".parse().unwrap());
    for verb in FETCHING {
        let (exit, said) = said(&desk, &server, verb);
        let expected = if verb.contains("--against") { 10 } else { 0 };
        assert_eq!(exit, Some(expected), "{verb}: {said}");
    }
    // Also its beginning, for who knows a later root.
    server.set("only=1.root,status=403".parse().unwrap());
    for verb in ["mirror URL late --root public/metadata/2.root.json", "bundle URL late.bundle"] {
        let (exit, said) = said(&desk, &server, verb);
        assert_eq!(exit, Some(if verb.starts_with("mirror") { 0 } else { 2 }), "{verb}: {said}");
    }
}

/// A target that is missing in a bucket that may not be listed hides none of the other problems.
#[test]
fn a_target_that_is_forbidden_is_one_of_the_problems() {
    let (desk, server) = served();
    let names: Vec<String> = fs::read_dir(desk.path().join("public/targets"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let gone = names.iter().find(|name| name.ends_with("hash.idx")).unwrap();
    fs::remove_file(desk.path().join("public/targets").join(gone)).unwrap();
    server.set("only=root.img.zst,status=403".parse().unwrap());
    let (exit, text) = said(&desk, &server, "validate URL");
    assert_eq!(exit, Some(12), "{text}");
    assert!(text.contains("the server answers 403") && text.contains("hash.idx is not there"), "{text}");
    let (exit, text) = said(&desk, &server, "mirror URL copy");
    assert!(exit == Some(2) && text.contains("root.img.zst: the server answers 403"), "{text}");
}

#[test]
fn a_redirect_out_of_http_is_untrusted() {
    let (desk, server) = served();
    server.set(Faults { redirect: Some("file:///etc".to_owned()), ..Faults::default() });
    for verb in FETCHING {
        let (exit, said) = said(&desk, &server, verb);
        assert_eq!(exit, Some(30), "{verb}: {said}");
        let line = "expected an http or https URL, found file:///etc/";
        assert!(
            said.contains("refused redirect of http://127.0.0.1") && said.contains(line),
            "{verb}: {said}"
        );
        assert!(said.contains("hint: "), "{verb}: {said}");
    }
}
