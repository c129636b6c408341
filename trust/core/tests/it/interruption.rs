//! Cut anywhere, the next run ends the same (P7); an error leaves the session as it was.

use trust_core::{Change, Class, Error, Reply, Role};

use crate::host::{start, world};

#[test]
fn a_run_cut_after_any_answer_ends_the_same_next_time() {
    let (mut repository, mut base) = world();
    base.refresh(&repository, start()).unwrap();
    repository.keys.insert("timestamp", vec![70]);
    repository.new_root(&[]);
    repository.keys.insert("snapshot", vec![71]);
    repository.new_root(&[]);
    repository.publish();
    let mut whole = base.clone();
    let expected = whole.refresh(&repository, start()).unwrap();

    // Every change is kept by itself, so a cut may also fall between two of one answer.
    for cut in 0.. {
        let mut host = base.clone();
        let mut session = host.session(start()).unwrap();
        let mut changes: Vec<Change> = Vec::new();
        while let Some(request) = session.next_request() {
            let reply = repository.metadata.get(&request.path).cloned().map_or(Reply::NotFound, Reply::Bytes);
            changes.extend(session.receive(reply).unwrap());
        }
        let last = cut >= changes.len();
        changes.truncate(cut);
        host.apply(changes);
        assert_eq!(host.refresh(&repository, start()).unwrap(), expected, "cut after {cut} changes");
        assert_eq!(host.store, whole.store, "cut after {cut} changes");
        if last {
            assert!(cut >= 7, "two roots, two forgotten, three kept");
            return;
        }
    }
}

#[test]
fn after_an_error_the_same_request_stands_for_another_mirror() {
    let (repository, mut host) = world();
    let mut session = host.session(start()).unwrap();
    while let Some(request) = session.next_request() {
        for bad in [Reply::Bytes(b"<html>".to_vec()), Reply::Bytes(repository.root(1)), Reply::NotFound] {
            if request.role == Role::Root && matches!(bad, Reply::NotFound) {
                continue;
            }
            let missing = matches!(bad, Reply::NotFound);
            let error = session.receive(bad).unwrap_err();
            let class = if missing { Class::Transient } else { Class::Untrusted };
            assert_eq!(error.classify(), class, "{}: {error}", request.path);
            assert_eq!(session.next_request().as_ref(), Some(&request));
            assert!(session.trusted().is_none());
        }
        host.answer(&mut session, &request, &repository).unwrap();
    }
    assert!(session.trusted().is_some());
    assert!(matches!(session.receive(Reply::NotFound), Err(Error::Unasked)));
}

#[test]
fn garbage_in_the_store_is_noted_and_passed_over() {
    let (repository, mut host) = world();
    let expected = host.refresh(&repository, start()).unwrap();
    for role in [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets] {
        for garbage in [&b""[..], b"\0\0\0", b"{}", b"{\"signed\":{},\"signatures\":[]}"] {
            let mut hurt = host.clone();
            hurt.store.insert(role.clone(), garbage.to_vec());
            let session = hurt.run(&repository, start()).unwrap();
            assert_eq!(session.trusted(), Some(expected), "{role}");
            let noted = session.notes().iter().any(|note| note.role == role);
            assert_eq!(noted, matches!(role, Role::Timestamp | Role::Snapshot), "{role}");
            assert_eq!(hurt.store.get(&Role::Snapshot), host.store.get(&Role::Snapshot));
        }
    }
}

#[test]
fn nothing_is_fetched_again_that_is_still_right() {
    let (repository, mut host) = world();
    host.refresh(&repository, start()).unwrap();
    host.asked.clear();
    host.refresh(&repository, start()).unwrap();
    assert_eq!(host.asked, ["2.root.json", "timestamp.json"]);
    host.store.remove(&Role::Targets);
    host.asked.clear();
    host.refresh(&repository, start()).unwrap();
    assert_eq!(host.asked, ["2.root.json", "timestamp.json", "2.targets.json"]);
}
