//! The verbs that ask a repository: answers, codes and Bottlerocket's words, over real HTTP.

use std::fs;

use fixtures::server::{Faults, Server};
use fixtures::tuf::Repository;
use release::manifest::{Halt, Manifest, Ours, Update};
use release::payload::FrameWriter;
use release::{Digest, Images, ReleaseId};
use serde_json::{Map, Value};

use crate::host::{Host, NOW, flags, raw, write};

/// A repository that this host asks.
pub(crate) struct Served {
    pub(crate) host: Host,
    pub(crate) repository: Repository,
    manifest: Manifest,
    pub(crate) server: Server,
}

impl Served {
    pub(crate) fn new() -> Served {
        let host = Host::new();
        let repository = Repository::new(NOW.parse().unwrap());
        let server = Server::start(host.path("served"), Faults::default()).unwrap();
        let url = server.url();
        let url = url.as_str().trim_end_matches('/');
        write(host.path("root.json"), repository.root(1));
        let config = format!(
            "metadata_base_url = \"{url}/metadata/\"\ntargets_base_url = \"{url}/targets/\"\nroot = \"{}\"\nseed = 1024\nretries = 0\n",
            host.path("root.json").display()
        );
        write(host.config(), config);
        Served { host, repository, manifest: Manifest::default(), server }
    }

    /// Publishes a release, changed by `change`.
    pub(crate) fn publish(&mut self, version: &str, change: impl FnOnce(&mut Update)) -> ReleaseId {
        let targets = &mut self.repository.roles.get_mut("targets").unwrap().targets;
        let name = |image, end: &str| format!("tiny-x86_64-{version}-{image}.{end}");
        let digests = Images::from_fn(|image| {
            let mut frames = Vec::new();
            let writer =
                FrameWriter { level: 1, threads: std::num::NonZeroUsize::MIN, ..FrameWriter::default() };
            let index =
                writer.write(&mut raw(version, image).as_slice(), &mut frames, |_| {}).unwrap().encode();
            let digest = Digest::of(&index);
            targets.insert(name(image, "img.zst"), frames);
            targets.insert(name(image, "idx"), index);
            digest
        });
        let release = ReleaseId::of(&digests);
        let mut update = Update {
            variant: "tiny".to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            version: version.parse().unwrap(),
            max_version: "9.0.0".parse().unwrap(),
            waves: std::collections::BTreeMap::new(),
            images: Images::from_fn(|image| name(image, "img.zst")),
            updog: Some(Ours {
                release,
                index: Images::from_fn(|image| name(image, "idx")),
                deltas: Vec::new(),
                from: None,
                paused: None,
                yanked: None,
                notes: String::new(),
                extra_index: Map::new(),
                extra: Map::new(),
            }),
            extra_images: Map::new(),
            extra: Map::new(),
        };
        change(&mut update);
        self.manifest.updates.push(update);
        self.write();
        release
    }

    /// Publishes another word about a release.
    pub(crate) fn change(&mut self, version: &str, change: impl FnOnce(&mut Update)) {
        let found = self.manifest.updates.iter_mut().find(|update| update.version.to_string() == version);
        change(found.unwrap());
        self.write();
    }

    fn write(&mut self) {
        let targets = &mut self.repository.roles.get_mut("targets").unwrap().targets;
        targets.insert("manifest.json".to_owned(), self.manifest.encode().unwrap());
        self.repository.publish();
        self.repository.write(&self.host.path("served")).unwrap();
    }
}

pub(crate) fn waves(update: &mut Update) {
    let at = |text: &str| text.parse().unwrap();
    update.waves = [(0, at("2026-01-02T03:00:00Z")), (2048, at("2026-01-02T05:00:00Z"))].into();
}

pub(crate) fn halt() -> Halt {
    Halt { at: NOW.parse().unwrap(), reason: "it eats disks".to_owned(), extra: Map::new() }
}

