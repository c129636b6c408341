//! The public half of a token's key, in the words of TUF.

use std::collections::HashMap;

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use tough::schema::key::{EcdsaKey, EcdsaScheme, Ed25519Key, Ed25519Scheme, Key, RsaKey, RsaScheme};

use super::said;

/// The kinds that TUF clients verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rsa,
    Ecdsa,
    Ed25519,
}

/// Reads the public half; that of a curve lies in an object of its own. Whether it belongs here, a signature shows.
pub(super) fn public_of(session: &Session, private: ObjectHandle) -> Result<(Kind, Key), String> {
    read(session, private, |kind| public_half(session, kind, private))
}

/// Reads a public object.
pub(super) fn public_in(session: &Session, object: ObjectHandle) -> Result<Key, String> {
    read(session, object, |_| Ok(object)).map(|(_, key)| key)
}

/// Reads a key by an object with its type; `half` says where the point of a key on a curve lies.
fn read(
    session: &Session,
    object: ObjectHandle,
    half: impl Fn(KeyType) -> Result<ObjectHandle, String>,
) -> Result<(Kind, Key), String> {
    let about = [AttributeType::KeyType, AttributeType::Modulus, AttributeType::PublicExponent];
    let mut found = attributes(session, object, &about)?;
    let key_type = found.iter().find_map(|attribute| match attribute {
        Attribute::KeyType(kind) => Some(*kind),
        _ => None,
    });
    match key_type {
        Some(KeyType::RSA) => {
            let (modulus, exponent) = (take_modulus(&mut found), take_exponent(&mut found));
            let (Some(modulus), Some(exponent)) = (modulus, exponent) else {
                return Err("the token does not show the public half of this RSA key".into());
            };
            Ok((Kind::Rsa, rsa(&modulus, &exponent)?))
        }
        Some(kind @ KeyType::EC) => Ok((Kind::Ecdsa, p256(point(session, half(kind)?)?)?)),
        Some(kind @ KeyType::EC_EDWARDS) => Ok((Kind::Ed25519, ed25519(point(session, half(kind)?)?)?)),
        _ => Err("expected an RSA, P-256 or Ed25519 key, found another kind".into()),
    }
}

