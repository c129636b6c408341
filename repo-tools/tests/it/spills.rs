//! What must not be written over, shown to hosts, or said again.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use fixtures::server::{Faults, Length, Server};
use updog_repo::output::{Lying, Output};

use crate::cli::Desk;

/// The exit code of a line, and the words on standard error.
fn refused(desk: &Desk, line: &str) -> (i32, String) {
    let output = desk.output(line);
    assert!(output.stdout.is_empty(), "{line}");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn an_output_takes_the_place_of_nothing_that_it_did_not_write() {
    let desk = Desk::published();
    fs::create_dir(desk.path().join("page")).unwrap();
    let lines = [
        ("bundle public FILE", "a.bundle"),
        ("waves plan normal --svg FILE", "a.svg"),
        ("waves simulate normal --hosts 10 --svg FILE", "b.svg"),
        ("report public --out page", "page/index.html"),
    ];
    for (line, file) in lines {
        let (line, path) = (line.replace("FILE", file), desk.path().join(file));
        for found in ["another file", "a link", "a FIFO", "a folder"] {
            match found {
                "another file" => drop(fs::copy(desk.path().join("k"), &path).unwrap()),
                "a link" => std::os::unix::fs::symlink("k", &path).unwrap(),
                "a folder" => fs::create_dir(&path).unwrap(),
                _ => assert!(Command::new("mkfifo").arg(&path).status().unwrap().success()),
            }
            let before = fs::symlink_metadata(&path).unwrap();
            for line in [line.clone(), format!("--dry-run {line}")] {
                let (exit, said) = refused(&desk, &line);
                assert_eq!(exit, 2, "{line}: {said}");
                assert!(said.contains(&format!(", found {found}\nhint: ")), "{line}: {said}");
            }
            let after = fs::symlink_metadata(&path).unwrap();
            assert_eq!((before.file_type(), before.len()), (after.file_type(), after.len()), "{line}");
            if before.is_dir() { fs::remove_dir(&path).unwrap() } else { fs::remove_file(&path).unwrap() }
        }
        // Nothing, an empty file as mktemp makes it, and what it wrote itself.
        desk.done(&line);
        fs::write(&path, "").unwrap();
        desk.done(&line);
        desk.done(&line);
        // But nothing of another kind.
        for (other, _) in lines.iter().filter(|(other, _)| !other.contains("--out") && **other != *line) {
            if (other.contains("--svg"), line.contains("--svg")) == (true, true)
                || other.contains("bundle") == line.contains("bundle")
            {
                continue;
            }
            assert_eq!(refused(&desk, &other.replace("FILE", file)).0, 2, "{other} over {file}");
        }
    }
    assert!(fs::read_to_string(desk.path().join("k")).unwrap().contains("PRIVATE KEY"));
    assert_eq!(refused(&desk, "bundle public repo/root/1.root.json").0, 2);
    desk.done("--repo repo release list");
}

#[test]
fn what_we_wrote_is_known_by_its_beginning() {
    for (output, head, lying) in [
        (Output::Bundle, "", Lying::Nothing),
        (Output::Bundle, "updog-bundle\0\0", Lying::Ours),
        (Output::Bundle, "updog-bundles", Lying::Other("another file")),
        (Output::Picture, "updog-bundle\0\0", Lying::Other("another file")),
        (
            Output::Picture,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>",
            Lying::Other("another file"),
        ),
        (Output::Page, "<!doctype html>\n<title>Mine</title>", Lying::Other("another file")),
    ] {
        assert_eq!(output.judge(head.as_bytes()), lying, "{output:?} {head}");
    }
}

#[test]
fn a_private_key_is_no_target() {
    let desk = Desk::published();
    let path = |name: &str| desk.path().join(name);
    let pem = fs::read_to_string(path("k")).unwrap();
    let der = pem::parse(&pem).unwrap();
    fs::write(path("der"), der.contents()).unwrap();
    fs::write(path("script"), format!("#!/bin/sh\ncat <<E\n{pem}E\n")).unwrap();
    fs::write(path("plain"), "#!/bin/sh\n# -----BEGIN of a PRIVATE KEY----- is a line of PEM\n").unwrap();
    desk.done("--repo repo key new t");
    desk.done("--repo repo delegation add tools --key t.pub --path *");
    for name in ["k", "der", "script"] {
        for line in [
            format!("--repo repo migrations set 1.0.0 1.1.0 {name}"),
            format!("--repo repo delegation sign tools --key t --target {name}"),
        ] {
            let (exit, said) = refused(&desk, &line);
            assert_eq!(exit, 50, "{line}: {said}");
            assert!(
                said.starts_with(&format!("error: refused target {name}: it holds a private key\nhint: ")),
                "{said}"
            );
            assert_eq!(desk.json(&line)["reason"], "key");
        }
    }
    let blobs = fs::read_dir(path("repo/blobs")).unwrap();
    for blob in blobs.map(|blob| blob.unwrap().path()) {
        assert!(
            !String::from_utf8_lossy(&fs::read(&blob).unwrap()).contains("-----BEGIN"),
            "{}",
            blob.display()
        );
    }
    desk.done("--repo repo migrations set 0.9.0 1.0.0 plain k.pub");
}

#[test]
fn a_private_key_that_was_typed_is_not_said_again() {
    let desk = Desk::published();
    let pem = fs::read_to_string(desk.path().join("k")).unwrap();
    let secret = pem.lines().nth(1).unwrap();
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_updog-repo"))
            .args(["--repo", "repo"])
            .args(words)
            .current_dir(desk.path())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert!(!said.contains(secret), "{said}");
        assert!(said.contains("[private key]"), "{said}");
        (output.status.code(), said)
    };
    let (glued, long) = (format!("--key={pem}"), format!("{} ", pem.replace('\n', " ")));
    for words in [
        &["sign", "--key", &pem] as &[&str],
        &["sign", &glued],
        &["sign", "--key", &long],
        &["key", "show", "--", &pem],
        &["root", "add-key", "--role", "all", "--", &pem],
        &["root", "add-key", &pem],
    ] {
        for json in [false, true] {
            let words: Vec<&str> =
                json.then_some("--json").into_iter().chain(words.iter().copied()).collect();
            let (exit, said) = run(&words);
            assert_eq!(exit, Some(2), "{said}");
            assert!(said.contains("--key takes a file or a key URI, not the key itself"), "{said}");
        }
    }
    fs::write(desk.path().join("repo/repo.toml"), format!("[keys]\nann = \"\"\"{pem}\"\"\"\n")).unwrap();
    assert_eq!(run(&["doctor"]).0, Some(12));
    assert_eq!(run(&["--json", "doctor"]).0, Some(12));
}

