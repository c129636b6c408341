//! A publish that brings other documents of delegated roles, cut at every operation of its store.

use std::fs;
use std::num::NonZeroU64;

use chrono::TimeDelta;
use trust_core::Expiry;
use updog_repo::delegate::{Contents, NewRole, add, sign};
use updog_repo::host_check::{find, follow, target_bytes};
use updog_repo::keys::Signer;
use updog_repo::source::{Source, StoreSource};
use updog_repo::store::{Memory, Part};
use updog_repo::{Error, Staged};

use crate::common::{Yard, again, day, wait};
use crate::cut_store::{CutStore, Loss, Slow, see};
use crate::stores::{put, remember};

/// What a host finds of the targets that others sign for.
type Seen = [Option<String>; 3];

/// `team` has signed for `tools-old`, and hosts can see it. Staged: it signs for `tools-new` and lets `tools-old` go, and a
/// second role, to which nothing was left before, signs for `fonts-new`. So a mix of old and new would be neither.
struct Case {
    _yard: Yard,
    staged: Staged,
    base: Memory,
    /// The root that the reader was shipped with.
    root: Vec<u8>,
}

fn case() -> Case {
    let (yard, key) = Yard::with_key();
    let (team, others) = (yard.key("team"), yard.key("others"));
    leave(&yard, "team", &team, "tools-*");
    sign_for(&yard, "team", &team, ("tools-old", &[]), 1);
    let dir = yard.path("pub");
    let root = yard.publish(&[&key], day(1), &dir).metadata.roots[0].bytes().to_vec();
    leave(&yard, "others", &others, "fonts-*");
    sign_for(&yard, "team", &team, ("tools-new", &["tools-old"]), 2);
    sign_for(&yard, "others", &others, ("fonts-new", &[]), 2);
    let staged = yard.sign(&[&key], day(2)).stage(&yard.folder, day(2)).unwrap();
    Case { _yard: yard, staged, base: remember(&dir), root }
}

pub(crate) fn leave(yard: &Yard, name: &str, key: &Signer, paths: &str) {
    let mut draft = yard.folder.draft().unwrap();
    let role = NewRole {
        name: name.to_owned(),
        keys: vec![key.public()],
        threshold: NonZeroU64::MIN,
        paths: vec![paths.to_owned()],
        terminating: true,
    };
    assert!(add(&mut draft, &yard.folder.papers().unwrap(), &role).unwrap());
    yard.folder.save_draft(&draft).unwrap();
}

/// A target whose contents are its name.
pub(crate) fn sign_for(yard: &Yard, role: &str, key: &Signer, (target, drop): (&str, &[&str]), number: i64) {
    let file = yard.path(target);
    fs::write(&file, target).unwrap();
    let drop = drop.iter().map(|name| (*name).to_owned()).collect();
    let contents = Contents { add: vec![file], drop, now: day(number), term: TimeDelta::days(90) };
    let signed = wait(sign(&yard.folder, role, &contents, &[again(key)])).unwrap();
    assert!(signed.changed && signed.lacks.signatures == 0);
}

impl Case {
    /// All that targets sign for, whole, and what is left to others.
    fn look(&self, source: &dyn Source) -> Result<Seen, Error> {
        see(source, &self.root, day(2))?;
        let (mut session, _) = follow(source, self.root.clone(), day(2), Expiry::Enforce)?;
        let mut seen = Seen::default();
        for (place, name) in seen.iter_mut().zip(["tools-old", "tools-new", "fonts-new"]) {
            if let Some(target) = find(source, &mut session, name)? {
                let bytes = target_bytes(source, &target, 99)?;
                *place = Some(String::from_utf8(bytes).unwrap());
            }
        }
        Ok(seen)
    }
}

fn names(seen: [Option<&str>; 3]) -> Seen {
    seen.map(|name| name.map(str::to_owned))
}

/// Each operation, reading ones too, is lost, or done and its answer lost.
#[test]
fn a_publish_of_delegated_roles_cut_anywhere_leaves_old_or_new_and_a_rerun_completes_it() {
    let case = case();
    let old = names([Some("tools-old"), None, None]);
    let new = names([None, Some("tools-new"), Some("fonts-new")]);
    assert_eq!(case.look(&StoreSource(&case.base)).unwrap(), old);
    let whole = case.base.fork();
    let counting = CutStore::new(&whole, None);
    put(&counting, &case.staged).unwrap();
    assert_eq!(case.look(&StoreSource(&whole)).unwrap(), new);
    let (mut as_old, mut as_new) = (0, 0);
    for at in 0..counting.ops() {
        for loss in [Loss::All, Loss::Answer] {
            let store = case.base.fork();
            assert!(
                put(&CutStore::new(&store, Some((at, loss))), &case.staged).is_err(),
                "cut {at}, {loss:?}"
            );
            let seen = case
                .look(&StoreSource(&store))
                .unwrap_or_else(|error| panic!("cut {at}, {loss:?}: {error}: {error:?}"));
            assert!(seen == old || seen == new, "cut {at}, {loss:?}: neither old nor new: {seen:?}");
            *if seen == new { &mut as_new } else { &mut as_old } += 1;
            let cut = store.fork();
            put(&store, &case.staged)
                .unwrap_or_else(|error| panic!("cut {at}, {loss:?}, rerun: {error}: {error:?}"));
            assert_eq!(store.tree(), whole.tree(), "cut {at}, {loss:?}");
            // A host that had asked for the timestamp before the rerun finds what that one leads to.
            assert_eq!(case.look(&Slow { first: &cut, then: &store }).unwrap(), seen, "cut {at}, {loss:?}");
        }
    }
    println!("{} operations, {as_old} old, {as_new} new", counting.ops());
    // Two blobs, four documents and the looks between them come before the commit.
    assert!(as_old > 10 && as_new > 1, "{as_old} old, {as_new} new");
}

/// The look can tell: with a document or a target of a role not there yet, the new timestamp leads to nothing whole.
#[test]
fn a_timestamp_shown_before_what_a_role_signed_fails_the_look() {
    let case = case();
    let whole = case.base.fork();
    put(&whole, &case.staged).unwrap();
    let written: Vec<(Part, String)> =
        whole.tree().into_keys().filter(|key| !case.base.tree().contains_key(key)).collect();
    let of_roles = |name: &str| {
        [".team.json", ".others.json", "tools-new", "fonts-new"].iter().any(|end| name.ends_with(end))
    };
    let mut missed = 0;
    for (part, name) in written.iter().filter(|(_, name)| of_roles(name)) {
        let store = case.base.fork();
        for (key, bytes) in whole.tree() {
            if key != (*part, name.clone()) {
                store.plant(key.0, &key.1, &bytes);
            }
        }
        assert!(case.look(&StoreSource(&store)).is_err(), "{name}");
        missed += 1;
    }
    assert_eq!(missed, 4, "{written:?}");
}
