//! One spelling a manifest, one clear error for everything else, and never a panic.

use boot_manifest::{Error, File, MAX_CMDLINE, MAX_LENGTH, Manifest, RESERVED, Signature, parse};
use proptest::prelude::*;

fn manifest() -> Manifest {
    Manifest {
        version: "1.4.0".to_owned(),
        variant: "tiny".to_owned(),
        arch: "x86_64".to_owned(),
        kernel: File { sha256: [0x11; 32], length: 8_123_456 },
        initrd: File { sha256: [0x22; 32], length: 450_000 },
        root_hash: [0xab; 32],
        salt: vec![0x5a, 0x17],
        data_blocks: 24_576,
        hash_offset: 4096,
        cmdline: "console=ttyS0 panic=10 quiet".to_owned(),
    }
}

fn signature(key: u8) -> Signature {
    Signature { key_id: [key; 8], bytes: [key; 64] }
}

#[test]
fn golden_bytes() {
    let golden = include_bytes!("../../../fixtures/golden/boot-manifest/tiny.boot.manifest");
    let bytes = manifest().encode(&[signature(1), signature(2)]).unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(golden));
    let read = parse(golden).unwrap();
    assert_eq!((&read.manifest, read.signatures.len()), (&manifest(), 2));
    assert_eq!(read.signed, manifest().to_sign());
}

#[test]
fn every_fault_has_its_error() {
    let good = String::from_utf8(manifest().encode(&[signature(1)]).unwrap()).unwrap();
    let value = |key| Error::Value { key };
    let cases: &[(&str, &str, Error)] = &[
        ("format=1", "format=2", Error::Format),
        ("format=1\n", "", Error::Key { line: 1, expected: "format" }),
        ("version=", "Version=", Error::Key { line: 2, expected: "version" }),
        ("variant=tiny", "variant=ti ny", value("variant")),
        ("arch=x86_64", "arch=", value("arch")),
        (" 8123456", " 08123456", value("kernel")),
        (" 8123456", " 0", value("kernel")),
        (" 450000", "  450000", value("initrd")),
        ("root_hash=ab", "root_hash=AB", value("root_hash")),
        ("salt=5a17", "salt=5a1", value("salt")),
        ("data_blocks=24576", "data_blocks=0", value("data_blocks")),
        ("data_blocks=24576", "data_blocks=18446744073709551616", value("data_blocks")),
        ("hash_offset=4096", "hash_offset=4097", value("hash_offset")),
        ("quiet\n", "quiet\r\n", Error::Line { line: 11 }),
        ("cmdline=", "cmdline=\u{e9}", Error::Line { line: 11 }),
        ("sig=01", "sig=1", value("sig")),
        ("sig=", "trailing=", Error::Key { line: 12, expected: "sig" }),
    ];
    for (from, to, error) in cases {
        let bad = good.replacen(from, to, 1);
        assert_ne!(&bad, &good, "{from} is there");
        assert_eq!(parse(bad.as_bytes()), Err(*error), "{from:?} → {to:?}");
    }
    assert_eq!(parse(&manifest().to_sign()), Err(Error::Unsigned));
    assert_eq!(parse(good.trim_end().as_bytes()), Err(Error::Line { line: 12 }));
    assert_eq!(parse(&vec![b'x'; MAX_LENGTH + 1]), Err(Error::TooLong { found: MAX_LENGTH + 1 }));
    assert_eq!(manifest().encode(&[signature(1), signature(1)]), Err(Error::Signatures));
    let nine: Vec<_> = (0..9).map(signature).collect();
    assert_eq!(manifest().encode(&nine), Err(Error::Signatures));
}

#[test]
fn the_selectors_words_are_its_own() {
    let with = |cmdline: &str| Manifest { cmdline: cmdline.to_owned(), ..manifest() }.encode(&[signature(1)]);
    for word in RESERVED {
        for cmdline in [
            format!("updog.{word}=A"),
            format!("quiet updog.{word}=A ro"),
            format!("quiet updog.{word}"),
            format!("ro \"updog.{word}=A\""),
            format!("up\"dog.{word}\"=A"),
        ] {
            assert_eq!(with(&cmdline), Err(Error::Reserved { word }), "{cmdline}");
        }
    }
    for cmdline in
        ["updog.fstype=erofs updog.init=/sbin/init updog.watchdog=60", "x.updog.slot=A updog.slots=2"]
    {
        assert!(with(cmdline).is_ok(), "{cmdline}");
    }
}

#[test]
fn what_cannot_be_read_back_is_not_written() {
    for (cmdline, what) in [("a\nsig=00", "a line break"), ("\u{7f}", "a control character")] {
        let bad = Manifest { cmdline: cmdline.to_owned(), ..manifest() };
        bad.encode(&[signature(1)]).expect_err(what);
    }
    let long = Manifest { cmdline: "x".repeat(MAX_CMDLINE + 1), ..manifest() };
    assert_eq!(long.encode(&[signature(1)]), Err(Error::Value { key: "cmdline" }));
}

proptest! {
    #[test]
    fn there_is_one_spelling(
        version in "[A-Za-z0-9._+-]{1,20}",
        cmdline in "[ -~]{0,200}",
        salt in proptest::collection::vec(any::<u8>(), 0..=256),
        data_blocks in 1_u64..,
        length in 1_u64..,
        keys in proptest::collection::btree_set(any::<u8>(), 1..=8),
    ) {
        let kernel = File { sha256: [7; 32], length };
        let made = Manifest { version, cmdline, salt, data_blocks, kernel, ..manifest() };
        let signatures: Vec<_> = keys.into_iter().map(signature).collect();
        let bytes = made.encode(&signatures).unwrap();
        let read = parse(&bytes).unwrap();
        prop_assert_eq!(&read.manifest, &made);
        prop_assert_eq!(read.signed, made.to_sign());
        prop_assert_eq!(read.signatures, signatures);
    }

    #[test]
    fn what_is_read_is_written_with_the_same_bytes(at in 0_usize..1000, byte in any::<u8>()) {
        let mut bytes = manifest().encode(&[signature(1), signature(2)]).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(read) = parse(&bytes) {
            prop_assert_eq!(read.manifest.encode(&read.signatures).unwrap(), bytes);
        }
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = parse(&bytes);
    }
}