#[test]
fn hosts_read_no_working_folder_and_no_private_key() {
    let desk = Desk::published();
    fs::rename(desk.path().join("k"), desk.path().join("key")).unwrap();
    for (dest, how) in [
        (".", "holds"),
        ("public/..", "holds"),
        ("repo", "is"),
        ("repo/blobs", "lies in the files of"),
        ("repo/stage/deep", "lies in the files of"),
    ] {
        for verb in ["--repo repo publish", "--repo repo --dry-run publish", "--repo repo mirror public"] {
            let (exit, said) = refused(&desk, &format!("{verb} {dest}"));
            assert_eq!(exit, 2, "{verb} {dest}: {said}");
            assert!(
                said.contains(&format!("refused to write to {dest}: it {how} the working folder ")),
                "{said}"
            );
        }
    }
    // One that was not named is one all the same.
    assert_eq!(refused(&desk, "mirror public repo").0, 2);
    desk.done("--repo repo publish repo/www");
    for place in ["release.key", "metadata/release.key", "targets/release.key"] {
        let place = desk.path().join("repo/www").join(place);
        fs::copy(desk.path().join("key"), &place).unwrap();
        for verb in ["--repo repo publish", "mirror public"] {
            let (exit, said) = refused(&desk, &format!("{verb} repo/www"));
            assert_eq!(exit, 50, "{said}");
            assert!(said.contains("release.key lies there\nhint: move it"), "{said}");
        }
        fs::remove_file(place).unwrap();
    }
    desk.done("--repo repo publish repo/www");
}

/// A limit of the shell stands for the full disk: the first byte is refused, as by a disk without room.
#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let desk = Desk::published();
    for line in [
        "key show k.pub",
        "--json key show k.pub",
        "--json key show nowhere",
        "validate public",
        "--help",
        "--version",
        "--json --help",
        "--json nonsense",
    ] {
        let mut run = Command::new("sh");
        run.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_updog-repo")]);
        run.args(line.split_whitespace()).current_dir(desk.path());
        let output = run.stdout(File::create(desk.path().join("said")).unwrap()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(40), "{line}: {said}");
        assert!(said.contains("error: failed to write standard output: "), "{line}: {said}");
    }
    // A reader that went away has what it wanted.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut run = Command::new(env!("CARGO_BIN_EXE_updog-repo"));
    run.args(["key", "show", "k.pub"]).current_dir(desk.path()).stdout(writer).stderr(Stdio::piped());
    let output = run.output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

