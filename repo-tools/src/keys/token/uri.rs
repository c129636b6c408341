//! `pkcs11:` URIs (RFC 7512), as far as they name one private key.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

/// Which key on which token, and how to get there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenKey {
    pub(super) token: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) slot: Option<u64>,
    pub(in crate::keys) object: Option<String>,
    pub(super) id: Option<Vec<u8>>,
    pub(super) pin_file: Option<PathBuf>,
    pub(super) module: Option<PathBuf>,
}

impl TokenKey {
    /// Reads what follows `pkcs11:`. The reason of a refusal repeats names and never values: one of them may be a PIN.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let mut key = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            key.add_query(pair)?;
        }
        for pair in path.split(';').filter(|pair| !pair.is_empty()) {
            key.add_path(pair)?;
        }
        if key.object.is_none() && key.id.is_none() {
            return Err("expected object=NAME or id=%XX… of one key, found neither".into());
        }
        Ok(key)
    }

    /// With the file of its PIN in this folder, where that was relative.
    pub(in crate::keys) fn in_dir(self, dir: &Path) -> Self {
        Self { pin_file: self.pin_file.map(|path| dir.join(path)), ..self }
    }

    fn add_path(&mut self, pair: &str) -> Result<(), String> {
        let (name, value) = split(pair)?;
        match name {
            "token" => once(&mut self.token, name, text(name, value)?),
            "serial" => once(&mut self.serial, name, text(name, value)?),
            "manufacturer" => once(&mut self.manufacturer, name, text(name, value)?),
            "model" => once(&mut self.model, name, text(name, value)?),
            "object" => once(&mut self.object, name, text(name, value)?),
            "id" => once(&mut self.id, name, percent_decode_str(value).collect()),
            "slot-id" => {
                let number = value.parse().map_err(|_| "expected a number in slot-id".to_owned())?;
                once(&mut self.slot, name, number)
            }
            "type" if value == "private" => Ok(()),
            "type" => Err("expected type=private, found another type".into()),
            _ => Err(unknown(name)),
        }
    }

    fn add_query(&mut self, pair: &str) -> Result<(), String> {
        let (name, value) = split(pair)?;
        match name {
            "pin-value" => Err("pin-value shows the PIN to everyone who can list processes".into()),
            "pin-source" => once(&mut self.pin_file, name, pin_file(&text(name, value)?)?),
            "module-path" => once(&mut self.module, name, text(name, value)?.into()),
            _ => Err(unknown(name)),
        }
    }
}

/// What cannot be anything but a file: a bare word, or a `data:` URI, may be the PIN itself.
fn pin_file(source: &str) -> Result<PathBuf, String> {
    let path = match source.strip_prefix("file:") {
        // file:///run/pin is file:/run/pin.
        Some(path) => path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path),
        None if source.starts_with('/') => source,
        None => "",
    };
    if path.is_empty() || path.starts_with('|') {
        return Err("expected file:FILE or an absolute path in pin-source, found another form".into());
    }
    Ok(path.into())
}

fn split(pair: &str) -> Result<(&str, &str), String> {
    pair.split_once('=').ok_or_else(|| "expected name=value between the signs ; ? &".to_owned())
}

fn text(name: &str, value: &str) -> Result<String, String> {
    let text = percent_decode_str(value).decode_utf8();
    text.map(std::borrow::Cow::into_owned).map_err(|_| format!("expected UTF-8 in {name}"))
}

fn once<T>(field: &mut Option<T>, name: &str, value: T) -> Result<(), String> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("expected {name} once, found it twice")),
    }
}

fn unknown(name: &str) -> String {
    // A name is short; what is not may be a value that lost its name.
    let plain = name.len() <= 24 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let shown = if plain { name } else { "a name" };
    format!("found {shown}, which this program does not know")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_place() {
        let key = TokenKey::parse(
            "token=Release%20keys;serial=12;manufacturer=M;model=m%2B;slot-id=7;object=targets;id=%01%ff;type=private\
             ?pin-source=file:/run/pin&module-path=/usr/lib/softhsm/libsofthsm2.so",
        );
        let expected = TokenKey {
            token: Some("Release keys".into()),
            serial: Some("12".into()),
            manufacturer: Some("M".into()),
            model: Some("m+".into()),
            slot: Some(7),
            object: Some("targets".into()),
            id: Some(vec![1, 255]),
            pin_file: Some("/run/pin".into()),
            module: Some("/usr/lib/softhsm/libsofthsm2.so".into()),
        };
        assert_eq!(key, Ok(expected));
        for source in ["/run/pin", "file:/run/pin", "file:///run/pin"] {
            let key = TokenKey::parse(&format!("object=k?pin-source={source}")).unwrap();
            assert_eq!(key.pin_file, Some("/run/pin".into()), "{source}");
        }
    }

    #[test]
    fn what_is_refused_is_named_and_no_value_repeated() {
        for (text, word) in [
            ("", "object=NAME"),
            ("token=x", "object=NAME"),
            ("object=k?pin-value=4711", "pin-value"),
            ("object=k;pin-value=4711", "pin-value"),
            ("object=k?pin-source=|4711", "file:FILE"),
            ("object=k?pin-source=file:|4711", "file:FILE"),
            ("object=k?pin-source=4711", "file:FILE"),
            ("object=k?pin-source=./4711", "file:FILE"),
            ("object=k?pin-source=data:,4711", "file:FILE"),
            ("object=k?pin-source=data%3A%2C4711", "file:FILE"),
            ("object=k?pin-source=https://4711@host/", "file:FILE"),
            ("object=k?pin-source=file:", "file:FILE"),
            ("object=k?pin-source=", "file:FILE"),
            ("object=k;object=4711", "twice"),
            ("object=k;type=4711", "type=private"),
            ("object=k;slot-id=4711x", "number"),
            ("object=k;4711", "name=value"),
            ("object=k;4711=x", "a name"),
            ("object=%ff4711", "UTF-8"),
            ("object=k?colour=4711", "colour"),
        ] {
            let reason = TokenKey::parse(text).unwrap_err();
            assert!(reason.contains(word) && !reason.contains("4711"), "{text}: {reason}");
        }
    }
}
