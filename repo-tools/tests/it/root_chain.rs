//! The chain of roots in a working folder, and the keys in it.

use std::fs;
use std::num::NonZeroU64;

use updog_repo::keys::{KeyKind, generate};
use updog_repo::request::for_root;
use updog_repo::{Error, Role};

use crate::common::{Yard, day};

#[test]
fn one_key_in_two_forms_is_one_key() {
    let yard = Yard::bare();
    let pem = generate(KeyKind::Ecdsa, &yard.path("keys/p256")).unwrap().signer.public();
    let mut json = serde_json::to_value(&pem).unwrap();
    json["keytype"] = "ecdsa-sha2-nistp256".into();
    let old: tough::schema::key::Key = serde_json::from_value(json).unwrap();
    yard.edit_root(|next| {
        for key in [&pem, &old] {
            next.add_key(key, &Role::ALL).unwrap();
        }
        next.set_threshold(Role::Root, NonZeroU64::new(2).unwrap()).unwrap();
    });
    let refused = for_root(yard.folder.papers().unwrap(), day(1));
    assert!(matches!(refused, Err(Error::SameKeyTwice { role: Role::Root, .. })), "{refused:?}");
}

#[test]
fn a_chain_that_is_broken_anywhere_is_one_clear_error() {
    let (yard, key) = Yard::with_key();
    let path = |version: u64| yard.folder.root_path(version);
    yard.missing(&[&key], day(1));
    for days in [100, 200, 300] {
        yard.edit_root(|next| {
            next.set_expires(day(days)).unwrap();
        });
        yard.missing(&[&key], day(1));
    }
    assert_eq!(yard.folder.roots().unwrap().len(), 4);
    let whole: Vec<Vec<u8>> = (1..=4).map(|version| fs::read(path(version)).unwrap()).collect();
    let restore =
        || whole.iter().zip(1..).for_each(|(bytes, version)| fs::write(path(version), bytes).unwrap());
    for version in 1..=3 {
        fs::remove_file(path(version)).unwrap();
        assert!(matches!(yard.folder.papers(), Err(Error::RootLost { path: lost }) if lost == path(version)));
        restore();
        fs::write(path(version), &whole[3]).unwrap();
        assert!(matches!(yard.folder.papers(), Err(Error::WrongVersion { found: 4, .. })));
        restore();
    }
    // A successor that the one before did not sign.
    let (other, stranger) = Yard::with_key();
    other.missing(&[&stranger], day(1));
    other.edit_root(|next| {
        next.set_expires(day(100)).unwrap();
    });
    other.missing(&[&stranger], day(1));
    fs::copy(other.folder.root_path(2), path(2)).unwrap();
    let broken = yard.folder.papers().unwrap_err();
    assert!(matches!(broken, Error::RootChain { version: 2, under: 1, missing: 1 }), "{broken:?}");
    assert!(broken.hint().unwrap().contains("put N.root.json back"));
}