#[test]
fn a_password_that_lacks_its_scheme_is_not_said() {
    let desk = Desk::published();
    for line in [
        "validate //u:SECRET@host/",
        "--repo repo publish //u:SECRET@host/",
        "mirror public //u:SECRET@host",
        "report public --out //u:SECRET@host/x",
    ] {
        for line in [line.to_owned(), format!("--json {line}")] {
            let output = desk.output(&line);
            assert_eq!(output.status.code(), Some(2), "{line}");
            let said = [output.stdout, output.stderr].concat();
            assert!(!String::from_utf8(said).unwrap().contains("SECRET"), "{line}");
        }
    }
}

#[test]
fn where_nothing_was_published_nothing_is_to_be_written_anew() {
    let desk = Desk::published();
    fs::create_dir(desk.path().join("empty")).unwrap();
    for dest in ["nowhere", "empty"] {
        for verb in [
            "--repo repo refresh --key k",
            "--repo repo prune",
            "--repo repo prune --delete",
            "--repo repo validate",
        ] {
            let (exit, said) = refused(&desk, &format!("{verb} {dest}"));
            assert_eq!(exit, 2, "{verb} {dest}: {said}");
            assert!(
                said.contains("failed to find metadata/ in ") && !said.contains("--from-scratch"),
                "{said}"
            );
        }
    }
    assert!(!desk.path().join("nowhere").exists());
    assert_eq!(fs::read_dir(desk.path().join("empty")).unwrap().count(), 0);
}

#[test]
fn a_server_that_says_no_or_nonsense_is_not_asked_again() {
    let desk = Desk::published();
    let server = Server::start(desk.path().join("public"), Faults::default()).unwrap();
    let long = Faults { only: Some("timestamp.json".into()), length: Length::Endless, ..Faults::default() };
    for (faults, exit, word) in [
        (Faults { status: Some(401), ..Faults::default() }, 2, "NAME:PASSWORD@HOST"),
        (long, 30, "no repository answers so"),
    ] {
        server.set(faults);
        for verb in ["validate", "expirations", "mirror --root public/metadata/1.root.json"] {
            let to = if verb.starts_with("mirror") { "copy" } else { "" };
            let (verb, more) = verb.split_once(' ').unwrap_or((verb, ""));
            let (found, said) = refused(&desk, &format!("{verb} {} {to} {more}", server.url()));
            assert_eq!(found, exit, "{verb}: {said}");
            assert!(said.contains(word), "{said}");
        }
    }
}

#[test]
fn doctor_looks_at_the_rest_of_a_damaged_folder() {
    let desk = Desk::published();
    for torn in ["", "{", "{\"format\":2,\"published\":{}}"] {
        fs::write(desk.path().join("repo/updog-repo.json"), torn).unwrap();
        let answer = desk.json("--repo repo doctor");
        assert_eq!(answer["exit"], 12, "{answer}");
        let findings = answer["data"]["findings"].as_array().unwrap();
        assert!(
            findings.iter().any(|finding| finding["what"].as_str().unwrap().contains("updog-repo.json")),
            "{answer}"
        );
        assert!(findings.iter().all(|finding| finding["kind"] != "root_chain"), "{answer}");
        assert_eq!(desk.run("--repo repo release list"), 2);
    }
}

#[test]
fn a_hint_is_about_what_is_wrong() {
    let desk = Desk::published();
    fs::write(desk.path().join("repo/root/next.json"), "{").unwrap();
    for (line, exit, word, hint) in [
        ("--repo repo root show", 2, "root/next.json", "bring it back from version control"),
        ("--clock 2099-01-01T00:00:00Z mirror public copy", 30, "expired", "check the clock"),
        ("key new other --encrypt --passphrase-fd 99", 2, "descriptor 99", "open it for this command"),
    ] {
        let (found, said) = refused(&desk, line);
        assert_eq!(found, exit, "{line}: {said}");
        assert!(said.contains(word) && said.contains(&format!("hint: {hint}")), "{line}: {said}");
    }
    assert_eq!(desk.run("--repo repo waves pause 1.0.0 --reason \u{202e}egral"), 2);
}
