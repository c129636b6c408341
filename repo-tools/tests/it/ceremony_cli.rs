//! The commands of docs/ceremony.md, word for word, and what they say when something is wrong.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::cli::Desk;

/// Every `sh` block of the page, line by line, in one shell a line, with a terminal on which somebody says yes.
#[test]
fn the_page_about_ceremonies_does_what_it_says() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ceremony.md");
    let page = fs::read_to_string(page).unwrap();
    let desk = Desk::new();
    let (mut lines, mut in_block) = (0, false);
    for line in page.lines() {
        match line {
            "```sh" => in_block = true,
            "```" => in_block = false,
            line if in_block && !line.is_empty() => {
                on_a_terminal(desk.path(), line);
                lines += 1;
            }
            _ => {}
        }
    }
    assert!(lines > 25, "{lines}");
    let names = fs::read_to_string(desk.path().join("public/metadata/2.root.json")).unwrap();
    assert!(names.contains("dora") && !names.contains("ann"), "{names}");
    assert!(desk.done("validate public --root repo/root/1.root.json").contains("no problems"));
}

fn on_a_terminal(dir: &Path, line: &str) {
    let program = Path::new(env!("CARGO_BIN_EXE_updog-repo")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut script = Command::new("script")
        .args(["--quiet", "--return", "--command", line, "/dev/null"])
        .env("PATH", path)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("script of Debian's bsdutils is missing: run `cargo xtask setup`");
    // A verb that asks nothing may have ended before it reads. Open until the end: script waits two seconds once it is not.
    let mut keyboard = script.stdin.take().unwrap();
    let _ = keyboard.write_all(b"y\n");
    let output = script.wait_with_output().unwrap();
    drop(keyboard);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{line}: {said}");
}

fn ready() -> Desk {
    let desk = Desk::new();
    for line in [
        "--repo r init",
        "key new ann",
        "key new ben",
        "key new eve",
        "key new online --type ed25519",
        "--repo r root add-key ann.pub --role root",
        "--repo r root add-key ben.pub --role root --name Ben",
        "--repo r root threshold root 2",
        "--repo r root add-key online.pub --role targets,snapshot,timestamp",
        "--repo r root propose --out ask",
    ] {
        desk.done(line);
    }
    desk
}

#[test]
fn a_signer_needs_the_file_and_the_key_and_must_agree() {
    let desk = ready();
    let ask = fs::read(desk.path().join("ask")).unwrap();
    // No terminal, no --yes: nothing is signed.
    assert_eq!(desk.run("root sign ask --key ann"), 2);
    assert_eq!(desk.run("root sign ask --key eve --yes"), 2);
    assert_eq!(desk.run("targets sign ask --key ann --yes"), 2);
    assert_eq!(desk.run("--clock 2036-01-01T00:00:00Z root sign ask --key ann --yes"), 50);
    desk.done("root sign ask --key ann --dry-run");
    assert_eq!(fs::read(desk.path().join("ask")).unwrap(), ask);
    let mut changed = String::from_utf8(ask.clone()).unwrap();
    changed = changed.replacen("root: 2 of 2", "root: 1 of 2", 1);
    fs::write(desk.path().join("changed"), changed).unwrap();
    let refused = desk.json("root sign changed --key ann --yes");
    assert_eq!((refused["exit"].as_i64(), refused["reason"].as_str()), (Some(30), Some("request")));
    assert!(refused["message"].as_str().unwrap().contains("changed: its text is not the one"), "{refused}");

    assert_eq!(desk.run("--repo r root check"), 11);
    assert_eq!(desk.run("--repo r root collect ask"), 2);
    let signed = desk.json("root sign ask --key ann --yes --out from-ann");
    assert_eq!(signed["data"]["missing"][0]["signatures"], 1);
    assert!(signed["data"]["text"].as_str().unwrap().contains("Ben "), "{signed}");
    desk.done("root sign ask --key ben --yes --out from-ben");
    assert_eq!(fs::read(desk.path().join("ask")).unwrap(), ask, "--out leaves the question");
    assert!(desk.done("--repo r root collect from-ann").contains("others must follow"));
    assert_eq!(desk.run("--repo r root collect from-ann"), 11);
    assert_eq!(desk.json("--repo r root check")["data"]["missing"][0]["signatures"], 1);
    assert_eq!(desk.run("--repo r root collect from-ben changed"), 30);
    assert_eq!(desk.run("--repo r root check"), 11, "nothing was taken");
    assert!(desk.done("--repo r root collect from-ben --dry-run").contains("dry run"));
    assert_eq!(desk.run("--repo r root check"), 11);
    assert!(desk.done("--repo r root collect from-ben").contains("root 1 is complete"));
    desk.done("--repo r root check");
    // Twice is boring, and a file is never written over another.
    desk.done("--repo r root collect from-ben from-ann");
    assert_eq!(desk.run("--repo r root propose"), 2);
    desk.done("--repo r root expire 300d");
    assert_eq!(desk.run("--repo r root propose --out ask"), 2);
    desk.done("--repo r root propose");
    desk.done("--repo r root propose");
    let sign = "root sign root-2.request --key ann --yes --out signed-2 --root";
    desk.done(&format!("{sign} r/root/1.root.json"));
    fs::write(desk.path().join("mine.json"), fs::read(desk.path().join("r/root/next.json")).unwrap())
        .unwrap();
    assert_eq!(desk.run(&format!("{sign} mine.json")), 30);
}

#[test]
fn nothing_secret_and_nothing_stray_is_in_a_request() {
    let desk = ready();
    desk.done("root sign ask --key ann --yes");
    let secret = fs::read_to_string(desk.path().join("ann")).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    let request = fs::read_to_string(desk.path().join("ask")).unwrap();
    assert!(!request.contains(secret) && request.is_ascii());
    assert!(!request.contains(desk.path().to_str().unwrap()));
    // The bytes to be signed are in it as they are: other tools can check and sign them.
    let block = pem::parse_many(&request).unwrap().remove(0);
    assert_eq!(block.tag(), "BYTES TO BE SIGNED");
    assert!(block.contents().starts_with(b"{\"_type\":\"root\""));
}

/// One of them has read the request, and is looking for the key, when the other one signs.
#[test]
fn two_who_sign_one_file_at_once_both_have_signed_it() {
    let desk = ready();
    let path = |name: &str| desk.path().join(name);
    assert!(Command::new("mkfifo").arg(path("slow")).status().unwrap().success());
    for out in ["ask", "answer"] {
        let more: &[&str] = if out == "ask" { &[] } else { &["--out", out] };
        let mut slow = Command::new(env!("CARGO_BIN_EXE_updog-repo"))
            .args(["root", "sign", "ask", "--key", "slow", "--yes"])
            .args(more)
            .current_dir(desk.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut key = open_for_reader(&path("slow"), &mut slow);
        desk.done(&format!("root sign ask --key ben --yes {}", more.join(" ")));
        key.write_all(&fs::read(path("ann")).unwrap()).unwrap();
        drop(key);
        assert!(slow.wait_with_output().unwrap().status.success());
        let signed = fs::read_to_string(path(out)).unwrap();
        assert_eq!(signed.lines().filter(|line| line.starts_with("signature ")).count(), 2, "{out}");
        desk.done(&format!("--repo r root collect {out} --dry-run"));
        fs::remove_file(path("ask")).unwrap();
        desk.done("--repo r root propose --out ask");
    }
}

/// A pipe that `reader` has open at its other end, or will have: while it lives, it is waited for.
fn open_for_reader(pipe: &Path, reader: &mut Child) -> fs::File {
    loop {
        // Without a reader this fails at once.
        match fs::OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(pipe) {
            Ok(file) => return file,
            Err(error) => assert!(reader.try_wait().unwrap().is_none(), "it has ended: {error}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_signed_request_takes_the_place_of_no_other_file() {
    let desk = ready();
    desk.done("--repo r root propose --out first");
    desk.done("--repo r root expire 300d");
    desk.done("--repo r root propose --out second");
    fs::write(desk.path().join("notes"), "not to be lost").unwrap();
    for out in ["notes", "ann", "ann.pub", "release/release.json", "second", "r/root/next.json"] {
        let before = fs::read(desk.path().join(out)).unwrap();
        let refused = desk.json(&format!("root sign first --key ann --yes --out {out}"));
        assert_eq!(refused["exit"], 2, "{refused}");
        assert!(
            refused["message"].as_str().unwrap().contains(&format!("{out}: another file is there")),
            "{refused}"
        );
        assert_eq!(fs::read(desk.path().join(out)).unwrap(), before, "{out}");
    }
    // The same request again, by the same signer and by another: what lies there stays in it.
    for (key, count) in [("ann", 1), ("ann", 1), ("ben", 2)] {
        desk.done(&format!("root sign first --key {key} --yes --out answer"));
        let answer = fs::read_to_string(desk.path().join("answer")).unwrap();
        assert_eq!(answer.lines().filter(|line| line.starts_with("signature ")).count(), count, "{key}");
    }
}

/// Of `fcntl.h`; the same on both architectures.
const O_NONBLOCK: i32 = 0o4000;

/// What a link leads to is signed, and stays what the link leads to.
#[test]
fn a_request_is_signed_through_a_link() {
    let desk = Desk::new();
    for line in ["init", "key new k --role all", "root propose --out rq"] {
        desk.done(&format!("--repo r {line}"));
    }
    let path = |name: &str| desk.path().join(name);
    std::fs::create_dir(path("far")).unwrap();
    std::fs::rename(path("rq"), path("far/rq")).unwrap();
    std::os::unix::fs::symlink("far/rq", path("lq")).unwrap();
    std::os::unix::fs::symlink(path("lq"), path("llq")).unwrap();
    let before = std::fs::read(path("far/rq")).unwrap();
    desk.done("root sign llq --key k --yes");
    for link in ["lq", "llq"] {
        assert!(std::fs::symlink_metadata(path(link)).unwrap().is_symlink(), "{link}");
    }
    assert_ne!(std::fs::read(path("far/rq")).unwrap(), before);
    desk.done("--repo r root collect far/rq");
    // A link to what is not there yet, and one that leads nowhere.
    desk.done("--repo r root new");
    desk.done("--repo r root expire 300d");
    std::os::unix::fs::symlink("far/later", path("out")).unwrap();
    desk.done("--repo r root propose --out out");
    assert!(path("far/later").is_file() && std::fs::symlink_metadata(path("out")).unwrap().is_symlink());
    std::os::unix::fs::symlink("circle", path("circle")).unwrap();
    let output = desk.output("--repo r root propose --out circle");
    assert!(output.status.code() == Some(40) || output.status.code() == Some(2), "{output:?}");
}