/// What objects are called, for people: `"targets" id 01`.
pub(super) fn listed(session: &Session, objects: &[ObjectHandle]) -> String {
    let named = objects.iter().map(|object| match Called::of(session, *object) {
        Ok(Called { label, id }) => {
            format!("\"{}\" id {}", String::from_utf8_lossy(&label).escape_debug(), hex::encode(id))
        }
        Err(reason) => reason,
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() { "none".into() } else { named.join(", ") }
}

/// What somebody called an object; either may be empty.
struct Called {
    label: Vec<u8>,
    id: Vec<u8>,
}

impl Called {
    fn of(session: &Session, object: ObjectHandle) -> Result<Self, String> {
        let mut called = Self { label: Vec::new(), id: Vec::new() };
        for attribute in attributes(session, object, &[AttributeType::Label, AttributeType::Id])? {
            match attribute {
                Attribute::Label(label) => called.label = label,
                Attribute::Id(id) => called.id = id,
                _ => {}
            }
        }
        Ok(called)
    }

    /// The same id and the same label, as far as both have them, and one of the two at least.
    fn fits(&self, other: &Self) -> bool {
        let pairs = [(&self.label, &other.label), (&self.id, &other.id)];
        let mut both = pairs.into_iter().filter(|(a, b)| !a.is_empty() && !b.is_empty()).peekable();
        both.peek().is_some() && both.all(|(a, b)| a == b)
    }
}

fn attributes(
    session: &Session,
    object: ObjectHandle,
    wanted: &[AttributeType],
) -> Result<Vec<Attribute>, String> {
    session.get_attributes(object, wanted).map_err(|error| said(&error))
}

fn take_modulus(attributes: &mut [Attribute]) -> Option<Vec<u8>> {
    attributes.iter_mut().find_map(|attribute| match attribute {
        Attribute::Modulus(bytes) => Some(std::mem::take(bytes)),
        _ => None,
    })
}

fn take_exponent(attributes: &mut [Attribute]) -> Option<Vec<u8>> {
    attributes.iter_mut().find_map(|attribute| match attribute {
        Attribute::PublicExponent(bytes) => Some(std::mem::take(bytes)),
        _ => None,
    })
}

/// The public key object that has the names of a private one.
fn public_half(session: &Session, kind: KeyType, private: ObjectHandle) -> Result<ObjectHandle, String> {
    let called = Called::of(session, private)?;
    // Several pairs may have the same id, or the same label.
    let wanted = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(kind)];
    let mut objects = Vec::new();
    for object in session.find_objects(&wanted).map_err(|error| said(&error))? {
        if Called::of(session, object)?.fits(&called) {
            objects.push(object);
        }
    }
    match objects.as_slice() {
        [one] => Ok(*one),
        [] => Err("the token has no public key with the same id and label".into()),
        several => Err(format!("{} public keys fit it: {}", several.len(), listed(session, several))),
    }
}

/// The point of a public key object, without the OCTET STRING around it.
fn point(session: &Session, object: ObjectHandle) -> Result<Vec<u8>, String> {
    let found = attributes(session, object, &[AttributeType::EcPoint])?;
    let point = found.into_iter().find_map(|attribute| match attribute {
        Attribute::EcPoint(point) => Some(point),
        _ => None,
    });
    let point = point.ok_or("the token does not show the public half of this key")?;
    Ok(match point.as_slice() {
        // Some tokens leave the OCTET STRING out.
        [OCTET_STRING, length, inner @ ..] if inner.len() == usize::from(*length) => inner.to_vec(),
        _ => point,
    })
}

fn p256(point: Vec<u8>) -> Result<Key, String> {
    if point.len() != 65 || point.first() != Some(&UNCOMPRESSED) {
        return Err("expected a key on P-256, found another curve".into());
    }
    Ok(Key::Ecdsa {
        keyval: EcdsaKey { public: point.into(), _extra: HashMap::new() },
        scheme: EcdsaScheme::EcdsaSha2Nistp256,
        _extra: HashMap::new(),
    })
}

fn ed25519(point: Vec<u8>) -> Result<Key, String> {
    if point.len() != 32 {
        return Err("expected an Ed25519 key, found another curve".into());
    }
    Ok(Key::Ed25519 {
        keyval: Ed25519Key { public: point.into(), _extra: HashMap::new() },
        scheme: Ed25519Scheme::Ed25519,
        _extra: HashMap::new(),
    })
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Key, String> {
    let bits = trimmed(modulus).len() * 8;
    if !(2048..=8192).contains(&bits) {
        return Err(format!("expected an RSA key of 2048 to 8192 bits, found {bits}"));
    }
    let public = sequence(&[integer(modulus), integer(exponent)].concat());
    Ok(Key::Rsa {
        keyval: RsaKey { public: public.into(), _extra: HashMap::new() },
        scheme: RsaScheme::RsassaPssSha256,
        _extra: HashMap::new(),
    })
}

/// PKCS#11 gives r and s side by side; TUF has them in a SEQUENCE. `None` when they are not of P-256.
pub(super) fn ecdsa_der(signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(32).filter(|(_, s)| s.len() == 32)?;
    Some(sequence(&[integer(r), integer(s)].concat()))
}

fn sequence(inner: &[u8]) -> Vec<u8> {
    value(SEQUENCE, inner)
}

/// A DER INTEGER of a number that is not negative.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let bytes = trimmed(bytes);
    let sign = bytes.first().is_none_or(|first| first & 0x80 != 0);
    let mut inner = if sign { vec![0] } else { Vec::new() };
    inner.extend(bytes);
    value(INTEGER, &inner)
}

fn value(tag: u8, inner: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    match u8::try_from(inner.len()) {
        Ok(short) if short < 0x80 => der.push(short),
        _ => {
            let length = inner.len().to_be_bytes();
            let digits = trimmed(&length);
            der.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
            der.extend(digits);
        }
    }
    der.extend(inner);
    der
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const UNCOMPRESSED: u8 = 0x04;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_one_name_as_far_as_both_halves_have_one() {
        let called = |label: &str, id: &[u8]| Called { label: label.into(), id: id.into() };
        for (private, public, fits) in [
            (called("a", &[1]), called("a", &[1]), true),
            (called("a", &[1]), called("b", &[1]), false),
            (called("a", &[1]), called("a", &[2]), false),
            (called("a", &[1]), called("", &[1]), true),
            (called("", &[1]), called("a", &[1]), true),
            (called("a", &[]), called("a", &[1]), true),
            (called("a", &[]), called("", &[1]), false),
            (called("", &[]), called("", &[]), false),
        ] {
            assert_eq!(public.fits(&private), fits);
        }
    }

    #[test]
    fn numbers_are_written_as_der_wants_them() {
        for (bytes, der) in [
            (&[][..], &[2, 1, 0][..]),
            (&[0, 0], &[2, 1, 0]),
            (&[1], &[2, 1, 1]),
            (&[0, 0x7f], &[2, 1, 0x7f]),
            (&[0x80], &[2, 2, 0, 0x80]),
            (&[0, 0xff, 1], &[2, 3, 0, 0xff, 1]),
        ] {
            assert_eq!(integer(bytes), der, "{bytes:?}");
        }
        assert_eq!(sequence(&[7; 200])[..3], [0x30, 0x81, 200]);
        assert_eq!(sequence(&[7; 300])[..4], [0x30, 0x82, 1, 44]);
        assert_eq!(ecdsa_der(&[0; 64]), Some(vec![0x30, 6, 2, 1, 0, 2, 1, 0]));
        assert_eq!(ecdsa_der(&[1; 96]), None);
    }
}
