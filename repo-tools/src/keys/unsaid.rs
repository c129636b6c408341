//! Keeps a private key or a PIN that was given as text out of everything that is said.

use std::borrow::Cow;

use serde_json::Value;

/// `text` with `[private key]` in place of each private key in PEM; one that is cut off goes to the end. Line ends may be
/// anything: others make them spaces, or escape them.
pub(crate) fn without_private(text: &str) -> Cow<'_, str> {
    if next(text).is_none() {
        return Cow::Borrowed(text);
    }
    let (mut clean, mut rest) = (String::new(), text);
    while let Some((before, key)) = next(rest) {
        clean.push_str(before);
        clean.push_str("[private key]");
        let end = key.find(END).and_then(|at| Some(at + END.len() + after(key.get(at + END.len()..)?)?));
        rest = end.and_then(|end| key.get(end..)).unwrap_or_default();
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

/// `text` without private keys, and without the PINs that somebody wrote into the URI of a key.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    let clean = without_private(text);
    if is_said(&clean) { Cow::Owned(without_pins(&clean)) } else { clean }
}

/// Whether a PIN stands in it, or the way to one.
pub(super) fn is_said(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    PINS.iter().any(|name| text.contains(name))
}

/// What follows `pin-value=`, and what follows `pin-source=` and is no file, as `…`.
fn without_pins(text: &str) -> String {
    let (mut clean, mut rest) = (String::new(), text);
    loop {
        // Lower case has the same bytes in number.
        let lower = rest.to_ascii_lowercase();
        let ends = PINS.iter().filter_map(|name| lower.find(name).map(|at| at + name.len()));
        let Some((before, value)) = ends.min().and_then(|end| rest.split_at_checked(end)) else {
            clean.push_str(rest);
            return clean;
        };
        clean.push_str(before);
        let is_file = before.to_ascii_lowercase().ends_with("source=")
            && ["file:", "/", "%2F", "%2f"].iter().any(|start| value.starts_with(start));
        if is_file {
            rest = value;
            continue;
        }
        clean.push('…');
        rest = value.find(['&', '\'', '"', '\n']).and_then(|end| value.get(end..)).unwrap_or_default();
    }
}

/// [`without_secrets`] for every text in `value`.
pub(crate) fn clean(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(clean) = without_secrets(text) {
                *text = clean;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(clean),
        Value::Object(fields) => fields.values_mut().for_each(clean),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What is before the next key, and all from the key on.
fn next(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find(BEGIN) {
        let key = from + at;
        from = key + BEGIN.len();
        if after(text.get(from..)?).is_some() {
            return text.split_at_checked(key);
        }
    }
    None
}

/// How long the rest of a line of PEM is that says "PRIVATE KEY".
fn after(text: &str) -> Option<usize> {
    let end = text.find(NAME)?;
    let kind = text.get(..end)?;
    let is_kind = kind.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    is_kind.then_some(end + NAME.len())
}

const PINS: [&str; 2] = ["pin-value=", "pin-source="];
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const NAME: &str = "PRIVATE KEY-----";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_not_repeated() {
        let key = |kind: &str, break_: &str| {
            format!(
                "-----BEGIN {kind}PRIVATE KEY-----{break_}c2VjcmV0{break_}-----END {kind}PRIVATE KEY-----"
            )
        };
        for kind in ["", "ENCRYPTED ", "EC ", "RSA ", "OPENSSH "] {
            for break_ in ["\n", "\r\n", " ", "\\n", ""] {
                let key = key(kind, break_);
                let said = without_private(&key).into_owned();
                assert_eq!(said, "[private key]", "{key}");
                let twice = format!("failed to read key a/{key}: {key}{break_}: not found");
                let said = without_private(&twice).into_owned();
                let expected =
                    format!("failed to read key a/[private key]: [private key]{break_}: not found");
                assert_eq!(said, expected);
            }
        }
        assert_eq!(without_secrets(&key("", "\n")), "[private key]");
        assert_eq!(without_private("a -----BEGIN PRIVATE KEY-----\nc2Vj"), "a [private key]");
        for plain in ["", "no key", "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", "-----BEGIN "]
        {
            assert_eq!(without_private(plain), plain);
        }
        let both = format!("-----BEGIN CERTIFICATE-----\nx\n{}", key("", "\n"));
        assert_eq!(without_private(&both), "-----BEGIN CERTIFICATE-----\nx\n[private key]");
    }

    #[test]
    fn a_pin_is_not_repeated() {
        for (typed, said) in [
            ("'pkcs11:object=k?pin-value=4711' found", "'pkcs11:object=k?pin-value=…' found"),
            ("pkcs11:pin-source=4711&module-path=/x", "pkcs11:pin-source=…&module-path=/x"),
            ("PKCS11:a?PIN-SOURCE=data:,4711", "PKCS11:a?PIN-SOURCE=…"),
            ("pin-value=4711&pin-source=|4711 4711", "pin-value=…&pin-source=…"),
            ("pin-value=/4711", "pin-value=…"),
        ] {
            assert_eq!(without_secrets(typed), said);
        }
        for kept in
            ["pkcs11:a?pin-source=file:../pin&module-path=/x", "pin-source=/run/pin: gone", "pin-value is"]
        {
            assert_eq!(without_secrets(kept), kept);
        }
    }
}
