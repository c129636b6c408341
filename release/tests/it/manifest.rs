//! The manifest: Bottlerocket's files in, ours out, and both clients read both.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use release::manifest::{Delta, Halt, Hop, Manifest, Ours, Update};
use release::{Digest, Images, ReleaseId, Version};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::golden::golden;

const THEIRS: &[u8] = include_bytes!("../../../fixtures/golden/manifest/bottlerocket.json");
const OLD: &[u8] = include_bytes!("../../../fixtures/golden/manifest/bottlerocket-old.json");
const PUBLISHED: &[u8] = include_bytes!("../../../fixtures/golden/manifest/ours.published.json");
const OURS: &[u8] = include_bytes!("../../../fixtures/golden/manifest/ours.json");

#[test]
fn bottlerockets_manifest_comes_out_as_it_went_in() {
    let manifest = Manifest::parse(THEIRS).unwrap();
    assert_eq!(manifest.check(), []);
    let keys: Vec<u32> = manifest.updates[1].waves.keys().copied().collect();
    assert_eq!(keys, [0, 20, 102, 307, 819, 1228, 1843]);
    assert!(manifest.updates.iter().all(|update| update.updog.is_none()));
    golden!("manifest/bottlerocket.json", manifest.encode_pretty().unwrap());
}

/// Keys out of order, keys that nobody knows, lenient times and wave keys: read as Bottlerocket reads them, written as
/// it writes them, nothing lost.
#[test]
fn an_old_manifest_is_read_leniently_and_written_strictly() {
    let manifest = Manifest::parse(OLD).unwrap();
    let old = &manifest.updates[0];
    let waves: Vec<(u32, String)> = old.waves.iter().map(|(&key, at)| (key, at.to_rfc3339())).collect();
    let expected = [
        (0, "2019-08-06T11:00:00+00:00"),
        (5, "2019-08-06T13:30:00+00:00"),
        (1024, "2019-08-06T15:00:00+00:00"),
        (4096, "2019-12-31T23:59:60+00:00"),
    ];
    assert_eq!(waves, expected.map(|(key, at)| (key, at.to_owned())));
    assert_eq!(old.extra["status"], "Ready");
    assert_eq!(old.extra_images["data"], "bottlerocket-aws-k8s-x86_64-0.3.4-data.ext4.lz4");
    assert_eq!(manifest.extra["datastore_versions"]["0.3.4"], "0.3");
    let written = manifest.encode_pretty().unwrap();
    golden!("manifest/bottlerocket-old.rewritten.json", written);
    assert_eq!(Manifest::parse(&written).unwrap(), manifest);
}

#[test]
fn ours_is_as_documented() {
    golden!("manifest/ours.json", ours().encode_pretty().unwrap());
    golden!("manifest/ours.published.json", ours().encode().unwrap());
    assert_eq!(Manifest::parse(PUBLISHED).unwrap(), ours());
    let parsed = Manifest::parse(OURS).unwrap();
    assert_eq!(parsed, ours());
    assert_eq!(parsed.check(), []);
}

/// What Bottlerocket's client makes of our manifest: six fields and the migrations, all else ignored.
#[test]
fn old_clients_read_ours() {
    let theirs: Theirs = serde_json::from_slice(OURS).unwrap();
    let ours = ours();
    assert_eq!(theirs.updates.len(), ours.updates.len());
    for (theirs, ours) in theirs.updates.iter().zip(&ours.updates) {
        assert_eq!((&theirs.variant, &theirs.arch), (&ours.variant, &ours.arch));
        assert_eq!((&theirs.version, &theirs.max_version), (&ours.version, &ours.max_version));
        let waves: BTreeMap<u32, DateTime<Utc>> =
            theirs.waves.iter().map(|(key, at)| (key.parse().unwrap(), *at)).collect();
        assert_eq!(waves, ours.waves);
        let images = [&theirs.images.boot, &theirs.images.root, &theirs.images.hash];
        assert_eq!(images, [&ours.images.boot, &ours.images.root, &ours.images.hash]);
    }
    let hops: Vec<&str> = theirs.migrations.keys().map(String::as_str).collect();
    assert_eq!(hops, ["(1.0.0, 1.1.0)", "(1.1.0, 1.10.0)", "(1.1.0, 1.2.0)", "(1.2.0, 1.10.0)"]);
    assert_eq!(theirs.migrations["(1.0.0, 1.1.0)"], ["migrate_v1.1.0_users.zst"]);
    // Their six fields come first, in their order, then ours.
    let text = str::from_utf8(OURS).unwrap();
    let order = ["variant", "arch", "version", "max_version", "waves", "images", "updog", "x-channel"];
    let at: Vec<usize> =
        order.iter().map(|field| text.find(&format!("\n      \"{field}\":")).unwrap()).collect();
    assert!(at.is_sorted(), "{at:?}");
}

