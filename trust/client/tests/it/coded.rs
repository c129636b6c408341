//! Documents that come compressed: by whom they are asked for so, and what a server can do to them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use fixtures::server::{Faults, Length};
use flate2::Compression;
use flate2::write::GzEncoder;
use trust_client::{Class, Error, Transport, TransportConfig};
use url::Url;

use crate::host::{World, hasty, run};

const LENGTH: usize = 100_000;
const LIMIT: u64 = LENGTH as u64;

/// A document that has repetitions and no ends to cut at, of just the length that is taken.
fn document() -> Vec<u8> {
    long_document(LENGTH)
}

fn long_document(length: usize) -> Vec<u8> {
    let mut text = b"{".to_vec();
    for n in 0_u64.. {
        text.extend(format!("\"{n}\":{},", n * n % 7919).bytes());
        if text.len() > length {
            break;
        }
    }
    text.truncate(length);
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn coded(coding: &str) -> Faults {
    Faults { coding: Some(coding.to_owned()), ..Faults::default() }
}

fn gzips() -> Faults {
    Faults { gzip: true, ..Faults::default() }
}

/// A world with a file `doc.json` on both ways to it: a metadata file, and a whole target.
struct Ways(World);

impl Ways {
    fn to(file: &[u8], faults: Faults) -> Self {
        let world = World::new();
        fs::write(world.folder.path().join("doc.json"), file).expect("the file is written");
        world.server.set(faults);
        Self(world)
    }

    /// What comes of the file by either; they must agree on what it is, or on what is wrong.
    fn fetch(&self, length: u64) -> [Result<Vec<u8>, Error>; 2] {
        let transport = Transport::new(hasty()).expect("settings are good");
        [self.metadata(&transport, length), self.whole(&transport, length)]
    }

    fn metadata(&self, transport: &Transport, length: u64) -> Result<Vec<u8>, Error> {
        let found = run(transport.get(&self.base(), "doc.json", length));
        found.map(|bytes| bytes.expect("it is there").into())
    }

    fn whole(&self, transport: &Transport, length: u64) -> Result<Vec<u8>, Error> {
        run(async {
            let mut body = transport.whole(&self.base(), "doc.json", length).await?;
            let mut bytes = Vec::new();
            while let Some(chunk) = body.next().await? {
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes)
        })
    }

    fn base(&self) -> Url {
        Url::parse(&self.0.server.url()).expect("a URL")
    }
}

#[test]
fn a_document_comes_compressed_where_the_server_can() {
    let document = document();
    let ways = Ways::to(&document, gzips());
    for found in ways.fetch(LIMIT) {
        assert!(found.unwrap() == document);
    }
    let log = ways.0.server.log();
    assert_eq!(log.len(), 2);
    for logged in &log {
        assert_eq!(logged.accept_encoding.as_deref(), Some("gzip"));
    }
    assert!(ways.0.server.bytes_sent() < LIMIT, "{} bytes for both", ways.0.server.bytes_sent());
    assert_eq!(ways.0.server.connections(), 2, "one for each runtime");
    let transport = Transport::new(hasty()).unwrap();
    ways.0.server.clear();
    ways.whole(&transport, LIMIT).unwrap();
    assert_eq!(transport.bytes_received(), ways.0.server.bytes_sent(), "bytes are counted on the wire");
    // Each is read to its very end, so that the connection serves the next one.
    ways.0.server.clear();
    run(async {
        for _ in 0..3 {
            transport.get(&ways.base(), "doc.json", LIMIT).await.unwrap();
            let mut body = transport.whole(&ways.base(), "doc.json", LIMIT).await.unwrap();
            while body.next().await.unwrap().is_some() {}
        }
    });
    assert_eq!((ways.0.server.connections(), ways.0.server.log().len()), (1, 6));
    // As before from one that cannot.
    ways.0.server.clear();
    ways.0.server.set(Faults::default());
    for found in ways.fetch(LIMIT) {
        assert!(found.unwrap() == document);
    }
    assert_eq!(ways.0.server.bytes_sent(), 2 * LIMIT);
}

#[test]
fn payload_and_parts_are_never_asked_for_compressed() {
    let world = World::new();
    world.server.set(gzips());
    let transport = Transport::new(hasty()).unwrap();
    run(async {
        let mut trusted = world.refresh(&transport).await.unwrap();
        trusted.target_bytes(&transport, "os.img", 1 << 20).await.unwrap();
        let base = Url::parse(&world.server.url_of("targets/")).unwrap();
        let mut body = transport.range(&base, &world.image_path(), 10..20, 300_001).await.unwrap();
        while body.next().await.unwrap().is_some() {}
    });
    let log = world.server.log();
    let asked = |end: &str| {
        let fits = log.iter().filter(|logged| logged.target.ends_with(end));
        fits.map(|logged| logged.accept_encoding.as_deref().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(asked(".img"), ["identity", "identity"]);
    // Two roots, timestamp, snapshot, targets.
    assert!(asked(".json").len() >= 4 && asked(".json").iter().all(|asked| *asked == "gzip"), "{log:?}");
}

/// Whatever is asked, what is said of the answer counts.
#[test]
fn a_server_that_codes_unasked_is_understood() {
    let document = document();
    for coding in ["gzip", "GZIP", "x-gzip", "identity, gzip"] {
        for found in Ways::to(&gzip(&document), coded(coding)).fetch(LIMIT) {
            assert!(found.unwrap() == document, "{coding}");
        }
    }
    for found in Ways::to(&document, coded("identity")).fetch(LIMIT) {
        assert!(found.unwrap() == document);
    }
    // Two streams, one after the other, are one document.
    let (first, second) = document.split_at(12_345);
    for found in Ways::to(&[gzip(first), gzip(second)].concat(), coded("gzip")).fetch(LIMIT) {
        assert!(found.unwrap() == document);
    }
}

/// There are servers that call a file coded for its name, or for how it was uploaded: S3's `aws-chunked` is such a word.
#[test]
fn a_plain_document_is_read_whatever_it_is_called() {
    let document = document();
    for label in ["aws-chunked", "utf-8", "none", "binary", "deflate", "br", "gzip", "gzip, gzip"] {
        let ways = Ways::to(&document, coded(label));
        for found in ways.fetch(LIMIT) {
            assert!(found.unwrap() == document, "{label}");
        }
        assert_eq!(ways.0.server.log().len(), 2, "{label}: one request for each");
    }
}

#[test]
fn an_unknown_coding_is_refused_and_another_mirror_may_help() {
    let twice = gzip(&gzip(&document()));
    for coding in ["br", "gzip, gzip", "deflate"] {
        for found in Ways::to(&twice, coded(coding)).fetch(LIMIT) {
            let error = found.map(drop).unwrap_err();
            assert!(matches!(&error, Error::Coding { found, .. } if found == coding), "{error}");
            let said = error.to_string();
            let expected = format!("doc.json: expected content coding gzip or none, found {coding}");
            assert!(said.ends_with(&expected), "{said}");
            assert_eq!(error.classify(), Class::Transient);
            assert!(error.hint().is_some());
        }
    }
    // Said once and done twice: the inner one is no document.
    let [metadata, _] = Ways::to(&twice, coded("gzip")).fetch(LIMIT);
    assert!(metadata.unwrap() == gzip(&document()));
}

#[test]
fn garbage_is_untrusted_at_once() {
    let document = document();
    let more = [gzip(&document), b"and more than a header has".to_vec()].concat();
    for file in [b"no document at all, and no gzip".to_vec(), more] {
        let ways = Ways::to(&file, coded("gzip"));
        for found in ways.fetch(LIMIT) {
            let error = found.map(drop).unwrap_err();
            assert!(matches!(error, Error::Damaged { .. }), "{error}");
            assert_eq!(error.classify(), Class::Untrusted);
        }
        assert_eq!(ways.0.server.log().len(), 2, "no second try makes it right");
    }
}

/// The sum at the end is checked where nothing else is known of the document; a target has a digest.
#[test]
fn a_wrong_sum_is_damage() {
    let document = document();
    let mut flipped = gzip(&document);
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let [metadata, whole] = Ways::to(&flipped, coded("gzip")).fetch(LIMIT);
    // What a flipped byte makes of the rest may be too long, or too short, before it is wrong.
    assert!(metadata.is_err());
    assert!(whole.ok() != Some(document.clone()));
    let mut file = gzip(&document);
    let sum = file.len() - 6;
    file[sum] ^= 1;
    let [metadata, whole] = Ways::to(&file, coded("gzip")).fetch(LIMIT);
    let error = metadata.map(drop).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert!(whole.unwrap() == document);
}

/// A bomb ends where more came out than may, a stream out of which nothing comes where more came than could be needed.
#[test]
fn no_more_comes_out_than_the_limit_and_no_more_goes_in() {
    let bomb = gzip(&vec![b' '; 64 << 20]);
    let nothing = gzip(b"").repeat(20_000);
    let long = [&document()[..], b"1"].concat();
    for (what, file) in [("bomb", bomb), ("nothing", nothing), ("one byte", gzip(&long))] {
        let ways = Ways::to(&file, coded("gzip"));
        for found in ways.fetch(LIMIT) {
            let error = found.map(drop).unwrap_err();
            assert!(matches!(error, Error::TooLong { limit: LIMIT, .. }), "{what}: {error}");
        }
    }
    // Announced or not, what is sent compressed is not the length of the document.
    let ways = Ways::to(&gzip(&document()), coded("gzip"));
    for found in ways.fetch(LIMIT) {
        assert_eq!(found.unwrap().len(), LENGTH);
    }
    let endless = Faults { length: Length::Endless, ..coded("gzip") };
    for found in Ways::to(&gzip(&document()), endless).fetch(LIMIT) {
        let error = found.map(drop).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. } | Error::TooLong { .. }), "{error}");
    }
}

