//! Who signs, when, and what a second run finds.

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;

use fixtures::crash_fs::CrashFs;
use updog_repo::add::add;
use updog_repo::ceremony::NextRoot;
use updog_repo::time::Terms;
use updog_repo::{Disk, Error, Folder, Order, Role, Signing, Versions};

use crate::common::{OnCrashFs, Yard, again, day, order, quick, read, wait, write_release};

#[test]
fn two_of_three_sign_in_two_runs_days_apart() {
    let yard = Yard::bare();
    let (online, a, b, c) = (yard.key("online"), yard.key("a"), yard.key("b"), yard.key("c"));
    yard.edit_root(|next| {
        next.add_key(&online.public(), &[Role::Root, Role::Snapshot, Role::Timestamp]).unwrap();
        for key in [&a, &b, &c] {
            next.add_key(&key.public(), &[Role::Targets]).unwrap();
        }
        next.set_threshold(Role::Targets, NonZeroU64::new(2).unwrap()).unwrap();
    });
    yard.add("1.0.0");
    let missing = yard.missing(&[&online, &a], day(1));
    assert_eq!(missing.len(), 1);
    assert_eq!((missing[0].role, missing[0].signatures, missing[0].keys.len()), (Role::Targets, 1, 2));
    // The same signer again adds nothing.
    assert_eq!(yard.missing(&[&a], day(2)), missing);
    let first = yard.folder.papers().unwrap().targets.unwrap().version();
    let missing = yard.missing(&[&c], day(3));
    assert_eq!(missing.iter().map(|missing| missing.role).collect::<Vec<_>>(), [Role::Snapshot]);
    let signed = yard.sign(&[&online], day(4));
    assert_eq!(signed.versions().targets, first, "the document that both signed is one");
    let dir = yard.path("pub");
    let published = yard.publish(&[&online], day(4), &dir);
    let root = published.metadata.roots[0].bytes();
    assert_eq!(read(&Disk, &dir, root, day(4)).unwrap().targets.version, first);
}

#[test]
fn a_wrong_key_is_refused_before_anything_is_signed() {
    let (yard, key) = Yard::with_key();
    let stranger = yard.key("stranger");
    yard.add("1.0.0");
    let refused = yard.try_sign(&[&key, &stranger], order(day(1)));
    assert!(matches!(refused, Err(Error::WrongKey { .. })), "{refused:?}");
    let papers = yard.folder.papers().unwrap();
    assert!(papers.roots.is_empty() && papers.targets.is_none());
}

#[test]
fn signing_again_changes_nothing_until_something_calls_for_it() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let first = yard.sign(&[&key], day(1)).versions();
    assert_eq!(yard.sign(&[&key], day(2)).versions(), first);
    // The timestamp has expired: it alone is made anew.
    let later = yard.sign(&[&key], day(9)).versions();
    assert_eq!(Versions { timestamp: first.timestamp, ..later }, first);
    assert!(later.timestamp > first.timestamp);
    // After 90 days all three.
    let last = yard.sign(&[&key], day(100)).versions();
    assert!(last.targets > first.targets && last.snapshot > first.snapshot);
    // Or because the engineer says so.
    let renewed = yard.try_sign(&[&key], Order { renew: Some(Role::Snapshot), ..order(day(100)) }).unwrap();
    let Signing::Complete(renewed) = renewed else { panic!("not complete") };
    assert_eq!(renewed.versions().targets, last.targets);
    assert!(renewed.versions().snapshot > last.snapshot && renewed.versions().timestamp > last.timestamp);
}

#[test]
fn every_document_says_whole_seconds_flat_names_and_when_it_was_signed() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let now = day(1) + chrono::TimeDelta::milliseconds(1234);
    let metadata = yard.sign(&[&key], now).metadata().clone();
    let online = metadata.online.unwrap();
    let all = [
        metadata.roots[0].bytes(),
        online.targets.bytes(),
        online.snapshot.bytes(),
        online.timestamp.bytes(),
    ];
    let seconds = u64::try_from(now.timestamp()).unwrap();
    for bytes in all {
        let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let signed = &value["signed"];
        let expires = signed["expires"].as_str().unwrap();
        assert_eq!((expires.len(), expires.ends_with('Z')), (20, true), "{expires}");
        assert_eq!(signed["spec_version"], "1.0.0");
        let version = signed["version"].as_u64().unwrap();
        assert!(version == seconds || signed["_type"] == "root" && version == 1);
    }
    let timestamp: serde_json::Value = serde_json::from_slice(online.timestamp.bytes()).unwrap();
    assert_eq!(timestamp["signed"]["signed_at"], "2026-11-02T00:00:01Z");
    for name in online.targets.role().targets.keys() {
        release::names::check(name.raw()).unwrap();
    }
    let terms =
        [(online.targets.expires(), 90), (online.snapshot.expires(), 90), (online.timestamp.expires(), 7)];
    for (expires, days) in terms {
        assert_eq!((expires - now).num_days() + 1, days);
    }
}

/// The working folder cut anywhere in `sign` and `stage`: the same two verbs end in the same bytes.
#[test]
fn signing_and_staging_cut_anywhere_are_completed_by_a_rerun() {
    let yard = Yard::bare();
    let key = yard.key("all");
    let release = yard.path("release");
    write_release(&release, "1.0.0", "x");
    let open = |fs: &CrashFs| Folder::open(Arc::new(OnCrashFs(fs.clone())), Path::new("/repo"));
    let base = CrashFs::new();
    let folder =
        Folder::init(Arc::new(OnCrashFs(base.clone())), Path::new("/repo"), day(1), Terms::default())
            .unwrap();
    let mut root = NextRoot::first(day(366)).unwrap();
    root.add_key(&key.public(), &Role::ALL).unwrap();
    folder.save_next_root(&root).unwrap();
    add(&folder, &release, &quick(), &mut |_, _, _| {}).unwrap();
    let base = base.fork();
    let run = |fs: &CrashFs| -> Result<(), Error> {
        let folder = open(fs)?;
        let unsigned = folder.draft()?.close(&folder, folder.papers()?, order(day(1)))?;
        let Signing::Complete(signed) = wait(unsigned.sign(&[again(&key)]))? else { panic!("not complete") };
        folder.save_papers(signed.papers())?;
        signed.stage(&folder, day(1)).map(|_| ())
    };
    let whole = base.fork();
    run(&whole).unwrap();
    let reference = whole.tree();
    for cut in 0..whole.ops() {
        let fs = base.fork();
        fs.cut_at(cut);
        assert!(run(&fs).is_err(), "cut {cut}");
        for view in fs.views() {
            run(&view.fs).unwrap_or_else(|error| panic!("cut {cut}, {}: {error}: {error:?}", view.how));
            assert!(view.fs.tree() == reference, "cut {cut}, {}", view.how);
        }
    }
}