#[test]
fn check_says_which_rule_decided_and_until_when() {
    type Change = fn(&mut Update);
    let cases: [(Change, i32, Option<&str>); 9] = [
        (|_| (), 0, None),
        (waves, 11, Some("wave")),
        (|update| update.updog.as_mut().unwrap().paused = Some(halt()), 11, Some("paused")),
        (|update| update.updog.as_mut().unwrap().yanked = Some(halt()), 10, Some("yanked")),
        (|update| update.variant = "other".into(), 10, Some("variant")),
        (|update| update.arch = "other".into(), 10, Some("arch")),
        (|update| update.max_version = "1.0.9".parse().unwrap(), 10, Some("max_version")),
        (|update| update.version = "1.0.0".parse().unwrap(), 10, Some("not_newer")),
        (|update| update.updog.as_mut().unwrap().from = Some(">=1.0.5".parse().unwrap()), 10, Some("floor")),
    ];
    for (change, code, reason) in cases {
        let mut served = Served::new();
        served.publish("1.1.0", change);
        let answer = served.host.json(&["check", "--explain"]);
        assert_eq!(
            (answer["exit"].as_i64(), answer["reason"].as_str()),
            (Some(code.into()), reason),
            "{answer}"
        );
        assert_eq!(answer["data"]["candidates"][0]["reason"].as_str(), reason);
        for verb in ["plan", "stage", "apply"] {
            if code != 0 || verb == "apply" {
                assert_eq!(served.host.json(&[verb])["exit"], code, "{verb} {reason:?}");
            }
        }
        assert_eq!(flags(&served.host.slots()) == "1/7/1 2/3/0", code == 0);
    }
}

#[test]
fn a_wave_is_told_with_its_time_and_can_be_ignored() {
    let mut served = Served::new();
    served.publish("1.1.0", waves);
    let said = served.host.updog(&["check"]);
    assert_eq!(said.code, 11, "{said:?}");
    assert_eq!(said.stdout, "No update: 1.1.0 opens for seed 1024 at 2026-01-02T04:00:00Z (wave 1 of 1).\n");
    assert_eq!(served.host.json(&["check"])["data"]["until"], "2026-01-02T04:00:00Z");
    assert_eq!(served.host.updog(&["check", "--ignore-waves"]).code, 0);
}

#[test]
fn apply_moves_bytes_once_and_says_how_many() {
    let mut served = Served::new();
    let release = served.publish("1.1.0", |_| ());
    let plan = served.host.json(&["plan"]);
    assert_eq!((&plan["exit"], &plan["data"]["plan"]["slot"]), (&0.into(), &"B".into()), "{plan}");
    assert_eq!(flags(&served.host.slots()), "1/7/1 0/0/0");
    let staged = served.host.json(&["stage"]);
    assert_eq!(staged["data"]["written_bytes"], 3 * 8192, "{staged}");
    assert_eq!(staged["data"]["release"], release.to_string());
    let again = served.host.json(&["apply"]);
    assert_eq!(
        (&again["data"]["written_bytes"], &again["data"]["reused_bytes"]),
        (&0.into(), &(3 * 8192).into())
    );
    let said = served.host.updog(&["apply"]);
    assert_eq!(said.stdout.lines().last(), Some("slot B armed: 1.1.0, 3 tries, boots next"), "{said:?}");
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
}

/// One turn of the timer takes it; the next ones have nothing to do, which is no failure.
#[test]
fn auto_takes_what_is_open_and_is_quiet_otherwise() {
    let mut served = Served::new();
    let turn = |served: &Served| {
        let answer = served.host.json(&["auto"]);
        (answer["exit"].as_i64(), answer["reason"].as_str().map(str::to_owned))
    };
    served.publish("1.0.0", |_| ());
    assert_eq!(turn(&served), (Some(0), Some("not_newer".to_owned())));
    served.publish("1.1.0", waves);
    assert_eq!(turn(&served), (Some(0), Some("wave".to_owned())));
    assert_eq!(flags(&served.host.slots()), "1/7/1 0/0/0");
    served.publish("1.2.0", |_| ());
    let said = served.host.updog(&["auto"]);
    assert_eq!(said.stdout.lines().last(), Some("slot B armed: 1.2.0, 3 tries, boots next"), "{said:?}");
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
    assert_eq!(served.host.updog(&["auto"]).stdout, "slot B (1.2.0) is armed\n");
}

#[test]
fn a_release_that_failed_here_is_not_offered_again() {
    let mut served = Served::new();
    served.publish("1.2.0", |_| ());
    assert_eq!(served.host.updog(&["apply"]).code, 0);
    for _ in 0..4 {
        served.host.restart();
    }
    assert_eq!(served.host.updog(&["confirm"]).stdout, "slot A (1.0.0) confirmed: rolled_back, 7 tries\n");
    let answer = served.host.json(&["check"]);
    assert_eq!((answer["exit"].as_i64(), answer["reason"].as_str()), (Some(10), Some("failed_before")));
    assert_eq!(served.host.updog(&["check"]).stdout, format!("No update: 1.2.0 was rolled back at {NOW}.\n"));
    // Once more by choice: every piece is right already.
    let again = served.host.json(&["apply", "--retry"]);
    assert_eq!((&again["exit"], &again["data"]["written_bytes"]), (&0.into(), &0.into()), "{again}");
}

