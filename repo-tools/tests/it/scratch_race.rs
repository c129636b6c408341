//! Two publishers in a store without locks, one of them from scratch: nothing that hosts read is taken away.

use std::sync::Mutex;

use updog_repo::Error;
use updog_repo::publish::{Order, Trust, publish_to};
use updog_repo::source::StoreSource;
use updog_repo::store::{Part, Store};

use crate::common::day;
use crate::cut_store::see;
use crate::stores::{Copies, Crowded, ORDER, copies, put, same};

const SCRATCH: Order = Order { trust: Trust::Roots, ..ORDER };

#[test]
fn a_publish_from_scratch_that_loses_a_race_leaves_the_winner_whole() {
    let Copies { _yards, ours: scratch, theirs: normal, base, root } = copies(2);
    let version = normal.metadata().versions().timestamp;
    assert_eq!(scratch.metadata().versions(), normal.metadata().versions());
    let (mut lost, mut won) = (0, 0);
    for at in 0.. {
        let store = base.fork();
        let did = Mutex::new(None);
        let work = || *did.lock().unwrap() = Some(put(&store, &normal).map(|_| ()));
        let crowded = Crowded { inner: &store, at, ops: Mutex::new(0), work: &work };
        let result = publish_to(&crowded, &scratch, SCRATCH, &|_| {});
        let Some(did) = did.into_inner().unwrap() else { break };
        let seen =
            see(&StoreSource(&store), &root, day(2)).unwrap_or_else(|error| panic!("at {at}: {error}"));
        match (result, did) {
            (Err(error), Ok(())) => {
                lost += 1;
                let whole = base.fork();
                put(&whole, &normal).unwrap();
                assert!(same(seen, see(&StoreSource(&whole), &root, day(2)).unwrap()), "at {at}");
                let said = error.to_string();
                assert!(
                    matches!(error, Error::Undoes { .. }) || said.contains(&version.to_string()),
                    "at {at}: {said}"
                );
            }
            (Ok(_), Err(_)) => won += 1,
            // Each has written the name that the other one needs first: both are told, and hosts see the old state.
            (Err(_), Err(_)) => assert!(seen.timestamp.version < version, "at {at}"),
            (Ok(_), Ok(())) => panic!("at {at}: both believe that they have published"),
        }
    }
    assert!(lost > 0 && won > 0, "{lost} lost, {won} won");
}

/// Nobody has shown it yet, and its publisher is about to.
#[test]
fn from_scratch_refuses_a_signed_document_of_the_same_version_and_mends_a_damaged_one() {
    let Copies { _yards, ours: scratch, theirs: normal, base, root } = copies(2);
    let theirs = normal.metadata().online.as_ref().unwrap();
    for (name, bytes) in [
        (format!("{}.targets.json", theirs.targets.version()), theirs.targets.bytes()),
        (format!("{}.snapshot.json", theirs.snapshot.version()), theirs.snapshot.bytes()),
    ] {
        let store = base.fork();
        store.plant(Part::Metadata, &name, bytes);
        let refused = publish_to(&store, &scratch, SCRATCH, &|_| {});
        assert!(matches!(refused, Err(Error::SameVersion { .. })), "{name}: {refused:?}");
        let left = store.read(Part::Metadata, &name, 1 << 20).unwrap().unwrap();
        assert_eq!(left.bytes, bytes, "{name}");
        store.plant(Part::Metadata, &name, b"{}");
        publish_to(&store, &scratch, SCRATCH, &|_| {}).unwrap();
        see(&StoreSource(&store), &root, day(2)).unwrap();
    }
}
