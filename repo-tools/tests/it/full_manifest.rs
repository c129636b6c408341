//! A manifest that is as long as hosts read it, and one that is longer.

use std::fs;

use release::manifest::{MAX_LENGTH, MAX_PRETTY_LENGTH};
use serde_json::{Value, json};
use updater_core::Exit;
use updog_repo::Draft;

use crate::common::Yard;

/// The draft with one more release, and more words about it.
fn with(draft: &Draft, number: u64, bytes: usize) -> Draft {
    let mut draft = draft.clone();
    let mut update = draft.manifest.updates[0].clone();
    update.version = format!("2.{number}.0").parse().unwrap();
    update.updog.as_mut().unwrap().notes = "x".repeat(bytes);
    draft.manifest.updates.push(update);
    draft
}

#[test]
fn the_limit_is_on_what_hosts_read_and_not_on_line_breaks() {
    let (yard, _) = Yard::with_key();
    yard.add("1.0.0");
    let mut draft = yard.folder.draft().unwrap();
    for number in 0..1500 {
        draft = Draft { manifest: with(&draft, number, 0).manifest, ..draft };
    }
    let rest = MAX_LENGTH - draft.manifest.encode().unwrap().len() - 2000;
    let almost = with(&draft, 1500, rest);
    let [plain, pretty] =
        [almost.manifest.encode(), almost.manifest.encode_pretty()].map(|bytes| bytes.unwrap().len());
    assert!(plain <= MAX_LENGTH && pretty > MAX_LENGTH, "{plain} and {pretty} bytes");
    yard.folder.save_draft(&almost).unwrap();
    assert_eq!(yard.folder.draft().unwrap(), almost);
    let path = yard.folder.dir().join("draft/manifest.json");
    let before = fs::read(&path).unwrap();
    assert_eq!(before.len(), pretty);

    let error = yard.folder.save_draft(&with(&almost, 1501, 2000)).unwrap_err();
    assert_eq!((error.exit(), error.reason()), (Exit::Blocked, "manifest"), "{error}");
    assert!(error.hint().unwrap().contains("\"updog-repo release remove V\""), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);

    // A release that does not fit leaves nothing behind, and the hint is right.
    let blobs = || fs::read_dir(yard.folder.blobs_dir()).unwrap().count();
    let count = blobs();
    let image = yard.release_folder("3.0.0", "3.0.0");
    let full = with(&almost, 1502, 1000);
    yard.folder.save_draft(&full).unwrap();
    let mut tell = |_, _: &_, _| {};
    let error = updog_repo::add::add(&yard.folder, &image, &crate::common::quick(), &mut tell).unwrap_err();
    assert_eq!((error.exit(), blobs()), (Exit::Blocked, count), "{error}");
    yard.folder.save_draft(&draft).unwrap();
    updog_repo::add::add(&yard.folder, &image, &crate::common::quick(), &mut tell).unwrap();
}

/// What somebody else keeps in it may have more blanks than bytes.
#[test]
fn a_manifest_that_line_breaks_make_too_long_is_kept_without() {
    let (yard, _) = Yard::with_key();
    yard.add("1.0.0");
    let mut draft = yard.folder.draft().unwrap();
    let deep = (0..40).fold(json!(vec![0; 300_000]), |inner: Value, _| json!([inner]));
    draft.manifest.extra.insert("deep".into(), deep);
    let plain = draft.manifest.encode().unwrap();
    assert!(plain.len() < MAX_LENGTH && MAX_PRETTY_LENGTH / 300_000 < 80);
    yard.folder.save_draft(&draft).unwrap();
    assert_eq!(fs::read(yard.folder.dir().join("draft/manifest.json")).unwrap(), plain);
    assert_eq!(yard.folder.draft().unwrap(), draft);
}
