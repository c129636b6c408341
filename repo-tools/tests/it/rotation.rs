//! Key rotation: two commits, and refusals where one of them would leave hosts without a readable repository.

use std::num::NonZeroU64;

use updog_repo::ceremony::NextRoot;
use updog_repo::keys::Signer;
use updog_repo::publish::{Gap, Plan, plan, publish};
use updog_repo::{Disk, Error, Metadata, Order, Role, Rotation, Signing};

use crate::common::{Yard, day, order, read, read_again};

const ONLINE: [Role; 3] = [Role::Targets, Role::Snapshot, Role::Timestamp];

#[test]
fn rotating_online_keys_shows_the_root_last_and_old_keys_end_there() {
    let (yard, old) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let first = yard.publish(&[&old], day(1), &dir);
    let root = first.metadata.roots[0].bytes().to_vec();

    let new = yard.key("new");
    yard.edit_root(|next| {
        next.remove_key(old.id(), &ONLINE).unwrap();
        next.add_key(&new.public(), &ONLINE).unwrap();
    });
    let published = yard.publish(&[&old, &new], day(2), &dir);
    assert_eq!(published.plan.roots_before, [0_u64; 0]);
    assert_eq!(published.plan.roots_after, [2]);
    let found = read(&Disk, &dir, &root, day(2)).unwrap();
    assert_eq!(found.root.version, 2);
    assert_eq!(read_again(&dir, &first.metadata, day(2)).unwrap(), found, "a host that kept what it saw");

    // From now on the new key alone does it.
    yard.add("1.1.0");
    let published = yard.publish(&[&new], day(3), &dir);
    assert_eq!(published.metadata.online.as_ref().unwrap().timestamp.signatures(), 1);
    let found = read(&Disk, &dir, &root, day(3)).unwrap();
    assert_eq!(found.targets.version, published.metadata.versions().targets);
    assert_eq!(read_again(&dir, &first.metadata, day(3)).unwrap(), found);
    // And the old one does not: it is a root key, and signs no targets.
    yard.add("1.2.0");
    let missing = yard.missing(&[&old], day(4));
    assert_eq!(
        (missing[0].role, missing[0].keys.as_slice()),
        (Role::Targets, [hex::encode(new.id())].as_slice())
    );
}

#[test]
fn rotating_one_key_renews_only_what_that_key_signs() {
    let (yard, all) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let before = yard.publish(&[&all], day(1), &dir).metadata.versions();
    let timestamp = yard.key("timestamp");
    yard.edit_root(|next| {
        next.remove_key(all.id(), &[Role::Timestamp]).unwrap();
        next.add_key(&timestamp.public(), &[Role::Timestamp]).unwrap();
    });
    let after = yard.publish(&[&all, &timestamp], day(2), &dir).metadata.versions();
    assert_eq!((after.targets, after.snapshot), (before.targets, before.snapshot));
    assert!(after.timestamp > before.timestamp && after.root == 2);
}

#[test]
fn adding_a_key_shows_the_root_first() {
    let (yard, all) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    yard.publish(&[&all], day(1), &dir);
    let second = yard.key("second");
    yard.edit_root(|next| {
        next.add_key(&second.public(), &Role::ALL).unwrap();
    });
    let published = yard.publish(&[&all], day(2), &dir);
    assert_eq!(
        (published.plan.roots_before.as_slice(), published.plan.roots_after.len()),
        ([2].as_slice(), 0)
    );
    assert!(!published.plan.metadata, "nothing else had to be signed");
}

#[test]
fn signing_waits_for_the_old_keys() {
    let (yard, old) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    yard.publish(&[&old], day(1), &dir);
    let (new, root_key) = (yard.key("new"), yard.key("root2"));
    yard.edit_root(|next| {
        next.remove_key(old.id(), &ONLINE).unwrap();
        next.add_key(&new.public(), &ONLINE).unwrap();
        next.add_key(&root_key.public(), &[Role::Root]).unwrap();
    });
    // The new key signs nothing before the root is signed by the old root key.
    let missing = yard.missing(&[&new], day(2));
    assert!(missing.iter().all(|missing| missing.role == Role::Root) && !missing.is_empty(), "{missing:?}");
    assert!(matches!(yard.folder.signed(), Err(Error::NotSigned { .. })));
    yard.publish(&[&old, &new], day(2), &dir);
}

