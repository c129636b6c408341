//! The search through delegated roles (spec 5.6.7).

use chrono::{DateTime, Utc};
use fixtures::tuf::{Delegation, Repository};
use trust_core::{Error, Find, Limits, Reply, Target};

use crate::host::{Host, signs, start, world};

fn delegate(repository: &mut Repository, from: &str, to: &str, terminating: bool, paths: &[&str]) {
    let keys = vec![100 + to.bytes().fold(0, |sum: u8, byte| sum.wrapping_add(byte)) % 50];
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let delegation = Delegation { name: to.into(), keys: keys.clone(), paths, terminating };
    repository.roles.entry(from.into()).or_default().delegations.push(delegation);
    repository.roles.entry(to.into()).or_default().keys = keys;
}

/// Looks a target up, and the delegated roles asked for on the way.
fn find(
    host: &mut Host,
    repository: &Repository,
    name: &str,
) -> Result<(Option<Target>, Vec<String>), Error> {
    find_at(host, repository, name, start())
}

fn find_at(
    host: &mut Host,
    repository: &Repository,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(Option<Target>, Vec<String>), Error> {
    let mut session = host.run(repository, now)?;
    host.asked.clear();
    loop {
        match session.find(name)? {
            Find::Found(target) => return Ok((Some(*target), host.asked.clone())),
            Find::NotListed => return Ok((None, host.asked.clone())),
            Find::Ask(request) => host.answer(&mut session, &request, repository)?,
        }
    }
}

#[test]
fn roles_are_visited_in_preorder_and_once() {
    for (case, edges, visited) in [
        (
            "order",
            &[("targets", "a", false), ("targets", "b", false), ("a", "c", false)][..],
            &["a", "c", "b"][..],
        ),
        (
            "cycle",
            &[("targets", "a", false), ("a", "b", false), ("b", "a", false), ("b", "targets2", false)],
            &["a", "b", "targets2"],
        ),
        (
            "diamond",
            &[("targets", "a", false), ("targets", "b", false), ("a", "c", false), ("b", "c", false)],
            &["a", "c", "b"],
        ),
        (
            "terminating",
            &[("targets", "a", false), ("targets", "b", false), ("a", "c", true), ("a", "d", false)],
            &["a", "c"],
        ),
        (
            "below a terminating one",
            &[("targets", "a", true), ("targets", "b", false), ("a", "c", false)],
            &["a", "c"],
        ),
    ] {
        let (mut repository, mut host) = world();
        for (from, to, terminating) in edges {
            delegate(&mut repository, from, to, *terminating, &["*"]);
        }
        repository.publish();
        let (target, asked) = find(&mut host, &repository, "missing").unwrap();
        let expected: Vec<String> = visited.iter().map(|role| format!("1.{role}.json")).collect();
        assert_eq!((target, asked), (None, expected), "{case}");
    }
}

#[test]
fn a_role_speaks_only_for_the_names_it_was_given() {
    let (mut repository, mut host) = world();
    delegate(&mut repository, "targets", "a", false, &["a/*"]);
    signs(&mut repository, "a", &["a/file", "b/file", "os.img"]);
    repository.publish();
    let (target, _) = find(&mut host, &repository, "a/file").unwrap();
    assert!(target.unwrap().path.starts_with("a/"), "the digest stands before the file name");
    assert_eq!(find(&mut host, &repository, "b/file").unwrap(), (None, vec![]));
    let own = repository.roles["targets"].targets["os.img"].len() as u64;
    assert_eq!(find(&mut host, &repository, "os.img").unwrap().0.unwrap().length, own);
}

#[test]
fn a_kept_role_is_used_again_only_while_it_is_right() {
    let (mut repository, mut host) = world();
    delegate(&mut repository, "targets", "a", false, &["*"]);
    signs(&mut repository, "a", &["file"]);
    repository.publish();
    find(&mut host, &repository, "file").unwrap();
    let kept = host.store.iter().find(|(role, _)| role.name() == "a").unwrap().1.clone();

    let mut session = host.run(&repository, start()).unwrap();
    assert!(matches!(session.find("file"), Ok(Find::Ask(_))));
    session.receive(Reply::Stored(kept.clone())).unwrap();
    assert!(session.next_request().is_none() && matches!(session.find("file"), Ok(Find::Found(_))));

    repository.publish();
    let mut session = host.run(&repository, start()).unwrap();
    assert!(matches!(session.find("file"), Ok(Find::Ask(_))));
    session.receive(Reply::Stored(kept)).unwrap();
    assert!(session.next_request().is_some(), "an older copy is passed over");
}

#[test]
fn what_one_delegator_vouches_for_another_does_not() {
    let (mut repository, mut host) = world();
    delegate(&mut repository, "targets", "left", false, &["left/*"]);
    delegate(&mut repository, "targets", "right", false, &["right/*"]);
    delegate(&mut repository, "left", "shared", false, &["left/*"]);
    delegate(&mut repository, "right", "shared", false, &["right/*"]);
    signs(&mut repository, "shared", &["left/file", "right/file"]);
    repository.roles.get_mut("right").unwrap().delegations[0].keys = vec![200];
    repository.publish();
    let mut session = host.run(&repository, start()).unwrap();
    for (name, good) in [("left/file", true), ("right/file", false)] {
        let found = loop {
            match session.find(name) {
                Ok(Find::Ask(request)) => host.answer(&mut session, &request, &repository).unwrap(),
                other => break other,
            }
        };
        assert_eq!(matches!(found, Ok(Find::Found(_))), good, "{name}: {found:?}");
        assert!(good || matches!(found, Err(Error::Signatures { .. })), "{name}: {found:?}");
    }
}

#[test]
fn a_delegated_role_must_be_listed_and_must_not_take_a_top_level_name() {
    let (mut repository, mut host) = world();
    delegate(&mut repository, "targets", "a", false, &["*"]);
    repository.new_targets("a");
    repository.new_targets("targets");
    let listed = repository.roles.remove("a").unwrap();
    repository.new_snapshot();
    repository.new_timestamp();
    let error = find(&mut host, &repository, "file").unwrap_err();
    assert!(matches!(error, Error::NotListed { .. }), "{error}");

    repository.roles.insert("a".into(), listed);
    repository.roles.get_mut("targets").unwrap().delegations[0].name = "root".into();
    repository.publish();
    let error = host.refresh(&repository, start()).unwrap_err();
    assert!(matches!(error, Error::Delegation { .. }), "{error}");
}

#[test]
fn a_search_that_never_ends_ends() {
    let (mut repository, mut host) = world();
    host.limits = Limits { roles: 5, ..Limits::default() };
    let mut from = "targets".to_owned();
    for n in 0..8 {
        let to = format!("role{n}");
        delegate(&mut repository, &from, &to, false, &["*"]);
        from = to;
    }
    repository.publish();
    let error = find(&mut host, &repository, "missing").unwrap_err();
    assert!(matches!(error, Error::TooManyRoles { limit: 5, .. }), "{error}");
}
