//! Releases and waves in the draft.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use fixtures::crash_fs::CrashFs;
use release::manifest::{Effect, Reason, Restart, TARGET_NAME};
use release::{Digest, Image, ReleaseId};
use updog_repo::add::{add, read_index};
use updog_repo::schedule::{NewWaves, policy, seed_line, set, starting};
use updog_repo::time::Terms;
use updog_repo::{Choice, Disk, Error, Folder};

use crate::common::{OnCrashFs, Yard, day, quick, start, write_release};

#[test]
fn adding_the_same_release_again_changes_nothing() {
    let (yard, key) = Yard::with_key();
    let first = yard.add("1.0.0");
    assert!(first.changed);
    let (draft, blobs) = (yard.folder.draft().unwrap(), names(&yard.folder.blobs_dir()));
    // Not even with another level, which would give other frames.
    let dir = yard.release_folder("1.0.0", "1.0.0");
    let other = release::payload::FrameWriter { level: 7, ..quick() };
    let again = add(&yard.folder, &dir, &other, &mut |_, _, _| panic!("no frame is made")).unwrap();
    assert!(!again.changed);
    assert_eq!((again.release, again.frames_length), (first.release, first.frames_length));
    assert_eq!((yard.folder.draft().unwrap(), names(&yard.folder.blobs_dir())), (draft, blobs));
    let before = yard.sign(&[&key], day(1)).versions();
    add(&yard.folder, &dir, &quick(), &mut |_, _, _| {}).unwrap();
    assert_eq!(yard.sign(&[&key], day(2)).versions(), before);
}

#[test]
fn the_release_id_is_made_of_the_three_indexes_and_the_frames_unpack_to_the_images() {
    let (yard, _) = Yard::with_key();
    let added = yard.add("1.0.0");
    let draft = yard.folder.draft().unwrap();
    let update = &draft.manifest.updates[0];
    let ours = update.updog.as_ref().unwrap();
    let digests = release::Images::from_fn(|image| draft.targets[ours.index.get(image)].sha256);
    assert_eq!(ReleaseId::of(&digests), added.release);
    assert_eq!(ours.release, added.release);
    for image in Image::ALL {
        let index = read_index(&yard.folder, &draft, ours.index.get(image)).unwrap();
        let name = update.images.get(image);
        let blob = draft.targets[name].file_name(name);
        let mut frames = fs::File::open(yard.folder.blobs_dir().join(blob)).unwrap();
        let mut raw = Vec::new();
        release::payload::unpack(&index, &mut frames, &mut raw, |_| {}).unwrap();
        let source = fs::read(yard.path("release-1.0.0-1.0.0").join(format!("{image}.img"))).unwrap();
        assert_eq!(Digest::of(&raw), Digest::of(&source));
    }
    assert!(draft.manifest.check().is_empty());
}

/// Flat names can meet: `edge` for `arm-x86_64` and `edge-arm` for `x86_64`.
#[test]
fn a_release_whose_names_are_those_of_another_is_refused() {
    let cases = [
        (["edge", "arm-x86_64", "3.0.0"], ["edge-arm", "x86_64", "3.0.0"]),
        (["edge-arm", "x86_64", "3.0.0"], ["edge", "arm-x86_64", "3.0.0"]),
        (["edge", "x86_64-1.0.0", "2.0.0-3.0.0"], ["edge", "x86_64", "1.0.0-2.0.0-3.0.0"]),
    ];
    for [first, second] in cases.map(|(first, second)| [first, second]) {
        let (yard, _) = Yard::with_key();
        let made = [first, second].map(|[variant, arch, version]| {
            let dir = yard.path(&format!("{variant}.{arch}"));
            write_release(&dir, version, variant);
            let path = dir.join("release.json");
            let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            json["variant"] = variant.into();
            json["arch"] = arch.into();
            fs::write(&path, json.to_string()).unwrap();
            dir
        });
        add(&yard.folder, &made[0], &quick(), &mut |_, _, _| {}).unwrap();
        let before = (yard.folder.draft().unwrap(), names(&yard.folder.blobs_dir()));
        let refused = add(&yard.folder, &made[1], &quick(), &mut |_, _, _| panic!("no frame is made"));
        let error = refused.unwrap_err();
        assert_eq!(error.exit(), updater_core::Exit::Blocked);
        let said = error.to_string();
        assert!(said.starts_with(&format!("refused {}: its target ", second.join(" "))), "{said}");
        assert!(said.ends_with(&format!(" is already that of {}", first.join(" "))), "{said}");
        assert_eq!((yard.folder.draft().unwrap(), names(&yard.folder.blobs_dir())), before);
    }
}