/// Cut in the middle it is asked for as it is, from the start: nothing is pieced together with what came compressed.
#[test]
fn a_compressed_answer_that_is_cut_comes_again_as_it_is() {
    let document = document();
    for faults in ["gzip,cut=3000,times=1", "gzip,stall=3000,times=1"] {
        let ways = Ways::to(&document, Faults::default());
        for which in [0, 1] {
            ways.0.server.set(faults.parse().unwrap());
            ways.0.server.clear();
            let transport = Transport::new(hasty()).unwrap();
            let found =
                if which == 0 { ways.metadata(&transport, LIMIT) } else { ways.whole(&transport, LIMIT) };
            assert!(found.unwrap() == document, "{faults}");
            let log = ways.0.server.log();
            let asked: Vec<_> = log.iter().map(|logged| logged.accept_encoding.as_deref().unwrap()).collect();
            assert_eq!(asked, ["gzip", "identity"], "{faults}");
            assert!(log.iter().all(|logged| logged.range.is_none()), "{faults}: {log:?}");
        }
    }
}

/// Behind a link that lets no answer through whole: plain bytes go on by range, where compressed ones would begin anew for ever.
#[test]
fn a_link_that_always_cuts_is_got_over() {
    // What counts as getting on is 64 KiB.
    let (cut, document) = (70_000, long_document(900_000));
    assert!(gzip(&document).len() > 2 * cut);
    let ways = Ways::to(&document, format!("gzip,cut={cut}").parse().unwrap());
    for found in ways.fetch(900_000) {
        assert!(found.unwrap() == document);
    }
}