#[test]
fn a_release_without_an_index_can_be_seen_and_not_applied() {
    let mut served = Served::new();
    served.publish("1.1.0", |update| update.updog = None);
    assert_eq!(served.host.updog(&["check"]).code, 0);
    assert_eq!(served.host.updog(&["plan"]).code, 0);
    for verb in ["stage", "apply"] {
        let answer = served.host.json(&[verb]);
        assert_eq!(
            (answer["exit"].as_i64(), answer["reason"].as_str()),
            (Some(50), Some("no_index")),
            "{answer}"
        );
    }
    assert_eq!(flags(&served.host.slots()), "1/7/1 0/0/0");
}

#[test]
fn no_server_is_transient_and_a_foreign_key_is_untrusted() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let config = fs::read_to_string(served.host.config()).unwrap();
    let foreign = Repository {
        keys: [("root", vec![9]), ("timestamp", vec![9]), ("snapshot", vec![9]), ("targets", vec![9])].into(),
        ..Repository::new(NOW.parse().unwrap())
    };
    let mut foreign = foreign;
    foreign.versions.clear();
    foreign.new_root(&[]);
    write(served.host.path("root.json"), foreign.root(1));
    let answer = served.host.json(&["check"]);
    assert_eq!(
        (answer["exit"].as_i64(), answer["reason"].as_str()),
        (Some(30), Some("untrusted")),
        "{answer}"
    );
    write(served.host.path("root.json"), served.repository.root(1));
    let nobody: Vec<String> = config.lines().map(unserved).collect();
    write(served.host.config(), nobody.join("\n"));
    let said = served.host.updog(&["check"]);
    assert_eq!(said.code, 20, "{said:?}");
}

/// Nobody listens on port 1.
pub(crate) fn unserved(line: &str) -> String {
    match line.split_once("http://127.0.0.1:") {
        Some((key, rest)) => format!("{key}http://127.0.0.1:1{}", &rest[rest.find('/').unwrap()..]),
        None => line.to_owned(),
    }
}

#[test]
fn bottlerockets_words_codes_and_objects() {
    let mut served = Served::new();
    served.publish("1.1.0", waves);
    for name in ["check-update", "whats"] {
        let said = served.host.updog(&[name]);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said:?}");
        assert!(said.stderr.lines().any(|line| line == "No update available"), "{said:?}");
    }
    for name in ["update", "update-image"] {
        let said = served.host.updog(&[name]);
        assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said:?}");
        assert!(said.stderr.lines().any(|line| line == "No update required"), "{said:?}");
    }
    let said = served.host.updog(&["check-update", "-n"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "tiny 1.1.0\n"), "{said:?}");
    let said = served.host.updog(&["whats", "--ignore-waves", "--json"]);
    let object: Value = serde_json::from_str(&said.stdout).unwrap();
    let keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).take(6).collect();
    assert_eq!(keys, ["variant", "arch", "version", "max_version", "waves", "images"]);
    assert!(said.stdout.starts_with("{\n  \"variant\""), "pretty: {said:?}");
    let said = served.host.updog(&["check-update", "-a", "-n", "-j"]);
    assert_eq!(serde_json::from_str::<Value>(&said.stdout).unwrap().as_array().unwrap().len(), 1);
    let said = served.host.updog(&["update-image", "-n"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "Update applied: tiny 1.1.0\n"), "{said:?}");
    assert!(said.stderr.contains("Starting update to 1.1.0\n"), "{said:?}");
    assert_eq!(flags(&served.host.slots()), "1/7/1 0/0/0");
    let said = served.host.updog(&["update", "-i", "1.1.0", "-n"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(flags(&served.host.slots()), "1/7/1 2/3/0");
}

/// `-i` is also how Bottlerocket's users go down and install the running version again.
#[test]
fn a_forced_version_may_be_lower_or_the_running_one() {
    let mut served = Served::new();
    served.publish("0.9.0", |_| ());
    served.publish("1.0.0", |_| ());
    for version in ["0.9.0", "1.0.0"] {
        let said = served.host.updog(&["check-update", "-i", version]);
        assert_eq!((said.code, said.stdout), (0, format!("tiny {version}\n")));
        assert_eq!(served.host.updog(&["check", "--to", version]).code, 10, "ours asks for more");
    }
}
