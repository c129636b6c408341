//! The bill of materials: what SPDX 2.3 requires, and the same bytes for the same image.

#![expect(clippy::unwrap_used, reason = "a test stops where something fails")]

use std::collections::BTreeSet;

use release::Digest;
use serde_json::Value;
use updog_image::Arch;
use updog_image::sbom::{Program, Subject, spdx};

const LOCK: &str = r#"
version = 4
[[package]]
name = "updog"
version = "0.1.0"
dependencies = ["ring", "syn 2.0.1"]
[[package]]
name = "ring"
version = "0.17.14"
source = "registry"
checksum = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
dependencies = ["updog-shared", "syn 1.0.0"]
[[package]]
name = "updog-shared"
version = "0.1.0"
[[package]]
name = "syn"
version = "1.0.0"
checksum = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
[[package]]
name = "syn"
version = "2.0.1"
checksum = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
[[package]]
name = "unused"
version = "9.0.0"
checksum = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
"#;

fn document(version: &str) -> Vec<u8> {
    let images = [("root.img".to_owned(), Digest::of(b"root"))];
    let programs = [
        Program { name: "updog", from: "updog", sha256: Digest::of(b"updog") },
        Program { name: "signpost", from: "nowhere", sha256: Digest::of(b"signpost") },
    ];
    spdx(&Subject {
        variant: "tiny",
        arch: Arch::Aarch64,
        version,
        created: 1_750_000_000,
        suite: "trixie",
        images: &images,
        root: &[],
        kernel: &[],
        programs: &programs,
        cargo_lock: Some(LOCK),
    })
    .unwrap()
}

#[test]
fn what_spdx_requires_is_there() {
    let json: Value = serde_json::from_slice(&document("1.2.3")).unwrap();
    assert_eq!(json["spdxVersion"], "SPDX-2.3");
    assert_eq!(json["dataLicense"], "CC0-1.0");
    assert_eq!(json["SPDXID"], "SPDXRef-DOCUMENT");
    assert_eq!(json["name"], "tiny-aarch64-1.2.3");
    assert!(
        json["documentNamespace"]
            .as_str()
            .unwrap()
            .starts_with("https://spdx.org/spdxdocs/tiny-aarch64-1.2.3-")
    );
    assert_eq!(json["creationInfo"]["created"], "2025-06-15T15:06:40Z");
    assert!(json["creationInfo"]["creators"][0].as_str().unwrap().starts_with("Tool: updog-image-"));
    let packages = json["packages"].as_array().unwrap();
    let mut ids = BTreeSet::from(["SPDXRef-DOCUMENT"]);
    for package in packages {
        let id = package["SPDXID"].as_str().unwrap();
        let letters = |it: char| it.is_ascii_alphanumeric() || it == '.' || it == '-';
        assert!(id.strip_prefix("SPDXRef-").unwrap().chars().all(letters), "{id}");
        assert!(ids.insert(id), "{id} twice");
        assert!(!package["name"].as_str().unwrap().is_empty());
        assert_eq!(
            (&package["downloadLocation"], &package["filesAnalyzed"]),
            (&"NOASSERTION".into(), &false.into())
        );
        for key in ["licenseConcluded", "licenseDeclared", "copyrightText"] {
            assert!(package[key].is_string(), "{key}");
        }
    }
    for relationship in json["relationships"].as_array().unwrap() {
        for end in ["spdxElementId", "relatedSpdxElement"] {
            assert!(ids.contains(relationship[end].as_str().unwrap()), "{relationship}");
        }
    }
}

#[test]
fn programs_bring_their_crates_and_no_others() {
    let json: Value = serde_json::from_slice(&document("1.2.3")).unwrap();
    let purls: Vec<&str> = json["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|package| package["externalRefs"][0]["referenceLocator"].as_str())
        .collect();
    assert_eq!(purls, ["pkg:cargo/ring@0.17.14", "pkg:cargo/syn@1.0.0", "pkg:cargo/syn@2.0.1"]);
    let root =
        json["packages"].as_array().unwrap().iter().find(|package| package["name"] == "root.img").unwrap();
    assert_eq!(root["checksums"][0]["algorithm"], "SHA256");
    assert_eq!(root["checksums"][0]["checksumValue"], Digest::of(b"root").to_string());
}

#[test]
fn equal_images_have_equal_documents() {
    assert_eq!(document("1.2.3"), document("1.2.3"));
    let namespace =
        |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["documentNamespace"].to_string();
    assert_ne!(namespace(&document("1.2.3")), namespace(&document("1.2.4")));
}