#[test]
fn other_images_under_the_same_version_are_refused() {
    let (yard, _) = Yard::with_key();
    yard.add("1.0.0");
    let before = yard.folder.draft().unwrap();
    let dir = yard.release_folder("1.0.0", "other");
    let refused = add(&yard.folder, &dir, &quick(), &mut |_, _, _| {});
    assert!(matches!(refused, Err(Error::ReleaseExists { .. })), "{refused:?}");
    assert_eq!(yard.folder.draft().unwrap(), before);
}

#[test]
fn an_image_that_is_not_what_release_json_says_is_refused() {
    let (yard, _) = Yard::with_key();
    for (what, change) in [
        ("flipped", Change::Flip),
        ("longer", Change::Grow),
        ("shorter", Change::Cut),
        ("absent", Change::Remove),
    ] {
        let dir = yard.release_folder("1.0.0", what);
        change.make(&dir.join("root.img"));
        let refused = add(&yard.folder, &dir, &quick(), &mut |_, _, _| {});
        let expected =
            matches!(refused, Err(Error::ImageDiffers { .. } | Error::ReadFile { .. } | Error::Pack { .. }));
        assert!(expected, "{what}: {refused:?}");
        assert!(yard.folder.draft().unwrap().manifest.updates.is_empty(), "{what}");
    }
}

enum Change {
    Flip,
    Grow,
    Cut,
    Remove,
}

impl Change {
    fn make(&self, file: &Path) {
        let mut bytes = fs::read(file).unwrap();
        match self {
            Self::Flip => bytes[70_000] ^= 1,
            Self::Grow => bytes.extend_from_slice(&[0; 4096]),
            Self::Cut => bytes.truncate(4096),
            Self::Remove => return fs::remove_file(file).unwrap(),
        }
        fs::write(file, bytes).unwrap();
    }
}

#[test]
fn max_version_follows_the_newest_of_its_own_variant_and_never_goes_down() {
    let (yard, _) = Yard::with_key();
    yard.add("1.1.0");
    yard.add("1.3.0");
    yard.add("1.2.0");
    let draft = yard.folder.draft().unwrap();
    for update in &draft.manifest.updates {
        assert_eq!(update.max_version.to_string(), "1.3.0");
    }
}

#[test]
fn setting_waves_changes_only_the_manifest() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let before = yard.sign(&[&key], day(1)).metadata().online.clone().unwrap();
    let mut draft = yard.folder.draft().unwrap();
    let policy = policy("normal").unwrap();
    let rollout = starting("normal", &policy, day(1), day(1)).unwrap();
    let new = NewWaves {
        name: "normal",
        rollout: &rollout,
        restart: Restart::Refuse,
        at: day(1),
        reason: Reason::default(),
    };
    let done = set(&mut draft, &Choice::default(), new).unwrap();
    assert_eq!(done, ("tiny x86_64 1.0.0".to_owned(), Effect::Changed));
    yard.folder.save_draft(&draft).unwrap();
    let after = yard.sign(&[&key], day(2)).metadata().online.clone().unwrap();
    let changed: Vec<String> = after
        .targets
        .role()
        .targets
        .iter()
        .filter(|(name, target)| before.targets.role().targets.get(*name) != Some(target))
        .map(|(name, _)| name.raw().to_owned())
        .collect();
    assert_eq!(changed, [TARGET_NAME]);
    assert_eq!(after.targets.role().targets.len(), before.targets.role().targets.len());
    let line = seed_line(&rollout, waves::Seed::new(700).unwrap(), day(1));
    assert!(
        line.starts_with("Seed 700 opens at 2026-11-")
            && line.contains("not yet")
            && line.contains("wave 4 of 7"),
        "{line}"
    );
}

