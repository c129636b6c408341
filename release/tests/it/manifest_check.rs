//! The strict check: one manifest with everything wrong, and every wrong thing listed once.

use release::manifest::{Delta, Manifest, Problem};
use release::{Digest, ReleaseId, Version};
use serde_json::{Map, json};

use crate::manifest::ours;

#[test]
fn every_problem_is_listed() {
    let mut manifest = ours();
    let mut late = manifest.updates[1].clone();
    let first = &mut manifest.updates[0];
    first.max_version = Version::new(1, 0, 9);
    first.images.boot = "../boot.img.zst".to_owned();
    first.images.hash = first.images.root.clone();
    first.waves = [(7, time(5)), (20, time(5)), (30, time(4)), (2048, time(9)), (2049, time(10))].into();
    first.extra_images.insert("data".to_owned(), json!("d"));
    let second = manifest.updates[1].updog.as_mut().unwrap();
    second.extra_index.insert("swap".to_owned(), json!("s"));
    let own = second.release;
    second.deltas.extend([delta("root", own), delta("efi", own), delta("root", own)]);
    second.deltas[1].header_length = 87;
    second.deltas[3].target = "other.delta".to_owned();
    late.updog = None;
    late.extra.insert("updog".to_owned(), json!({"format": 9}));
    late.max_version = Version::new(2, 0, 0);
    manifest.updates.push(late);
    for (hop, targets) in
        [("(1.10.0, 1.1.0)", vec![]), ("(3.0.0, 3.0.0)", vec!["a b".to_owned()]), ("(3.0.0, 4.0.0)", vec![])]
    {
        manifest.migrations.insert(hop.parse().unwrap(), targets);
    }
    let found: Vec<String> = manifest.check().iter().map(Problem::to_string).collect();
    let (one, two, three) = (
        "update 0 (container x86_64 1.1.0)",
        "update 1 (container x86_64 1.10.0)",
        "update 2 (container x86_64 1.10.0)",
    );
    let expected = [
        format!("{two} has max_version 1.10.0: expected 1.0.9, as update 0 has"),
        format!("{three} is there twice: update 1 is the same"),
        format!("{three} has max_version 2.0.0: expected 1.0.9, as update 0 has"),
        format!("{one} is above its max_version 1.0.9"),
        format!("{one}: first wave starts at seed 7: expected 0"),
        format!("{one}: wave 20 starts 2026-01-01T05:00:00Z: expected later than 2026-01-01T05:00:00Z"),
        format!("{one}: wave 30 starts 2026-01-01T04:00:00Z: expected later than 2026-01-01T05:00:00Z"),
        format!("{one}: wave key 2049 is out of range: expected 0 to 2048"),
        format!(
            "{one}: images.boot: name \"../boot.img.zst\" has the character '/': expected only A-Z a-z 0-9 . _ + -"
        ),
        format!("{one} names target container-x86_64-1.1.0-root.img.zst twice"),
        format!("{one}: images has unknown image \"data\": expected boot, root or hash"),
        format!("{two} names target efi.delta twice"),
        format!("{two}: updog.index has unknown image \"swap\": expected boot, root or hash"),
        format!("{two}: updog.deltas has unknown image \"efi\": expected boot, root or hash"),
        format!("{two} has a delta for root from itself"),
        format!("{two}: delta efi.delta has a header of 87 bytes: expected 136 to 16777216"),
        format!("{two} has a delta for efi from itself"),
        format!("{two} has two deltas for root from release {own}"),
        format!("{two} has a delta for root from itself"),
        format!("{three} has an updog object of format 9: expected 1"),
        "migration (1.10.0, 1.1.0) does not go up: expected a version above 1.10.0".to_owned(),
        "migration (3.0.0, 3.0.0) does not go up: expected a version above 3.0.0".to_owned(),
        "migrations go in a circle between 1.1.0, 1.2.0, 1.10.0".to_owned(),
        "migration (3.0.0, 3.0.0) leads to no update".to_owned(),
        "migration (3.0.0, 4.0.0) leads to no update".to_owned(),
        "migration (3.0.0, 3.0.0): name \"a b\" has the character ' ': expected only A-Z a-z 0-9 . _ + -"
            .to_owned(),
    ];
    let unexpected: Vec<_> = found.iter().filter(|line| !expected.contains(line)).collect();
    let missing: Vec<_> = expected.iter().filter(|line| !found.contains(line)).collect();
    assert_eq!((missing, unexpected), (vec![], vec![]), "(missing, unexpected)");
    assert_eq!(found.len(), expected.len(), "each once");
}

#[test]
fn targets_that_are_not_there_are_listed_with_who_names_them() {
    let manifest = ours();
    let names = |problems: &[Problem]| problems.iter().map(Problem::to_string).collect::<Vec<_>>();
    assert_eq!(manifest.missing_targets(|_| true), []);
    let missing = manifest.missing_targets(|name| !name.contains("1.1.0"));
    assert_eq!(
        names(&missing),
        [
            "target container-x86_64-1.1.0-boot.img.zst is not in the repository: update 0 (container x86_64 1.1.0) images.boot names it",
            "target container-x86_64-1.1.0-root.img.zst is not in the repository: update 0 (container x86_64 1.1.0) images.root names it",
            "target container-x86_64-1.1.0-hash.img.zst is not in the repository: update 0 (container x86_64 1.1.0) images.hash names it",
            "target container-x86_64-1.1.0-boot.idx is not in the repository: update 0 (container x86_64 1.1.0) updog.index.boot names it",
            "target container-x86_64-1.1.0-root.idx is not in the repository: update 0 (container x86_64 1.1.0) updog.index.root names it",
            "target container-x86_64-1.1.0-hash.idx is not in the repository: update 0 (container x86_64 1.1.0) updog.index.hash names it",
            "target migrate_v1.1.0_users.zst is not in the repository: migration (1.0.0, 1.1.0) names it",
        ]
    );
    // Images, indexes, the delta and the migration: nothing is left out.
    assert_eq!(manifest.missing_targets(|_| false).len(), 3 + 3 + 3 + 3 + 1 + 1);
}

#[test]
fn an_empty_manifest_is_sound() {
    let empty = Manifest::default();
    assert_eq!(empty.check(), []);
    assert_eq!(empty.encode_pretty().unwrap(), b"{\n  \"updates\": [],\n  \"migrations\": {}\n}\n");
    assert_eq!(empty.encode().unwrap(), b"{\"updates\":[],\"migrations\":{}}\n");
}

fn delta(image: &str, from: ReleaseId) -> Delta {
    Delta {
        image: image.to_owned(),
        from,
        target: "efi.delta".to_owned(),
        header_length: 136,
        header_sha256: Digest::of(b""),
        extra: Map::new(),
    }
}

fn time(hour: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(1_767_225_600 + hour * 3600, 0).unwrap_or_default()
}
