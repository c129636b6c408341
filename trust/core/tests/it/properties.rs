//! What holds for any bytes and any order of publishing.

use proptest::prelude::*;
use trust_core::{Error, Find, Reply, Role};

use crate::host::{Host, signs, start, world};

proptest! {
    /// P6: a changed byte anywhere is either refused or changes nothing that is trusted.
    #[test]
    fn no_changed_byte_is_trusted(file in 0usize..4, at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let (mut repository, mut host) = world();
        let mut honest = Host::shipped_with(host.shipped.clone());
        let expected = honest.run(&repository, start()).unwrap();
        let path = ["1.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"][file];
        let bytes = repository.metadata.get_mut(path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if file == 0 {
            host.shipped = repository.root(1);
        }
        if let Ok(mut found) = host.run(&repository, start()) {
            let mut expected = expected;
            prop_assert_eq!(found.trusted(), expected.trusted());
            prop_assert_eq!(found.find("os.img").unwrap(), expected.find("os.img").unwrap());
        }
    }

    /// No bytes make a session panic, and none of them are kept.
    #[test]
    fn any_bytes_get_one_error(bytes in prop::collection::vec(any::<u8>(), 0..200), stage in 0usize..4) {
        let (repository, mut host) = world();
        let mut session = host.session(start()).unwrap();
        for _ in 0..stage {
            let request = session.next_request().unwrap();
            host.answer(&mut session, &request, &repository).unwrap();
        }
        let before = session.next_request();
        prop_assert!(session.receive(Reply::Bytes(bytes)).is_err());
        prop_assert_eq!(session.next_request(), before);
    }

    /// More than asked for is refused, whatever it is.
    #[test]
    fn the_limit_of_a_request_holds(stage in 0usize..4, more in 1usize..100) {
        let (repository, mut host) = world();
        host.limits.root = 1024;
        host.limits.timestamp = 1024;
        let mut session = host.session(start()).unwrap();
        for _ in 0..stage {
            let request = session.next_request().unwrap();
            host.answer(&mut session, &request, &repository).unwrap();
        }
        let limit = session.next_request().unwrap().max_length;
        let mut bytes = vec![b' '; usize::try_from(limit).unwrap()];
        bytes.extend(vec![b' '; more]);
        let error = session.receive(Reply::Bytes(bytes)).unwrap_err();
        prop_assert!(matches!(error, Error::TooLong { limit: l, .. } if l == limit), "{}", error);
    }

    /// However states of a repository are replayed, no version in the store goes back.
    #[test]
    fn no_order_of_replays_brings_anything_back(order in prop::collection::vec(0usize..6, 1..12)) {
        let (mut repository, mut host) = world();
        let mut states = vec![repository.clone()];
        for n in 0..5 {
            if n == 2 {
                repository.new_root(&[]);
            }
            signs(&mut repository, "targets", &[["a", "b", "c", "d", "e"][n]]);
            repository.publish();
            states.push(repository.clone());
        }
        let mut newest = 0;
        for state in order {
            let before = host.versions();
            let result = host.refresh(&states[state], start());
            prop_assert_eq!(result.is_ok(), state >= newest, "{:?}", result);
            newest = newest.max(state);
            for (role, version) in before {
                prop_assert!(host.versions()[&role] >= version, "{} went back", role);
            }
        }
    }

    /// A target name is looked up as it is, or refused; it never becomes a path that climbs.
    #[test]
    fn no_name_climbs(name in "[a-z./% ?#\\\\-]{1,20}") {
        let (mut repository, mut host) = world();
        signs(&mut repository, "targets", &[&name]);
        repository.publish();
        let mut session = host.run(&repository, start()).unwrap();
        match session.find(&name) {
            Ok(Find::Found(target)) => {
                prop_assert!(!target.path.starts_with('/') && !target.path.contains(['?', '#', ' ', '\\']));
                prop_assert!(target.path.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
            }
            Ok(other) => prop_assert!(false, "{:?}", other),
            Err(error) => prop_assert!(matches!(error, Error::TargetName { .. }), "{}", error),
        }
        prop_assert!(host.store.contains_key(&Role::Targets));
    }
}
