//! What an earlier run found stands for the targets role, and changes nothing but what is read.

use chrono::{DateTime, TimeDelta, Utc};
use fixtures::tuf::{Delegation, Repository};
use proptest::prelude::*;
use trust_core::{Find, Finding, Reply, Role, Trusted};

use crate::host::{Host, days, signs, start, world};

const NAME: &str = "os.img";

/// A host that has found the file, and from now on knows it by that.
fn found() -> (Repository, Host) {
    let (repository, mut host) = world();
    let session = host.run(&repository, start()).expect("an honest repository");
    host.finding = session.finding(NAME);
    assert!(host.finding.is_some());
    host.asked.clear();
    (repository, host)
}

#[test]
fn the_role_is_not_read_for_what_was_found_in_it() {
    let (repository, mut host) = found();
    let expected =
        Host::shipped_with(host.shipped.clone()).run(&repository, start()).unwrap().find(NAME).unwrap();
    // Not even there.
    host.store.remove(&Role::Targets);
    let mut session = host.run(&repository, start()).unwrap();
    assert_eq!(session.find(NAME).unwrap(), expected);
    assert_eq!(session.known(NAME).map(Box::new).map(Find::Found), Some(expected));
    assert_eq!(host.asked, ["2.root.json", "timestamp.json"]);
    assert!(session.finding(NAME).is_none(), "nothing new was found");
}

#[test]
fn anything_else_is_looked_up_in_the_role() {
    let (mut repository, mut host) = world();
    signs(&mut repository, "targets", &["other.img"]);
    repository.publish();
    let session = host.run(&repository, start()).unwrap();
    host.finding = session.finding(NAME);
    host.asked.clear();
    let whole = host.store.get(&Role::Targets).cloned();
    for (stored, asked) in [(whole, 2), (None, 3), (Some(b"{}".to_vec()), 3)] {
        host.asked.clear();
        host.store.remove(&Role::Targets);
        host.store.extend(stored.map(|bytes| (Role::Targets, bytes)));
        let mut session = host.run(&repository, start()).unwrap();
        assert!(session.known("other.img").is_none());
        assert!(matches!(host.find(&mut session, "other.img", &repository), Ok(Find::Found(_))));
        assert_eq!(host.find(&mut session, "none.img", &repository).unwrap(), Find::NotListed);
        assert_eq!(host.asked.len(), asked, "{:?}", host.asked);
        assert!(session.trusted().is_some() && session.finding(NAME).is_some());
    }
}

/// Without digests in the snapshot, a version says nothing about bytes.
#[test]
fn a_role_that_is_listed_without_its_digest_is_always_read() {
    let (mut repository, mut host) = world();
    repository.list_digests = false;
    repository.publish();
    assert!(host.run(&repository, start()).unwrap().finding(NAME).is_none());
}

#[test]
fn what_a_delegated_role_lists_is_not_found() {
    let (mut repository, mut host) = world();
    let (keys, paths) = (vec![100], vec!["*".to_owned()]);
    let role = Delegation { name: "others".into(), keys: keys.clone(), paths, terminating: false };
    repository.roles.get_mut("targets").unwrap().delegations.push(role);
    signs(&mut repository, "others", &["theirs.img"]);
    repository.roles.get_mut("others").unwrap().keys = keys;
    repository.publish();
    let mut session = host.run(&repository, start()).unwrap();
    assert!(matches!(host.find(&mut session, "theirs.img", &repository), Ok(Find::Found(_))));
    assert!(session.finding("theirs.img").is_none() && session.finding(NAME).is_some());
}

#[test]
fn a_file_with_a_changed_byte_says_nothing() {
    let (_, host) = found();
    let finding = host.finding.unwrap();
    let bytes = finding.encode();
    assert_eq!(Finding::parse(&bytes), Some(finding));
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        assert_eq!(Finding::parse(&bytes), None, "byte {at}");
    }
    for end in 0..bytes.len() {
        assert_eq!(Finding::parse(&bytes[..end]), None, "cut at {end}");
    }
}

#[test]
fn a_stored_role_is_no_answer_to_another_request() {
    let (_, host) = found();
    let bytes = host.store[&Role::Targets].clone();
    let mut session = host.session(start()).unwrap();
    let before = session.next_request();
    assert_eq!(session.receive(Reply::Stored(bytes)).unwrap(), []);
    assert_eq!(session.next_request(), before);
}

/// What happens to a repository, or to time, between two looks.
#[derive(Debug, Clone)]
enum Event {
    Days(i64),
    Sign(&'static str),
    Change,
    Publish,
    Timestamp,
    Rotate(&'static str),
    Root,
    Expire(i64),
    Digests(bool),
    Replay,
}

fn event() -> impl Strategy<Value = Event> {
    let role = prop::sample::select(vec!["timestamp", "snapshot", "targets"]);
    prop_oneof![
        (0..60i64).prop_map(Event::Days),
        prop::sample::select(vec![NAME, "a", "b"]).prop_map(Event::Sign),
        Just(Event::Change),
        Just(Event::Publish),
        Just(Event::Timestamp),
        role.prop_map(Event::Rotate),
        Just(Event::Root),
        (1..90i64).prop_map(Event::Expire),
        any::<bool>().prop_map(Event::Digests),
        Just(Event::Replay),
    ]
}

fn happen(event: &Event, repository: &mut Repository, now: &mut DateTime<Utc>, old: &Repository) {
    match event {
        Event::Days(more) => *now += days(*more),
        Event::Sign(name) => signs(repository, "targets", &[name]),
        Event::Change => {
            let files = &mut repository.roles.entry("targets".to_owned()).or_default().targets;
            files.insert(NAME.to_owned(), now.timestamp().to_le_bytes().to_vec());
        }
        Event::Publish => repository.publish(),
        Event::Timestamp => repository.new_timestamp(),
        Event::Rotate(role) => {
            repository.keys.insert(role, vec![repository.versions["root"].to_le_bytes()[0] + 40]);
            repository.new_root(&[]);
            repository.publish();
        }
        Event::Root => repository.new_root(&[]),
        Event::Expire(more) => repository.expires = *now + TimeDelta::days(*more),
        Event::Digests(list) => repository.list_digests = *list,
        Event::Replay => *repository = old.clone(),
    }
}

/// One look: what is trusted and what is found, or why not.
fn look(host: &mut Host, repository: &Repository, now: DateTime<Utc>, finds: bool) -> String {
    let said = host.run(repository, now).map(|mut session| {
        let trusted: Option<Trusted> = session.trusted();
        let found = ["a", NAME, "none"].map(|name| host.find(&mut session, name, repository));
        if finds {
            host.finding = session.finding(NAME).or(host.finding.take());
        }
        format!("{trusted:?} {found:?} {:?}", session.trusted())
    });
    format!("{said:?}")
}

proptest! {
    /// Two hosts, one of which knows by findings: they say the same at every look.
    #[test]
    fn no_answer_differs(events in prop::collection::vec((event(), any::<bool>()), 1..12)) {
        let (mut repository, mut finds) = world();
        let mut reads = finds.clone();
        let (old, mut now) = (repository.clone(), start());
        for (event, looks) in events {
            happen(&event, &mut repository, &mut now, &old);
            if looks {
                let answers = [(&mut finds, true), (&mut reads, false)]
                    .map(|(host, finding)| look(host, &repository, now, finding));
                prop_assert_eq!(&answers[0], &answers[1], "after {:?}", event);
                prop_assert_eq!(&finds.asked, &reads.asked);
                prop_assert_eq!(&finds.store, &reads.store);
            }
        }
    }
}