#[test]
fn lost_keys_need_a_gap_and_say_so() {
    let (yard, old) = Yard::with_key();
    let root_key = yard.key("root");
    yard.edit_root(|next| {
        next.add_key(&root_key.public(), &[Role::Root]).unwrap();
    });
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let root = yard.publish(&[&old, &root_key], day(1), &dir).metadata.roots[0].bytes().to_vec();

    let new = yard.key("new");
    yard.edit_root(|next| {
        next.remove_key(old.id(), &Role::ALL).unwrap();
        next.add_key(&new.public(), &ONLINE).unwrap();
    });
    let missing = yard.missing(&[&root_key, &new], day(2));
    assert!(
        missing.iter().all(|missing| missing.role == Role::Targets && missing.under_root == 1),
        "{missing:?}"
    );
    let alone = Order { rotation: Rotation::NewOnly, renew: Some(Role::Targets), ..order(day(2)) };
    let Signing::Complete(signed) = yard.try_sign(&[&root_key, &new], alone).unwrap() else {
        panic!("not complete")
    };
    let staged = signed.stage(&yard.folder, day(2)).unwrap();
    let before = Metadata::read(&Disk, &dir.join("metadata")).unwrap().versions();
    let refused = publish(&Disk, &staged, &dir, Gap::Refuse);
    assert!(matches!(refused, Err(Error::Rotation { root: 1, .. })), "{refused:?}");
    assert_eq!(Metadata::read(&Disk, &dir.join("metadata")).unwrap().versions(), before);
    publish(&Disk, &staged, &dir, Gap::Accept).unwrap();
    assert_eq!(read(&Disk, &dir, &root, day(2)).unwrap().root.version, 2);
}

#[test]
fn two_roots_at_once_keep_the_repository_readable_in_between() {
    let (yard, first) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    let root = yard.publish(&[&first], day(1), &dir).metadata.roots[0].bytes().to_vec();
    let (second, third) = (yard.key("second"), yard.key("third"));
    for (out, new) in [(&first, &second), (&second, &third)] {
        yard.edit_root(|next| {
            next.remove_key(out.id(), &ONLINE).unwrap();
            next.add_key(&new.public(), &ONLINE).unwrap();
        });
        yard.missing(&[&first], day(2)); // the root key signs each root
    }
    let published = yard.publish(&[&first, &second, &third], day(2), &dir);
    assert_eq!(published.plan.roots_after, [2, 3]);
    assert_eq!(published.metadata.online.as_ref().unwrap().timestamp.signatures(), 3);
    assert_eq!(read(&Disk, &dir, &root, day(2)).unwrap().root.version, 3);
    // Seen from a copy that shows only root 2: still readable.
    std::fs::remove_file(dir.join("metadata/3.root.json")).unwrap();
    assert_eq!(read(&Disk, &dir, &root, day(2)).unwrap().root.version, 2);
}

#[test]
fn another_repository_and_reused_versions_are_refused() {
    let (one, key) = Yard::with_key();
    one.add("1.0.0");
    let dir = one.path("pub");
    one.publish(&[&key], day(1), &dir);
    let (two, other) = Yard::with_key();
    two.add("1.0.0");
    let staged = two.sign(&[&other], day(2)).stage(&two.folder, day(2)).unwrap();
    let refused = publish(&Disk, &staged, &dir, Gap::Refuse);
    assert!(matches!(refused, Err(Error::OtherRepository { version: 1 })), "{refused:?}");

    // The same version with other bytes: the plan is pure, so the live state can be made up.
    let live = one.sign(&[&key], day(1)).metadata().clone();
    one.folder.save_shown(updog_repo::Versions::default()).unwrap();
    one.add("1.1.0");
    let mut staged = one.sign(&[&key], day(1)).metadata().clone();
    let online = staged.online.as_mut().unwrap();
    let old = live.online.as_ref().unwrap();
    assert!(online.timestamp.version() > old.timestamp.version(), "versions grow within one second too");
    online.timestamp = old.timestamp.clone();
    online.snapshot = old.snapshot.clone();
    assert!(matches!(plan(&live, &staged, Gap::Refuse), Ok(plan) if plan.is_done()));
    assert!(matches!(plan(&staged, &live, Gap::Refuse), Err(Error::Older { role: Role::Targets, .. })));
}

