//! Freeze attacks and clocks (spec 5.3.10, 5.4.4, 5.5.6, 5.6.5; design §7).

use trust_core::{Error, Expiry, Freshness, Role, floor, now, stored_signed_at};

use crate::host::{days, start, world};

#[test]
fn an_expired_role_is_refused_by_name_and_not_kept() {
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let (mut repository, mut host) = world();
        host.refresh(&repository, start()).unwrap();
        let before = host.versions();
        repository.expiries.insert(role.into(), start() + days(5));
        if role == "root" {
            repository.new_root(&[]);
        }
        repository.publish();
        let error = host.refresh(&repository, start() + days(5)).unwrap_err();
        let Error::Expired { role: expired, expires, now, .. } = &error else { panic!("{role}: {error}") };
        assert_eq!((expired.name(), *expires, *now), (role, start() + days(5), start() + days(5)));
        let after = host.versions();
        match role {
            // A root counts although it is expired: the next one is found through it.
            "root" => assert_eq!(after[&Role::Root], 2),
            _ => assert_eq!(after.get(expired), before.get(expired)),
        }
        // A second before, all is well.
        assert!(host.refresh(&repository, start() + days(5) - chrono::TimeDelta::seconds(1)).is_ok());
    }
}

#[test]
fn expired_metadata_can_be_looked_at_on_purpose() {
    let (repository, mut host) = world();
    let late = Freshness { now: start() + days(4000), expiry: Expiry::Ignore };
    let mut session = host.session_with(late).unwrap();
    while let Some(request) = session.next_request() {
        host.answer(&mut session, &request, &repository).unwrap();
    }
    assert!(session.trusted().is_some());
}

#[test]
fn an_expired_root_leads_to_the_next() {
    let (mut repository, mut host) = world();
    let late = start() + days(100);
    repository.expires = late + days(90);
    repository.new_root(&[]);
    repository.publish();
    assert_eq!(host.refresh(&repository, late).unwrap().root.version, 2);
}

#[test]
fn a_run_with_a_clock_ahead_leaves_nothing_behind() {
    let (repository, mut host) = world();
    host.refresh(&repository, start()).unwrap();
    let before = host.store.clone();
    assert!(matches!(host.refresh(&repository, start() + days(1000)), Err(Error::Expired { .. })));
    assert_eq!(host.store, before);
    assert!(host.refresh(&repository, start()).is_ok());
}

#[test]
fn a_clock_behind_is_lifted_by_what_was_signed() {
    let (mut repository, mut host) = world();
    repository.signed_at = Some(start() + days(30));
    repository.publish();
    let trusted = host.refresh(&repository, start()).unwrap();
    assert_eq!(trusted.signed_at, Some(start() + days(30)));

    let kept = &host.store[&Role::Timestamp];
    let signed_at = stored_signed_at(&host.shipped, kept).unwrap();
    let measured = now(start() - days(400), floor(start(), signed_at));
    assert_eq!(measured.at, start() + days(30));
    assert_eq!(measured.clock_behind, Some(days(430)));
}

#[test]
fn a_timestamp_that_does_not_verify_says_nothing_about_the_time() {
    let (mut repository, _) = world();
    repository.signed_at = Some(start() + days(30));
    repository.new_timestamp();
    let root = repository.root(1);
    let good = repository.metadata["timestamp.json"].clone();
    assert_eq!(stored_signed_at(&root, &good).unwrap(), Some(start() + days(30)));
    let text = String::from_utf8(good).unwrap().replace("2026-12-25T10", "2027-12-25T10");
    assert!(stored_signed_at(&root, text.as_bytes()).is_err());
    // Nor does one that was signed after its own end.
    repository.signed_at = Some(start() + days(91));
    repository.new_timestamp();
    assert_eq!(stored_signed_at(&root, &repository.metadata["timestamp.json"]).unwrap(), None);
}