/// A proxy can end an answer cleanly where it was cut off; so can the file be cut on the server, for good.
#[test]
fn a_compressed_answer_that_ends_early_is_a_cut() {
    let gzip = gzip(&document());
    for end in [0, 5, gzip.len() / 2] {
        let ways = Ways::to(&gzip[..end], coded("gzip"));
        for found in ways.fetch(LIMIT) {
            let error = found.map(drop).unwrap_err();
            assert!(matches!(error, Error::Cut { .. }), "{end}: {error}");
            assert_eq!(error.classify(), Class::Transient);
        }
        assert_eq!(ways.0.server.log().len(), 6, "{end}: all tries of both");
    }
}

/// From plain to compressed between two tries, and back: each answer is read as what it says it is.
#[test]
fn a_server_may_change_its_mind_between_two_tries() {
    let document = document();
    let ways = Ways::to(&document, Faults::default());
    for faults in ["cut=30000,times=1,gzip", "cut=30000,times=1"] {
        ways.0.server.set(faults.parse().unwrap());
        for found in ways.fetch(LIMIT) {
            assert!(found.unwrap() == document, "{faults}");
        }
    }
    // Plain and cut; the part that is asked for next is called compressed.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let server = std::thread::spawn(move || {
        for answer in [
            "HTTP/1.1 200 -\r\nETag: \"a\"\r\nContent-Length: 10\r\n\r\n{\"a\"",
            "HTTP/1.1 206 -\r\nETag: \"a\"\r\nContent-Range: bytes 4-9/10\r\nContent-Encoding: gzip\r\n\
             Content-Length: 6\r\n\r\n:1234}",
        ] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let transport = Transport::new(TransportConfig { retries: 1, ..hasty() }).unwrap();
    let error = run(transport.get(&base, "doc.json", 100)).unwrap_err();
    assert!(matches!(error, Error::Coding { expected: "none for a part", .. }), "{error}");
    server.join().unwrap();
}
