//! There is one form of a bundle: what was written is read, and any other byte is refused or is a member's own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::io::Cursor;

use proptest::prelude::*;
use release::bundle::{BundleError, Contents, Name, Writer};

fn write(members: &[(Name, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).unwrap();
    for (name, bytes) in members {
        writer.add(name, bytes).unwrap();
    }
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<Contents, BundleError> {
    Contents::read(&mut Cursor::new(bytes))
}

fn name(text: &str) -> Name {
    match text.strip_prefix("metadata/") {
        Some(file) => Name::metadata(file).unwrap(),
        None => Name::target(text.strip_prefix("targets/").unwrap()).unwrap(),
    }
}

fn sample() -> Vec<(Name, Vec<u8>)> {
    let long = format!("targets/{}.{}", "ab".repeat(32), "n".repeat(190));
    [
        ("metadata/2.root.json", 700),
        ("metadata/10.root.json", 512),
        ("metadata/timestamp.json", 1),
        ("metadata/7.snapshot.json", 0),
        ("metadata/7.targets.json", 511),
        (long.as_str(), 1300),
        ("targets/folder/x", 5),
    ]
    .map(|(text, length)| (name(text), vec![b'.'; length]))
    .to_vec()
}

/// The bytes of the sample after `edit` of the plain parts it is made of.
fn spliced(from: usize, to: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = write(&sample());
    bytes.splice(from..to, with.iter().copied());
    bytes
}

#[test]
fn what_was_written_is_found() {
    let members = sample();
    let bytes = write(&members);
    let contents = read(&bytes).unwrap();
    assert_eq!(contents.len(), members.len());
    for (name, expected) in &members {
        let member = contents.member(name).unwrap();
        let at = usize::try_from(member.offset).unwrap();
        assert_eq!(&bytes[at..at + usize::try_from(member.length).unwrap()], expected, "{name}");
    }
    assert_eq!(contents.member(&Name::metadata("1.root.json").unwrap()), None);
}

#[test]
fn names_that_lead_elsewhere_cannot_be_made() {
    for file in
        ["", ".", "..", "../x", "a/../b", "/x", "a//b", "a/", "a b", "a\\b", "a\nb", "ä", &"x".repeat(400)]
    {
        assert!(matches!(Name::target(file), Err(BundleError::Name { .. })), "{file:?}");
        assert!(matches!(Name::metadata(file), Err(BundleError::Name { .. })), "{file:?}");
    }
}

#[test]
fn order_and_lengths_are_kept_when_writing() {
    let mut writer = Writer::new(Vec::new()).unwrap();
    writer.add(&name("metadata/timestamp.json"), b"x").unwrap();
    for late in ["metadata/timestamp.json", "metadata/1.root.json"] {
        assert!(matches!(writer.begin(&name(late), 0), Err(BundleError::Order { .. })), "{late}");
    }
    assert!(matches!(writer.begin(&name("targets/x"), 1 << 33), Err(BundleError::TooLong { .. })));
    writer.begin(&name("targets/x"), 3).unwrap();
    assert!(matches!(writer.write(b"four"), Err(BundleError::Length { expected: 3, found: 4, .. })));
    let mut writer = Writer::new(Vec::new()).unwrap();
    writer.begin(&name("targets/x"), 3).unwrap();
    assert!(matches!(writer.finish(), Err(BundleError::Length { expected: 3, found: 0, .. })));
}

/// Archives that a tar would unpack, and that are none of ours.
#[test]
fn other_archives_are_refused() {
    let bytes = write(&sample());
    let first = 1024..1024 + 512 + 1024;
    let member = bytes[first.clone()].to_vec();
    let twice = spliced(first.end, first.end, &member);
    assert!(matches!(read(&twice), Err(BundleError::Order { .. })), "twice the same");
    let tail = bytes.len();
    assert!(matches!(read(&spliced(tail, tail, &[0; 512])), Err(BundleError::Long { .. })), "more zeros");
    assert!(matches!(read(&spliced(0, 1024, &[])), Err(BundleError::NotABundle)), "no mark");
    assert!(matches!(read(b""), Err(BundleError::NotABundle)), "empty");
    assert!(matches!(read(&spliced(512 + 13, 512 + 14, b"2")), Err(BundleError::Format { .. })), "format 2");
    // Links, folders and devices, with a sum that is right.
    for kind in *b"123456xgLK" {
        let mut bytes = bytes.clone();
        bytes[1024 + 156] = kind;
        let sum: u64 =
            (0..512).map(|at| if (148..156).contains(&at) { 32 } else { u64::from(bytes[1024 + at]) }).sum();
        bytes[1024 + 148..1024 + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert!(matches!(read(&bytes), Err(BundleError::Form { .. })), "kind {}", char::from(kind));
    }
    let mut absolute = bytes.clone();
    absolute[1024] = b'/';
    assert!(matches!(read(&absolute), Err(BundleError::Name { .. })), "absolute");
}

#[test]
fn every_prefix_is_refused() {
    let bytes = write(&sample());
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "{length} bytes of {}", bytes.len());
    }
}

/// A flipped bit is refused, unless it lies inside a member, where the metadata's digests see it, or in the end of a long
/// name, which then is another name: a member that nobody asks for.
#[test]
fn every_flipped_byte_is_refused_or_lies_in_a_member() {
    let members = sample();
    let bytes = write(&members);
    let contents = read(&bytes).unwrap();
    let member = |name: &Name| contents.member(name).unwrap();
    let mut inside: Vec<_> = members
        .iter()
        .map(|(name, _)| member(name).offset..member(name).offset + member(name).length)
        .collect();
    let long = &members.iter().find(|(name, _)| name.as_str().len() > 100).unwrap().0;
    let record = member(long).offset - 1024 + "273 path=".len() as u64;
    inside.push(record + 100..record + long.as_str().len() as u64);
    for at in 0..bytes.len() {
        for bit in [0, 5] {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let own = inside.iter().any(|range| range.contains(&(at as u64)));
            assert!(own || read(&changed).is_err(), "byte {at} bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn same_contents_same_bytes_and_back(
        lengths in proptest::collection::btree_map("[a-z0-9._+-]{1,150}", 0_usize..2000, 0..12),
    ) {
        let mut members: Vec<(Name, Vec<u8>)> = lengths
            .iter()
            .filter_map(|(text, length)| Some((Name::target(text).ok()?, vec![7; *length])))
            .collect();
        members.sort_by(|a, b| a.0.cmp(&b.0));
        let bytes = write(&members);
        prop_assert_eq!(&bytes, &write(&members));
        let contents = read(&bytes).unwrap();
        prop_assert_eq!(contents.len(), members.len());
        for (name, expected) in &members {
            prop_assert_eq!(contents.member(name).unwrap().length, expected.len() as u64);
        }
    }

    #[test]
    fn garbage_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let mut marked = write(&[]);
        marked.truncate(1024);
        marked.extend(&bytes);
        let _ = read(&marked);
        prop_assert!(read(&bytes).is_err());
    }
}
