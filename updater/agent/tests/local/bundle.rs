//! `--bundle`: a host without a network updates from one file or from a folder, by the same rules as from a mirror.

use std::fs;
use std::path::{Path, PathBuf};

use release::bundle::{Name, Writer};
use serde_json::Value;

use crate::host::{NOW, flags, write};
use crate::online::Served;

/// Puts what is published into a bundle, but what `keep` leaves out.
fn pack(served: &Served, file: &str, keep: impl Fn(&str) -> bool) -> PathBuf {
    let folder = served.host.path("served");
    let mut members = Vec::new();
    for part in ["metadata", "targets"] {
        for entry in fs::read_dir(folder.join(part)).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            let name = if part == "metadata" { Name::metadata(&file) } else { Name::target(&file) };
            if keep(&file) {
                members.push((name.unwrap(), fs::read(path).unwrap()));
            }
        }
    }
    members.sort();
    let mut writer = Writer::new(Vec::new()).unwrap();
    for (name, bytes) in &members {
        writer.add(name, bytes).unwrap();
    }
    let path = served.host.path(file);
    write(&path, writer.finish().unwrap());
    path
}

fn with<'a>(verb: &'a str, bundle: &'a Path) -> [&'a str; 3] {
    [verb, "--bundle", bundle.to_str().unwrap()]
}

fn ending(answer: &Value) -> (i64, Option<&str>) {
    (answer["exit"].as_i64().unwrap(), answer["reason"].as_str())
}

#[test]
fn a_host_updates_from_a_file_or_a_folder_and_asks_no_server() {
    for in_folder in [false, true] {
        let mut served = Served::new();
        served.publish("1.1.0", |_| ());
        let bundle = if in_folder { served.host.path("served") } else { pack(&served, "b", |_| true) };
        for verb in ["check", "plan", "stage"] {
            assert_eq!(ending(&served.host.json(&with(verb, &bundle))), (0, None), "{verb}");
        }
        assert_eq!(flags(&served.host.slots()), "1/7/1 0/0/0");
        let said = served.host.updog(&with("apply", &bundle));
        assert_eq!(said.stdout.lines().last(), Some("slot B armed: 1.1.0, 3 tries, boots next"), "{said:?}");
        assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
        assert_eq!(served.server.log().len(), 0, "no network was touched");
    }
}

#[test]
fn two_bundles_in_sequence_and_never_back() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let first = pack(&served, "first", |_| true);
    served.publish("1.2.0", |_| ());
    let second = pack(&served, "second", |_| true);
    assert_eq!(served.host.updog(&with("apply", &first)).code, 0);
    let said = served.host.updog(&with("apply", &second));
    assert_eq!(said.stdout.lines().last(), Some("slot B armed: 1.2.0, 3 tries, boots next"), "{said:?}");
    // What this host has seen, it does not forget: the older bundle is refused, by any verb.
    let answer = served.host.json(&with("check", &first));
    assert_eq!(ending(&answer), (30, Some("untrusted")), "{answer}");
    let said = served.host.updog(&with("stage", &first));
    assert!(said.stderr.contains("hint: this host has seen a newer one"), "{said:?}");
    assert_eq!(served.host.updog(&with("check", &second)).code, 0);
}

#[test]
fn an_expired_bundle_is_refused_with_its_time() {
    let mut served = Served::new();
    let day = chrono::TimeDelta::days(1);
    let ended = NOW.parse::<chrono::DateTime<chrono::Utc>>().unwrap() - day;
    served.repository.expiries.insert("timestamp".to_owned(), ended);
    served.publish("1.1.0", |_| ());
    let said = served.host.updog(&with("apply", &pack(&served, "b", |_| true)));
    assert_eq!(said.code, 30, "{said:?}");
    assert!(said.stderr.contains("expired") && said.stderr.contains("bring a newer bundle"), "{said:?}");
    assert_eq!(flags(&served.host.slots()), "1/7/1 0/0/0");
}

/// The manifest lists all releases, a bundle carries some: the newest of those is taken.
#[test]
fn a_release_that_is_left_out_is_not_chosen() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    served.publish("1.2.0", |_| ());
    let part = pack(&served, "part", |name| !name.contains("-1.2.0-"));
    let said = served.host.updog(&with("apply", &part));
    assert_eq!(said.stdout.lines().last(), Some("slot B armed: 1.1.0, 3 tries, boots next"), "{said:?}");
    assert!(said.stderr.contains("leaves out the files of 1 release(s)"), "{said:?}");
}

#[test]
fn what_is_no_bundle_is_refused() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let whole = fs::read(pack(&served, "b", |_| true)).unwrap();
    let bad = served.host.path("bad");
    for length in [0, 1, 511, 1024, 1024 + 512, whole.len() / 2, whole.len() - 1] {
        write(&bad, &whole[..length]);
        let answer = served.host.json(&with("apply", &bad));
        assert_eq!(ending(&answer), (30, Some("untrusted")), "{length} bytes: {answer}");
    }
    assert_eq!(ending(&served.host.json(&with("check", &served.host.path("nowhere")))).0, 2);
    assert_eq!(ending(&served.host.json(&with("check", Path::new("/dev/zero")))).0, 2);
    let rootless = pack(&served, "r", |name| name != "timestamp.json");
    assert_eq!(ending(&served.host.json(&with("check", &rootless))).0, 30);
    assert_eq!(flags(&served.host.slots()), "1/7/1 0/0/0");
}

/// Any byte of the file flipped: refused, or the slot ends up the same.
#[test]
fn a_flipped_byte_is_refused_or_means_nothing() {
    let mut served = Served::new();
    let release = served.publish("1.1.0", |_| ());
    let whole = fs::read(pack(&served, "b", |_| true)).unwrap();
    let (bad, mut refused) = (served.host.path("bad"), 0);
    // A step that hits headers, metadata, indexes and frames alike, in some 60 runs.
    let step = (whole.len() / 60) | 1;
    for at in (0..whole.len()).step_by(step) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        write(&bad, &bytes);
        let before = served.host.bytes();
        let answer = served.host.json(&with("stage", &bad));
        match ending(&answer).0 {
            0 => assert_eq!(answer["data"]["release"], release.to_string(), "byte {at}"),
            30 => refused += 1,
            // The end of a long name: the file is not there under its own.
            2 | 10 => {}
            other => panic!("byte {at}: exit {other}: {answer}"),
        }
        let armed = flags(&served.host.slots());
        assert_eq!(armed, "1/7/1 0/0/0", "byte {at}");
        // The next one starts from the same host.
        write(served.host.disk(), before);
        fs::remove_dir_all(served.host.state()).unwrap();
        fs::create_dir(served.host.state()).unwrap();
    }
    assert!(refused > 30, "{refused} refused");
}
