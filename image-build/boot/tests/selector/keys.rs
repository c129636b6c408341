//! The keys that go into a selector.

use boot_manifest::{Accept, keys_as_source, parse as parse_manifest, parse_keys};
use updog_boot::{KEYS, key_id, signed_by};

use crate::machine::{Signer, manifest};

const TEST_KEYS: &str = include_str!("../../keys/test.keys");

#[test]
fn the_test_keys_are_the_ones_built_in_and_marked() {
    let keys = parse_keys(TEST_KEYS, &Accept::Any).unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|key| key.test));
    // A build with other keys (UPDOG_BOOT_KEYS) is no build for tests.
    let built_in: Vec<_> = KEYS.iter().map(|key| (key.test, key.public)).collect();
    assert_eq!(built_in, keys.iter().map(|key| (key.test, key.public)).collect::<Vec<_>>());
    assert!(keys_as_source(&keys).starts_with("&[\n    Key { test: true, public: ["));
}

#[test]
fn the_private_halves_in_the_repository_are_theirs() {
    let keys = parse_keys(TEST_KEYS, &Accept::Any).unwrap();
    for (pem, key) in
        [include_str!("../../keys/test-1.pem"), include_str!("../../keys/test-2.pem")].iter().zip(&keys)
    {
        assert_eq!(Signer::from_pem(pem).key().public, key.public);
    }
}

#[test]
fn a_release_takes_no_test_key_under_any_name() {
    let known = parse_keys(TEST_KEYS, &Accept::Any).unwrap();
    let release = Accept::ReleaseOnly { known };
    let own = format!("release {}\nrelease {}\n", "1a".repeat(32), "2b".repeat(32));
    assert_eq!(parse_keys(&own, &release).map(|keys| keys.len()), Ok(2));
    for text in [TEST_KEYS.to_owned(), own.clone() + TEST_KEYS, own + &TEST_KEYS.replace("test ", "release ")]
    {
        let problem = parse_keys(&text, &release).unwrap_err();
        assert!(problem.contains("test key in a release build"), "{problem}");
    }
}

#[test]
fn every_other_fault_has_its_words() {
    let one = format!("release {}", "1a".repeat(32));
    let cases = [
        (String::new(), "expected two keys at least"),
        (one.clone(), "expected two keys at least"),
        (format!("{one}\n{one}"), "line 2: the key is named twice"),
        (format!("{one}\nrelease {}", "00".repeat(32)), "line 2: 64 zeros are no key"),
        (format!("# keys\nrelease {}", "1a".repeat(31)), "line 2: expected test or release"),
        (format!("release {}x", "1a".repeat(32)), "line 1: expected test or release"),
        (format!("public {}", "1a".repeat(32)), "line 1: expected test or release"),
        (format!("release {}", "zz".repeat(32)), "line 1: expected test or release"),
    ];
    for (text, part) in cases {
        let problem = parse_keys(&text, &Accept::Any).unwrap_err();
        assert!(problem.contains(part), "{text:?}: {problem}");
    }
}

#[test]
fn a_signature_under_another_keys_name_does_not_count() {
    let (one, two) = (Signer::new(1), Signer::new(2));
    let manifest = manifest(b"kernel", b"initrd");
    let named = boot_manifest::Signature { key_id: key_id(&two.key().public), ..one.sign(&manifest) };
    let bytes = manifest.encode(&[named]).unwrap();
    assert_eq!(signed_by(&parse_manifest(&bytes).unwrap(), &[one.key(), two.key()]), None);
}

#[test]
fn a_key_that_is_no_point_of_the_curve_signs_nothing() {
    let signer = Signer::new(1);
    let manifest = manifest(b"kernel", b"initrd");
    // y = 2 is on no point; the all-zero key is a point of small order, for which signatures can be made up.
    for public in [[2; 32], [0; 32]] {
        let signature = boot_manifest::Signature { key_id: key_id(&public), bytes: [0; 64] };
        let bytes = manifest.encode(&[signature, signer.sign(&manifest)]).unwrap();
        let parsed = parse_manifest(&bytes).unwrap();
        let key = updog_boot::Key { test: false, public };
        assert_eq!(signed_by(&parsed, &[key]), None);
        assert_eq!(signed_by(&parsed, &[key, signer.key()]), Some(&signer.key()));
    }
}