#[test]
fn a_root_that_could_never_sign_is_refused() {
    let (yard, key) = Yard::with_key();
    yard.edit_root(|next| {
        next.set_threshold(Role::Targets, NonZeroU64::new(2).unwrap()).unwrap();
    });
    let refused = yard.try_sign(&[&key], order(day(1)));
    let expected = |error: &Error| {
        matches!(error, Error::TooFewKeys { role: Role::Targets, threshold: 2, found: 1, .. })
    };
    assert!(refused.as_ref().is_err_and(expected), "{refused:?}");
}

/// Every change of the root that a ceremony can make, signed by all keys there are or by the new ones alone: the plan
/// keeps the repository readable after each single step, or it is refused.
#[test]
fn a_plan_is_readable_after_every_step_or_refused() {
    type Change = fn(&mut NextRoot, &Signer, &Signer);
    let changes: [(&str, Change); 7] = [
        ("nothing", |_, _, _| {}),
        ("one more key", |next, _, new| add(next, new, &Role::ALL)),
        ("another root key", |next, _, new| add(next, new, &[Role::Root])),
        ("swap timestamp", |next, old, new| swap(next, old, new, &[Role::Timestamp])),
        ("swap snapshot", |next, old, new| swap(next, old, new, &[Role::Snapshot])),
        ("swap all three", |next, old, new| swap(next, old, new, &ONLINE)),
        ("two signatures", |next, _, new| {
            add(next, new, &ONLINE);
            for role in ONLINE {
                next.set_threshold(role, NonZeroU64::new(2).unwrap()).unwrap();
            }
        }),
    ];
    let (mut last, mut refused) = (0, 0);
    for (what, change) in changes {
        for rotation in [Rotation::OldAndNew, Rotation::NewOnly] {
            let (yard, old) = Yard::with_key();
            yard.add("1.0.0");
            let live = yard.publish(&[&old], day(1), &yard.path("pub")).metadata;
            let new = yard.key("new");
            yard.edit_root(|next| change(next, &old, &new));
            yard.add("1.1.0");
            let signers: Vec<&Signer> =
                if what == "nothing" || what == "another root key" { vec![&old] } else { vec![&old, &new] };
            let signing = yard.try_sign(&signers, Order { rotation, ..order(day(2)) }).unwrap();
            let Signing::Complete(signed) = signing else { panic!("{what}: not complete") };
            let staged = signed.metadata();
            match plan(&live, staged, Gap::Refuse) {
                Ok(plan) => {
                    last += plan.roots_after.len();
                    readable(&live, staged, &plan)
                        .unwrap_or_else(|why| panic!("{what}, {rotation:?}: {why}"));
                }
                Err(Error::Rotation { .. }) => {
                    refused += 1;
                    assert_eq!(rotation, Rotation::NewOnly, "{what}");
                    let gap = plan(&live, staged, Gap::Accept).unwrap();
                    assert!(readable(&live, staged, &gap).is_err(), "{what}: refused without need");
                }
                Err(error) => panic!("{what}: {error}"),
            }
        }
    }
    assert!(last >= 4 && refused >= 3, "{last} {refused}");
}

fn swap(next: &mut NextRoot, old: &Signer, new: &Signer, roles: &[Role]) {
    next.remove_key(old.id(), roles).unwrap();
    add(next, new, roles);
}

fn add(next: &mut NextRoot, key: &Signer, roles: &[Role]) {
    next.add_key(&key.public(), roles).unwrap();
}

/// Takes the plan's steps one by one and asks after each whether the newest root shown accepts what is there.
fn readable(live: &Metadata, staged: &Metadata, plan: &Plan) -> Result<(), String> {
    let mut seen = live.clone();
    let check = |seen: &Metadata, step: String| {
        let (root, online) = (seen.roots.last().unwrap(), seen.online.as_ref().unwrap());
        online
            .not_verifying(root.role())
            .map_or(Ok(()), |role| Err(format!("after {step}: {role} does not verify")))
    };
    let show = |seen: &mut Metadata, version: u64| {
        seen.roots.extend(staged.roots.iter().find(|root| root.version() == version).cloned());
        check(seen, format!("root {version}"))
    };
    for version in &plan.roots_before {
        show(&mut seen, *version)?;
    }
    if plan.metadata {
        seen.online.clone_from(&staged.online);
        check(&seen, "the commit".into())?;
    }
    for version in &plan.roots_after {
        show(&mut seen, *version)?;
    }
    assert_eq!(seen.versions(), staged.versions());
    Ok(())
}