#[test]
fn a_release_that_is_not_named_must_be_unambiguous() {
    let (yard, _) = Yard::with_key();
    let mut draft = yard.folder.draft().unwrap();
    assert!(matches!(draft.choose(&Choice::default()), Err(Error::Choose { .. })));
    yard.add("1.0.0");
    yard.add("1.1.0");
    draft = yard.folder.draft().unwrap();
    assert_eq!(draft.choose(&Choice::default()).unwrap(), 1, "the newest");
    let choice = Choice { version: Some("1.0.0".parse().unwrap()), ..Choice::default() };
    assert_eq!(draft.choose(&choice).unwrap(), 0);
    let mut other = draft.manifest.updates[1].clone();
    other.arch = "aarch64".into();
    draft.manifest.updates.push(other);
    assert!(matches!(draft.choose(&Choice::default()), Err(Error::Choose { .. })));
    assert_eq!(draft.choose(&Choice { arch: Some("aarch64".into()), ..Choice::default() }).unwrap(), 2);
}

/// The working folder itself, cut anywhere in `release add`: the draft is the old one or the new one, and adding again
/// ends in the same draft.
#[test]
fn an_add_cut_anywhere_leaves_a_whole_draft() {
    let release = tempfile::tempdir().unwrap();
    write_release(release.path(), "1.0.0", "x");
    let base = CrashFs::new();
    Folder::init(Arc::new(OnCrashFs(base.clone())), Path::new("/repo"), start(), Terms::default()).unwrap();
    let base = base.fork();
    let run = |fs: &CrashFs| {
        let folder = Folder::open(Arc::new(OnCrashFs(fs.clone())), Path::new("/repo"))?;
        add(&folder, release.path(), &quick(), &mut |_, _, _| {}).map(|_| ())
    };
    let whole = base.fork();
    run(&whole).unwrap();
    for cut in 0..whole.ops() {
        let fs = base.fork();
        fs.cut_at(cut);
        assert!(run(&fs).is_err(), "cut {cut}");
        for view in fs.views() {
            run(&view.fs).unwrap_or_else(|error| panic!("cut {cut}, {}: {error}", view.how));
            let drafts = [&view.fs, &whole].map(|fs| {
                Folder::open(Arc::new(OnCrashFs(fs.clone())), Path::new("/repo")).unwrap().draft().unwrap()
            });
            assert_eq!(drafts[0], drafts[1], "cut {cut}, {}", view.how);
        }
    }
}

#[test]
fn a_folder_that_is_set_up_is_not_set_up_again() {
    let yard = Yard::bare();
    let again = Folder::init(Arc::new(Disk), &yard.path("repo"), start(), Terms::default());
    assert!(matches!(again, Err(Error::FolderExists { .. })));
    assert!(matches!(Folder::open(Arc::new(Disk), &yard.path("nowhere")), Err(Error::NoFolder { .. })));
}

fn names(dir: &Path) -> Vec<String> {
    updog_repo::files::Files::names(&Disk, dir).unwrap()
}

#[test]
fn one_writer_at_a_time() {
    let (yard, _) = Yard::with_key();
    let held = yard.folder.lock().unwrap();
    let refused = yard.folder.lock();
    assert!(matches!(refused, Err(Error::Busy { .. })));
    drop(held);
    yard.folder.lock().unwrap();
}
