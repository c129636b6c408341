//! A mirror that is down, behind or cheating costs the way to the next one.

use fixtures::clock::time;
use fixtures::server::{Faults, Server};
use trust_client::{Class, Error, Mirror, Mirrors, Transport, refresh};

use crate::host::{LENGTH, World, fresh, hasty, image, run};

fn two(first: &Server, second: &Server) -> Mirrors {
    let mirror = Mirror::new(&second.url_of("metadata"), &second.url_of("targets")).expect("two URLs");
    Mirrors::one(&first.url_of("metadata"), &first.url_of("targets")).expect("two URLs").or(mirror)
}

#[test]
fn the_next_mirror_makes_up_for_the_first() {
    for text in [
        "status=503",
        "status=404",
        "status=429,retry-after=9999",
        "stall=0",
        "cut=0",
        "tamper=30",
        "only=timestamp,tamper=60",
        "only=snapshot,tamper=60",
        "only=snapshot,status=404",
        "only=targets.json,longer=5",
        "only=os.img,tamper=5",
        "only=os.img,shorter=5",
        "only=os.img,status=404",
        "only=root,tamper=5,status=200",
    ] {
        let world = World::new();
        let bad = Server::start(world.folder.path(), text.parse().unwrap()).unwrap();
        run(async {
            let transport = Transport::new(hasty()).unwrap();
            let mut trusted = world.refresh_from(&transport, &two(&bad, &world.server)).await.expect(text);
            let found = trusted.target_bytes(&transport, "os.img", LENGTH as u64).await.expect(text);
            assert!(found == image(), "{text}");
        });
        assert!(!bad.log().is_empty() || text == "cut=0", "{text}: the first was asked");
        assert!(!world.server.log().is_empty(), "{text}: the second helped");
    }
}

#[test]
fn a_mirror_that_is_down_costs_its_tries_once() {
    let world = World::new();
    let down = Server::start(world.folder.path(), "status=503".parse().unwrap()).unwrap();
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        let mut trusted = world.refresh_from(&transport, &two(&down, &world.server)).await.unwrap();
        trusted.target_bytes(&transport, "os.img", LENGTH as u64).await.unwrap();
        let first = trusted.targets_urls().next().unwrap().to_string();
        assert_eq!(first, world.server.url_of("targets/"));
    });
    assert_eq!(down.log().len(), 3);
}

#[test]
fn a_mirror_that_is_behind_is_passed_over() {
    let mut world = World::new();
    let behind = tempfile::tempdir().unwrap();
    world.repository.write(behind.path()).unwrap();
    let first = Server::start(behind.path(), Faults::default()).unwrap();
    world.repository.publish();
    world.repository.write(world.folder.path()).unwrap();
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        world.refresh(&transport).await.unwrap();
        let trusted = world.refresh_from(&transport, &two(&first, &world.server)).await.unwrap();
        assert_eq!(trusted.roles().unwrap().timestamp.version, 3);
        // Alone it is a rollback.
        let alone = Mirrors::one(&first.url_of("metadata"), &first.url_of("targets")).unwrap();
        let error = world.refresh_from(&transport, &alone).await.unwrap_err();
        assert!(error.to_string().contains("timestamp went back: version 3 was trusted, found 2"), "{error}");
        assert_eq!(error.classify(), Class::Untrusted);
    });
}

#[test]
fn when_no_mirror_will_do_the_worst_is_told() {
    let world = World::new();
    let cheat = Server::start(world.folder.path(), "only=timestamp,tamper=60".parse().unwrap()).unwrap();
    world.server.set("status=503".parse().unwrap());
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        for mirrors in [two(&cheat, &world.server), two(&world.server, &cheat)] {
            let error = world.refresh_from(&transport, &mirrors).await.unwrap_err();
            assert_eq!(error.classify(), Class::Untrusted, "{error}");
        }
    });
}

#[test]
fn a_broken_host_does_not_ask_around() {
    let world = World::new();
    std::fs::create_dir_all(world.store_path().join("timestamp.json")).unwrap();
    let second = Server::start(world.folder.path(), Faults::default()).unwrap();
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        let error = world.refresh_from(&transport, &two(&world.server, &second)).await.unwrap_err();
        assert!(matches!(error, Error::Keep { .. }), "{error}");
    });
    assert!(second.log().is_empty());
}

#[test]
fn an_expired_repository_is_told_with_its_role_and_time() {
    let world = World::new();
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        let late = trust_client::Freshness { now: time("2027-11-25T10:00:00Z"), ..fresh() };
        let root = world.repository.root(1);
        let error = refresh(&transport, &world.store(), &world.mirrors(), &root, late).await.unwrap_err();
        let words =
            "root metadata version 1 expired at 2027-02-23 10:00:00 UTC (now 2027-11-25 10:00:00 UTC)";
        assert_eq!(error.to_string(), words);
        assert_eq!(std::fs::read_dir(world.store_path()).unwrap().count(), 0, "nothing is left behind");
        assert!(world.refresh(&transport).await.is_ok(), "the right clock finds all well");
    });
}

/// A server that has a page of its own for everything it has not, with 200: the next root is no root.
#[test]
fn a_page_in_place_of_a_missing_file_is_told_by_its_url() {
    for (page, found) in
        [("<!doctype html><title>Not here</title>", "HTML or XML"), ("", "nothing"), ("gone", "other text")]
    {
        let world = World::new();
        std::fs::write(world.folder.path().join("metadata/2.root.json"), page).unwrap();
        run(async {
            let transport = Transport::new(hasty()).unwrap();
            let error = world.refresh(&transport).await.unwrap_err();
            let said = error.to_string();
            assert!(said.contains(&world.server.url_of("metadata/2.root.json")), "{said}");
            assert!(said.contains(found), "{said}");
            assert_eq!(error.classify(), Class::Untrusted, "{said}");
            assert!(error.hint().is_some_and(|hint| hint.contains("404 or 403")), "{said}");
        });
    }
}
