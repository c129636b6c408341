//! `release.json`: as documented, and nothing that could not be published.

use proptest::prelude::*;
use release::folder::{FolderError, Package, RawImage, ReleaseJson};
use release::{Digest, Images, Version};
use serde_json::{Map, Value, json};

use crate::golden::golden;

const GOLDEN: &[u8] = include_bytes!("../../../fixtures/golden/release-folder/release.json");

#[test]
fn release_json_is_as_documented() {
    golden!("release-folder/release.json", release().encode().unwrap());
    assert_eq!(ReleaseJson::parse(GOLDEN).unwrap(), release());
}

#[test]
fn unknown_keys_are_kept() {
    let mut value: Value = serde_json::from_slice(GOLDEN).unwrap();
    value["x-builder"] = json!({"commit": "4f2a"});
    value["images"]["root"]["x-inodes"] = json!(4711);
    let release = ReleaseJson::parse(value.to_string().as_bytes()).unwrap();
    let again: Value = serde_json::from_slice(&release.encode().unwrap()).unwrap();
    assert_eq!(again, value);
}

#[test]
fn what_could_not_be_published_is_refused() {
    type Edit = fn(&mut Value);
    let cases: [(Edit, &str); 12] = [
        (|v| v["format"] = json!(2), "release.json has format 2: expected 1"),
        (|v| v["variant"] = json!("a/b"), "release.json has an unusable variant"),
        (|v| v["arch"] = json!(""), "release.json has an unusable arch"),
        (|v| v["variant"] = json!("v".repeat(180)), "release.json has an unusable version"),
        (|v| v["version"] = json!("v1.0.0"), "failed to parse release.json"),
        (|v| v["images"]["root"]["file"] = json!("../root.img"), "release.json has an unusable image file"),
        (
            |v| v["images"]["root"]["file"] = json!("boot.img"),
            "release.json names boot.img for more than one image",
        ),
        (
            |v| v["images"]["hash"]["length"] = json!(4097),
            "release.json gives image hash a length of 4097 bytes: expected a multiple of 4096 above 0",
        ),
        (
            |v| v["images"]["boot"]["length"] = json!(0),
            "release.json gives image boot a length of 0 bytes: expected a multiple of 4096 above 0",
        ),
        (|v| v["images"]["boot"]["sha256"] = json!("AB"), "failed to parse release.json"),
        (|v| v["root_hash"] = Value::Null, "failed to parse release.json"),
        (|v| v["created"] = json!("yesterday"), "failed to parse release.json"),
    ];
    for (edit, expected) in cases {
        let mut value: Value = serde_json::from_slice(GOLDEN).unwrap();
        edit(&mut value);
        let error = ReleaseJson::parse(value.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let mut wrong = release();
    wrong.format = 3;
    assert!(matches!(wrong.encode(), Err(FolderError::Format { found: 3 })), "nor written");
}

proptest! {
    #[test]
    fn damaged_files_have_an_answer(
        changes in prop::collection::vec((0..GOLDEN.len().max(1), any::<u8>()), 1..5),
    ) {
        let mut bytes = GOLDEN.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        if let Ok(release) = ReleaseJson::parse(&bytes) {
            prop_assert!(ReleaseJson::parse(&release.encode().unwrap()).unwrap() == release);
        }
    }
}

fn release() -> ReleaseJson {
    let image = |name: &str, length| RawImage {
        file: format!("{name}.img"),
        length,
        sha256: Digest::of(name.as_bytes()),
        extra: Map::new(),
    };
    let package = |name: &str, version: &str| Package { name: name.to_owned(), version: version.to_owned() };
    ReleaseJson {
        format: 1,
        variant: "container".to_owned(),
        arch: "x86_64".to_owned(),
        version: Version::new(1, 10, 0),
        created: chrono::DateTime::from_timestamp(1_772_323_200, 0).unwrap_or_default(),
        images: Images {
            boot: image("boot", 41_943_040),
            root: image("root", 268_435_456),
            hash: image("hash", 2_129_920),
        },
        root_hash: Digest::of(b"root hash"),
        packages: vec![package("base-files", "13.8+deb13u1"), package("containerd", "1.7.24~ds1-6+b4")],
        extra: Map::new(),
    }
}
