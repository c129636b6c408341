//! Every way a server can fail a target ends in success by trying again, or in one clear error.

use std::time::{Duration, Instant};

use fixtures::server::Faults;
use trust_client::{Class, Error, TransportConfig};

use crate::host::{LENGTH, World, check, hasty, image, run};

fn faults(text: &str) -> Faults {
    text.parse().expect("faults are spelled right")
}

#[test]
fn every_fault_ends_in_one_clear_error() {
    let world = World::new();
    for (text, class, words, requests) in [
        ("tamper=10", Class::Untrusted, "sha256 differs", 1),
        ("tamper=300000", Class::Untrusted, "sha256 differs", 1),
        ("shorter=1", Class::Untrusted, "expected 300001 bytes, found 300000", 1),
        ("longer=1", Class::Untrusted, "expected 300001 bytes, found 300002", 1),
        ("endless", Class::Untrusted, "expected at most 300001 bytes, found more", 1),
        // The end is missing: what is there was got once, then the tries for the rest run out.
        ("truncated=1", Class::Untrusted, "expected 300001 bytes, found 300002", 1),
        ("status=404", Class::Transient, "failed to find", 1),
        ("status=403", Class::Transient, "the server answers 403", 1),
        ("status=401", Class::Transient, "the server answers 401", 1),
        ("status=400", Class::Transient, "expected 200, found 400", 1),
        ("status=503", Class::Transient, "answered 503", 3),
        ("status=500", Class::Transient, "answered 500", 3),
        ("status=429", Class::Transient, "answered 429", 3),
        ("status=429,retry-after=3600", Class::Transient, "answered 429, try again in 3600 s", 1),
        ("cut=0", Class::Transient, "connection cut", 3),
        ("cut=1000", Class::Transient, "connection cut", 3),
        ("no-ranges,cut=1000", Class::Transient, "connection cut", 3),
        ("stall=0", Class::Transient, "stalled at byte 0 for 0.4 s", 3),
        ("stall=1000", Class::Transient, "stalled", 3),
    ] {
        let (found, transport) = world.fetch(hasty(), faults(text));
        let error = found.expect_err(text);
        assert_eq!(error.classify(), class, "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
        assert_eq!(world.server.log().len(), requests, "{text}: {error}");
        assert!(transport.bytes_received() < 2 * LENGTH as u64, "{text}: reading stops");
    }
}

#[test]
fn a_fault_that_passes_costs_a_try() {
    let world = World::new();
    for (text, at_least, requests) in [
        ("status=503,times=2", 0, 3),
        ("status=429,retry-after=1,times=1", 1000, 2),
        ("cut=0,times=2", 0, 3),
        ("cut=1000,times=2", 0, 3),
        ("stall=1000,times=1", 400, 2),
        // Cut every 100,000 bytes, for ever: each try gets on, so it ends.
        ("cut=100000", 0, 4),
        ("cut=100000,no-etag", 0, 4),
    ] {
        let from = Instant::now();
        let (found, transport) = world.fetch(hasty(), faults(text));
        assert!(found.unwrap() == image(), "{text}");
        assert!(from.elapsed() >= Duration::from_millis(at_least), "{text}");
        assert_eq!(world.server.log().len(), requests, "{text}");
        let metadata: u64 = 8192;
        assert!(transport.bytes_received() < LENGTH as u64 + metadata, "{text}: nothing comes twice");
    }
}

#[test]
fn without_ranges_a_cut_download_reads_past_what_it_has() {
    let world = World::new();
    let (found, _) = world.fetch(hasty(), faults("no-ranges,cut=200000,times=1"));
    assert!(found.unwrap() == image());
    assert_eq!(world.server.bytes_sent(), 200_000 + LENGTH as u64);
}

#[test]
fn slow_but_steady_arrives_however_long_it_takes() {
    let world = World::new();
    let from = Instant::now();
    let (found, _) = world.fetch(hasty(), faults("slow=150k"));
    assert!(found.unwrap() == image());
    assert!(from.elapsed() > 4 * hasty().stall, "it took longer than any limit: {:?}", from.elapsed());
    assert_eq!(world.server.log().len(), 1);
}

#[test]
fn a_drip_is_a_stall() {
    let world = World::new();
    let config = TransportConfig { retries: 0, ..hasty() };
    let (found, _) = world.fetch(config, faults("slow=200"));
    assert!(matches!(found, Err(Error::Stalled { .. })), "{found:?}");
}

#[test]
fn the_rate_limit_is_kept() {
    let world = World::new();
    let limit_rate = std::num::NonZeroU64::new(400_000);
    let from = Instant::now();
    let (found, _) = world.fetch(TransportConfig { limit_rate, ..hasty() }, Faults::default());
    assert!(found.unwrap() == image());
    let took = from.elapsed();
    assert!(took >= Duration::from_millis(700) && took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn a_target_that_is_not_listed_or_too_long_is_not_asked_for() {
    let world = World::new();
    run(async {
        let transport = trust_client::Transport::new(hasty()).unwrap();
        let mut trusted = world.refresh(&transport).await.unwrap();
        world.server.clear();
        let error = trusted.target_bytes(&transport, "other.img", 10).await.unwrap_err();
        assert!(matches!(error, Error::NotListed { .. }), "{error}");
        let error = trusted.target_bytes(&transport, "os.img", 300_000).await.unwrap_err();
        assert!(matches!(error, Error::TargetTooLong { limit: 300_000, length: 300_001, .. }), "{error}");
        assert!(world.server.log().is_empty());
        check(&trusted.target(&transport, "os.img").await.unwrap());
    });
}

#[test]
fn metadata_is_held_to_its_limits_too() {
    for (text, class, words) in [
        ("only=timestamp,endless", Class::Untrusted, "expected at most 1048576 bytes"),
        ("only=snapshot,longer=1", Class::Untrusted, "found more"),
        ("only=snapshot,shorter=1", Class::Untrusted, "bytes, found"),
        ("only=timestamp,tamper=40", Class::Untrusted, "timestamp"),
        ("only=timestamp,status=404", Class::Transient, "failed to find timestamp metadata"),
        ("only=timestamp,status=403", Class::Transient, "timestamp.json: the server answers 403"),
        ("only=root,status=401", Class::Transient, "root.json: the server answers 401"),
        ("only=root,status=503", Class::Transient, "answered 503"),
        ("only=root,status=200", Class::Untrusted, "expected metadata in JSON, found nothing"),
        ("only=timestamp,stall=10", Class::Transient, "stalled"),
    ] {
        let world = World::new();
        world.server.set(faults(text));
        let found =
            run(async { world.refresh(&trust_client::Transport::new(hasty()).unwrap()).await.map(|_| ()) });
        let error = found.expect_err(text);
        assert_eq!(error.classify(), class, "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
    }
}
