//! Ranges: only the exact answer counts, and a body goes on by itself.

use fixtures::server::{Faults, Ranges};
use trust_client::{Error, RangeBody, Transport};
use url::Url;

use crate::host::{LENGTH, World, hasty, image, run};

async fn collect(body: Result<RangeBody, Error>) -> Result<Vec<u8>, Error> {
    let mut body = body?;
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    assert_eq!(body.remaining(), 0);
    Ok(bytes)
}

fn base(world: &World) -> Url {
    world.server.url_of("targets/").parse().expect("a URL")
}

#[test]
fn a_range_is_what_was_asked_for() {
    let world = World::new();
    let (total, path) = (LENGTH as u64, world.image_path());
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        for range in [0..1, 0..total, 1000..1001, total - 1..total, 4096..250_000] {
            let found =
                collect(transport.range(&base(&world), &path, range.clone(), total).await).await.unwrap();
            let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
            assert!(found == image()[start..end], "{range:?}");
        }
        assert_eq!(world.server.connections(), 1, "one connection serves them all");
        assert_eq!(transport.requests(), 5);
        assert_eq!(transport.bytes_received(), world.server.bytes_sent());
        // Nothing is asked for when nothing is wanted.
        assert!(collect(transport.range(&base(&world), &path, 7..7, total).await).await.unwrap().is_empty());
        assert_eq!(transport.requests(), 5);
    });
}

#[test]
fn an_answer_that_is_not_exactly_right_is_no_range() {
    let world = World::new();
    let path = world.image_path();
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        for (ranges, words) in [
            (Ranges::Ignored, "status 200"),
            (Ranges::OtherRange, "bytes 1001-2000/300001"),
            (Ranges::OtherTotal, "bytes 1000-1999/300002"),
            (Ranges::Unsaid, "206 without Content-Range"),
        ] {
            world.server.set(Faults { ranges, ..Faults::default() });
            world.server.clear();
            let found = collect(transport.range(&base(&world), &path, 1000..2000, LENGTH as u64).await).await;
            let Err(error @ Error::NoRanges { .. }) = found else { panic!("{ranges:?}: {found:?}") };
            assert!(error.to_string().contains(words), "{ranges:?}: {error}");
            assert_eq!(world.server.log().len(), 1, "{ranges:?}");
            // One plain download is the way then.
            let whole = collect(transport.whole(&base(&world), &path, LENGTH as u64).await).await.unwrap();
            assert!(whole == image(), "{ranges:?}");
        }
        // Bytes of another place under the right header pass here; their digest gives them away.
        world.server.set(Faults { ranges: Ranges::OtherBytes, ..Faults::default() });
        let found =
            collect(transport.range(&base(&world), &path, 1000..2000, LENGTH as u64).await).await.unwrap();
        assert!(found.len() == 1000 && found != image()[1000..2000]);
        // A file of another length is another file.
        world.server.set(Faults::default());
        let found = collect(transport.range(&base(&world), &path, 0..10, 10).await).await;
        assert!(matches!(found, Err(Error::NoRanges { .. })), "{found:?}");
    });
}

#[test]
fn a_cut_range_goes_on_where_it_was_cut() {
    let world = World::new();
    let (total, path) = (LENGTH as u64, world.image_path());
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        world.server.set("cut=70000".parse().unwrap());
        let found = collect(transport.range(&base(&world), &path, 5000..total, total).await).await.unwrap();
        assert!(found == image()[5000..]);
        let asked: Vec<_> = world.server.log().into_iter().filter_map(|logged| logged.range).collect();
        let expected = [5000, 75_000, 145_000, 215_000, 285_000].map(|from| format!("bytes={from}-300000"));
        assert_eq!(asked, expected);
        assert_eq!(world.server.bytes_sent(), total - 5000, "no byte is sent twice");
    });
}

#[test]
fn ranges_that_cease_half_way_are_told() {
    let world = World::new();
    let (total, path) = (LENGTH as u64, world.image_path());
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        world.server.set("cut=70000,times=1".parse().unwrap());
        let mut body = transport.range(&base(&world), &path, 0..total, total).await.unwrap();
        let first = body.next().await.unwrap().unwrap();
        assert!(!first.is_empty());
        world.server.set(Faults { ranges: Ranges::Ignored, ..Faults::default() });
        let error = loop {
            match body.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the server has no ranges any more"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::NoRanges { .. }), "{error}");
        assert!(body.remaining() > 0);
    });
}

#[test]
fn a_small_file_goes_on_only_when_it_is_surely_the_same() {
    let world = World::new();
    let path = world.image_path();
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        for (faults, sent) in [
            ("cut=100000,times=1", LENGTH as u64),
            ("cut=100000,times=1,no-etag", LENGTH as u64 + 100_000),
            ("cut=100000,times=1,no-ranges", LENGTH as u64 + 100_000),
        ] {
            world.server.set(faults.parse().unwrap());
            world.server.clear();
            let found = transport.get(&base(&world), &path, LENGTH as u64).await.unwrap().unwrap();
            assert!(found == image(), "{faults}");
            assert_eq!(world.server.bytes_sent(), sent, "{faults}");
        }
        let error = transport.get(&base(&world), &path, LENGTH as u64 - 1).await.unwrap_err();
        assert!(matches!(error, Error::TooLong { limit: 300_000, .. }), "{error}");
        assert!(transport.get(&base(&world), "nothing", 10).await.unwrap().is_none());
    });
}

#[test]
fn a_server_that_always_cuts_at_the_same_place_is_given_up() {
    let world = World::new();
    let path = world.image_path();
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        world.server.set("cut=200000,no-ranges".parse().unwrap());
        let error = transport.get(&base(&world), &path, LENGTH as u64).await.unwrap_err();
        assert!(matches!(error, Error::Cut { .. }), "{error}");
        // The first cut came after progress, which costs no try.
        assert!(world.server.log().len() <= 4, "{}", world.server.log().len());

        world.server.clear();
        let error = collect(transport.whole(&base(&world), &path, LENGTH as u64).await).await.unwrap_err();
        assert!(matches!(error, Error::Cut { .. }), "{error}");
        assert!(world.server.log().len() <= 4, "{}", world.server.log().len());
    });
}