#[test]
fn a_key_that_comes_twice_is_refused_in_any_spelling() {
    let with = |waves: &str, migrations: &str| {
        let text = format!(
            r#"{{"updates":[{{"variant":"v","arch":"a","version":"1.0.0","max_version":"1.0.0","waves":{waves},
            "images":{{"boot":"b","root":"r","hash":"h"}}}}],"migrations":{migrations}}}"#
        );
        Manifest::parse(text.as_bytes())
            .map_err(|error| std::error::Error::source(&error).unwrap().to_string())
    };
    assert!(with("{}", "{}").is_ok());
    let (t, u) = (r#""2026-01-01T00:00:00Z""#, r#""2026-01-02T00:00:00Z""#);
    for (first, second) in [("0", "0"), ("0", "00"), ("5", "+5"), ("20", "020")] {
        let error = with(&format!(r#"{{"{first}":{t},"{second}":{u}}}"#), "{}").unwrap_err();
        assert!(error.contains("is there twice"), "{first} and {second}: {error}");
    }
    for (first, second) in [("(1.0.0, 1.1.0)", "(1.0.0,1.1.0)"), ("(1.0.0, 1.1.0)", "x(1.0.0, 1.1.0)")] {
        let error = with("{}", &format!(r#"{{"{first}":[],"{second}":[]}}"#)).unwrap_err();
        assert!(error.contains("migration (1.0.0, 1.1.0) is there twice"), "{error}");
    }
    for waves in [
        r#"{"-1":"2026-01-01T00:00:00Z"}"#,
        r#"{"4294967296":"2026-01-01T00:00:00Z"}"#,
        r#"{"one":"2026-01-01T00:00:00Z"}"#,
        r#"{"1":"2026-13-01T00:00:00Z"}"#,
        r#"{"1":"2026-01-01"}"#,
        r#"{"1":1767225600}"#,
        "[]",
        "null",
    ] {
        assert!(with(waves, "{}").is_err(), "{waves}");
    }
}

#[test]
fn what_bottlerocket_refuses_is_refused() {
    let whole = || serde_json::from_slice::<Value>(THEIRS).unwrap();
    let parse = |value: &Value| Manifest::parse(value.to_string().as_bytes());
    assert!(parse(&whole()).is_ok());
    for field in ["variant", "arch", "version", "max_version", "waves", "images"] {
        let mut value = whole();
        value["updates"][0].as_object_mut().unwrap().remove(field);
        assert!(parse(&value).is_err(), "without {field}");
    }
    for field in ["updates", "migrations"] {
        let mut value = whole();
        value.as_object_mut().unwrap().remove(field);
        assert!(parse(&value).is_err(), "without {field}");
    }
    for version in ["1.0", "v1.0.0", "1", "", "01.0.0"] {
        let mut value = whole();
        value["updates"][0]["version"] = json!(version);
        assert!(parse(&value).is_err(), "version {version}");
    }
    let twice = str::from_utf8(THEIRS).unwrap().replacen("\"arch\"", "\"variant\": \"x\", \"arch\"", 1);
    assert!(Manifest::parse(twice.as_bytes()).is_err(), "a field twice");
    // In our object at any depth, known or not.
    let ours = str::from_utf8(OURS).unwrap();
    for key in ["format", "release", "paused", "reason", "from", "target", "x-ticket"] {
        let twice = ours.replacen(&format!("\"{key}\":"), &format!("\"{key}\": 1, \"{key}\":"), 1);
        assert!(twice != ours && Manifest::parse(twice.as_bytes()).is_err(), "{key} twice");
    }
    let twice = ours.replacen("\"x-ticket\": 4711", "\"x-ticket\": {\"a\": 1, \"a\": 1}", 1);
    assert!(twice != ours && Manifest::parse(twice.as_bytes()).is_err(), "an unknown key twice");
}

/// One release in a format of the future must not hide the others from the hosts of today.
#[test]
fn a_later_format_of_ours_is_kept_but_not_read() {
    let mut value: Value = serde_json::from_slice(OURS).unwrap();
    value["updates"][0]["updog"] = json!({"format": 2, "release": {"new": "shape"}});
    let manifest = Manifest::parse(value.to_string().as_bytes()).unwrap();
    assert_eq!(manifest.updates[0].updog, None);
    assert_eq!(manifest.updates[0].newer_format(), Some(2));
    assert!(manifest.updates[1].updog.is_some());
    let again: Value = serde_json::from_slice(&manifest.encode().unwrap()).unwrap();
    assert_eq!(again, value);
    for format in [json!(0), json!(-1), json!("1"), Value::Null] {
        value["updates"][0]["updog"] = json!({"format": format});
        assert!(Manifest::parse(value.to_string().as_bytes()).is_err(), "format {format}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_written_reads_the_same(manifest in manifest()) {
        let bytes = manifest.encode().unwrap();
        let parsed = Manifest::parse(&bytes).unwrap();
        prop_assert_eq!(&parsed, &manifest);
        prop_assert_eq!(parsed.encode().unwrap(), bytes.clone());
        for problem in parsed.check() {
            prop_assert!(!problem.to_string().is_empty());
        }
        let _: Theirs = serde_json::from_slice(&bytes).unwrap();
    }

    /// Damage anywhere: refused, or read as something that can be checked and written.
    #[test]
    fn damaged_manifests_have_an_answer(
        which in 0..3_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut bytes = [THEIRS, OLD, OURS][which].to_vec();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        if let Ok(manifest) = Manifest::parse(&bytes) {
            manifest.check();
            let again = manifest.encode().unwrap();
            prop_assert_eq!(Manifest::parse(&again).unwrap().encode().unwrap(), again);
        }
    }
}

/// Bottlerocket's client: these fields and no others matter to it.
#[derive(Deserialize)]
struct Theirs {
    updates: Vec<TheirUpdate>,
    migrations: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct TheirUpdate {
    variant: String,
    arch: String,
    version: Version,
    max_version: Version,
    waves: BTreeMap<String, DateTime<Utc>>,
    images: TheirImages,
}

#[derive(Deserialize)]
struct TheirImages {
    boot: String,
    root: String,
    hash: String,
}

/// The manifest of `fixtures/golden/manifest/ours.json`.
pub(crate) fn ours() -> Manifest {
    let id = |name: &str| ReleaseId::new(Digest::of(name.as_bytes()));
    let time = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
    let names = |version: &str, end: &str| {
        Images::from_fn(|image| format!("container-x86_64-{version}-{image}.{end}"))
    };
    let update = |version: &str| Update {
        variant: "container".to_owned(),
        arch: "x86_64".to_owned(),
        version: version.parse().expect("a version"),
        max_version: Version::new(1, 10, 0),
        waves: BTreeMap::new(),
        images: names(version, "img.zst"),
        updog: Some(Ours {
            release: id(version),
            index: names(version, "idx"),
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
    let mut full = update("1.10.0");
    full.waves =
        [(0, "2026-03-01T01:00:00Z"), (20, "2026-03-01T04:00:00.5Z"), (2048, "9999-01-01T00:00:00Z")]
            .into_iter()
            .map(|(key, at)| (key, time(at)))
            .collect();
    full.extra.insert("x-channel".to_owned(), json!({"name": "stable", "since": 3}));
    if let Some(ours) = &mut full.updog {
        ours.deltas = vec![Delta {
            image: "root".to_owned(),
            from: id("1.1.0"),
            target: format!("container-x86_64-1.10.0-root.from-{}.delta", id("1.1.0").short()),
            header_length: 88 + 48 * 512,
            header_sha256: Digest::of(b"header"),
            extra: Map::new(),
        }];
        ours.from = ">=1.0.0".parse().ok();
        ours.paused = Some(Halt {
            at: time("2026-03-01T05:00:00Z"),
            reason: "two hosts do not come back".to_owned(),
            extra: Map::new(),
        });
        ours.notes.push_str("kernel 6.12, containerd 2.1");
        ours.extra.insert("x-ticket".to_owned(), json!(4711));
    }
    let hop = |text: &str| text.parse::<Hop>().expect("a hop");
    let users = "migrate_v1.1.0_users.zst".to_owned();
    Manifest {
        updates: vec![update("1.1.0"), full],
        migrations: [
            (hop("(1.0.0, 1.1.0)"), vec![users]),
            (hop("(1.1.0, 1.2.0)"), vec![]),
            (hop("(1.1.0, 1.10.0)"), vec![]),
            (hop("(1.2.0, 1.10.0)"), vec![]),
        ]
        .into(),
        extra: Map::new(),
    }
}

/// Manifests of every shape that can be written.
fn manifest() -> impl Strategy<Value = Manifest> {
    let update = (
        ("[a-z0-9-]{0,9}", "[ -~]{0,9}", version(), version()),
        prop::collection::btree_map(any::<u32>(), time(), 0..5),
        prop::collection::vec(any::<String>(), 6),
        extra(),
        (prop::option::of((any::<u64>(), prop::option::of(time()), any::<String>())), extra(), extra()),
    );
    let update = update.prop_map(|((variant, arch, version, max_version), waves, names, extra, ours)| {
        let images = |at: usize| Images {
            boot: names[at].clone(),
            root: names[at + 1].clone(),
            hash: names[at + 2].clone(),
        };
        let (ours, extra_images, deeper) = ours;
        let updog = ours.map(|(number, halt, text)| {
            let id = ReleaseId::new(Digest::of(&number.to_le_bytes()));
            let halt = halt.map(|at| Halt { at, reason: text.clone(), extra: deeper.clone() });
            Ours {
                release: id,
                index: images(3),
                deltas: vec![
                    Delta {
                        image: text.clone(),
                        from: id,
                        target: text.clone(),
                        header_length: number,
                        header_sha256: *id.digest(),
                        extra: deeper.clone(),
                    };
                    usize::from(number % 2 == 0)
                ],
                from: ">=1.0.0, <2.0.0-rc.1".parse().ok().filter(|_| number % 3 == 0),
                paused: halt.clone().filter(|_| number % 5 < 3),
                yanked: halt,
                notes: text,
                extra_index: deeper.clone(),
                extra: deeper,
            }
        });
        Update { variant, arch, version, max_version, waves, images: images(0), updog, extra_images, extra }
    });
    let hop = (version(), version()).prop_map(|(from, to)| Hop { from, to });
    let migrations = prop::collection::btree_map(hop, prop::collection::vec(any::<String>(), 0..3), 0..6);
    (prop::collection::vec(update, 0..4), migrations, extra())
        .prop_map(|(updates, migrations, extra)| Manifest { updates, migrations, extra })
}

fn version() -> impl Strategy<Value = Version> {
    (0..3_u64, 0..12_u64, 0..3_u64, 0..4_usize).prop_map(|(major, minor, patch, tail)| {
        let tail = ["", "-rc.1", "+build.7", "-0.a+b"][tail];
        format!("{major}.{minor}.{patch}{tail}").parse().expect("a version")
    })
}

/// Every time that a manifest can say.
fn time() -> impl Strategy<Value = DateTime<Utc>> {
    (-62_135_596_800_i64..=253_402_300_799, prop_oneof![Just(0), 0_u32..1_000_000_000])
        .prop_map(|(seconds, nanos)| DateTime::from_timestamp(seconds, nanos).expect("in range"))
}

fn extra() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!([1, {"deep": []}])),
    ];
    prop::collection::vec(("x-[a-z]{0,5}", value), 0..3).prop_map(|pairs| pairs.into_iter().collect())
}
