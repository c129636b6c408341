//! A release that was stopped, taken out and added again stands as it stood.

use serde_json::Value;

use crate::cli::Desk;
use crate::common::write_release;

fn desk() -> Desk {
    let desk = Desk::new();
    write_release(&desk.path().join("next"), "1.1.0", "1.1.0");
    for line in [
        "--repo repo init",
        "--repo repo key new k --role all",
        "--repo repo release add release --level 1",
        "--repo repo release add next --level 1",
        "--repo repo waves set normal --version 1.1.0",
    ] {
        desk.done(line);
    }
    desk
}

fn shown(desk: &Desk) -> Value {
    let mut data = desk.json("--repo repo release show 1.1.0")["data"].clone();
    data.as_object_mut()
        .unwrap()
        .retain(|key, _| ["waves", "paused", "yanked", "history"].contains(&key.as_str()));
    data
}

#[test]
fn a_release_that_was_stopped_and_is_added_again_stands_as_it_stood() {
    for stop in ["waves halt 1.1.0", "waves pause 1.1.0", "release yank 1.1.0"] {
        let desk = desk();
        desk.done(&format!("--repo repo {stop} --reason lost-data"));
        let stopped = shown(&desk);
        assert!(!stopped["history"].as_array().unwrap().is_empty(), "{stopped}");
        desk.done("--repo repo release remove 1.1.0");
        // Nothing of it was ever signed with the release in it.
        desk.done("--repo repo sign --key k");
        let added = desk.json("--repo repo release add next --level 1");
        assert_eq!(
            (added["exit"].as_i64(), added["data"]["stopped"].as_bool()),
            (Some(0), Some(true)),
            "{added}"
        );
        assert_eq!(shown(&desk), stopped, "{stop}");
        assert_eq!(desk.run("--repo repo release add next --level 1"), 10);
    }
}

/// The draft does not remember it: it was taken out by an editor, or brought from version control.
#[test]
fn what_was_signed_last_remembers_it_too() {
    let desk = desk();
    desk.done("--repo repo waves halt 1.1.0 --reason lost-data");
    let stopped = shown(&desk);
    desk.done("--repo repo sign --key k");
    desk.done("--repo repo release remove 1.1.0");
    std::fs::remove_file(desk.path().join("repo/draft/withdrawn.json")).unwrap();
    desk.done("--repo repo release add next --level 1");
    assert_eq!(shown(&desk), stopped);
}

#[test]
fn one_that_nobody_stopped_comes_new_and_one_that_was_restarted_is_free() {
    let desk = desk();
    desk.done("--repo repo release remove 1.1.0");
    let added = desk.json("--repo repo release add next --level 1");
    assert_eq!(added["data"]["stopped"].as_bool(), Some(false), "{added}");
    assert_eq!(shown(&desk)["waves"], serde_json::json!({}));
    desk.done("--repo repo release yank 1.1.0 --reason broken");
    desk.done("--repo repo release remove 1.1.0");
    desk.done("--repo repo release add next --level 1");
    desk.done("--repo repo release unyank 1.1.0 --reason mended");
    desk.done("--repo repo release remove 1.1.0");
    let added = desk.json("--repo repo release add next --level 1");
    assert_eq!(added["data"]["stopped"].as_bool(), Some(false), "{added}");
}

/// Hosts that have a version never ask for what comes under it later, and whoever stopped it meant those images.
#[test]
fn a_version_that_was_given_out_is_given_out_once() {
    for stop in ["waves halt 1.1.0 --reason lost-data", "release yank 1.1.0 --reason broken", "release list"]
    {
        let desk = desk();
        write_release(&desk.path().join("other"), "1.1.0", "1.2.0");
        // Nobody has seen it yet.
        desk.done("--repo repo release remove 1.1.0");
        desk.done("--repo repo release add other --level 1");
        desk.done("--repo repo release remove 1.1.0");
        desk.done("--repo repo release add next --level 1");
        desk.done("--repo repo sign --key k");
        desk.done("--repo repo publish public");
        desk.done(&format!("--repo repo {stop}"));
        desk.done("--repo repo release remove 1.1.0");
        // Neither a signature nor an editor makes it forgotten.
        desk.done("--repo repo sign --key k");
        std::fs::remove_file(desk.path().join("repo/draft/withdrawn.json")).unwrap_or_default();
        let before = std::fs::read(desk.path().join("repo/draft/manifest.json")).unwrap();
        let said = desk.json("--repo repo release add other --level 1");
        assert_eq!((said["exit"].as_i64(), said["reason"].as_str()), (Some(50), Some("blocked")), "{said}");
        let message = said["message"].as_str().unwrap();
        assert!(message.starts_with("refused tiny x86_64 1.1.0: expected release "), "{message}");
        assert_eq!(said["data"]["hint"], "give the new images a new version");
        assert_eq!(std::fs::read(desk.path().join("repo/draft/manifest.json")).unwrap(), before);
        desk.done("--repo repo release add next --level 1");
    }
}

#[test]
fn a_version_that_stood_still_is_not_given_to_other_images() {
    let desk = desk();
    write_release(&desk.path().join("other"), "1.1.0", "1.2.0");
    desk.done("--repo repo waves halt 1.1.0 --reason lost-data");
    desk.done("--repo repo release remove 1.1.0");
    assert_eq!(desk.run("--repo repo release add other --level 1"), 50);
    desk.done("--repo repo release add next --level 1");
}

#[test]
fn a_damaged_memory_is_named() {
    let desk = desk();
    std::fs::write(desk.path().join("repo/draft/withdrawn.json"), "torn").unwrap();
    let said = desk.json("--repo repo release list");
    assert_eq!((said["exit"].as_i64(), said["reason"].as_str()), (Some(2), Some("usage")), "{said}");
    assert!(said["message"].as_str().unwrap().contains("draft/withdrawn.json: "), "{said}");
    assert!(
        said["data"]["hint"].as_str().unwrap().starts_with("bring it back from version control"),
        "{said}"
    );
}
