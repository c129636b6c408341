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
