//! One entry in the journal's native protocol: fields, one after the other, in one datagram.

/// Fields as bytes on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry(Vec<u8>);

impl Entry {
    /// Adds a field. `name` is one of ours: upper case, digits, underscores. A value of several lines goes with its length, so
    /// that none of it can be taken for another field. What is longer than a datagram may be is cut.
    #[must_use]
    pub(super) fn field(mut self, name: &'static str, value: &str) -> Entry {
        let bytes = value.as_bytes();
        let bytes = bytes.get(..bytes.len().min(LONGEST)).unwrap_or_default();
        self.0.extend_from_slice(name.as_bytes());
        if bytes.contains(&b'\n') {
            self.0.push(b'\n');
            self.0.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or_default().to_le_bytes());
        } else {
            self.0.push(b'=');
        }
        self.0.extend_from_slice(bytes);
        self.0.push(b'\n');
        self
    }

    /// The same, where there is a value.
    #[must_use]
    pub(super) fn known(self, name: &'static str, value: Option<&str>) -> Entry {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Bytes of a value; a handful of them stays far below what a socket takes at once (about 200 KiB).
const LONGEST: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_of_several_lines_go_with_their_length() {
        let entry =
            Entry::default().field("A", "one").field("B", "two\nC=three").known("D", None).field("E", "");
        assert_eq!(entry.bytes(), b"A=one\nB\n\x0b\0\0\0\0\0\0\0two\nC=three\nE=\n");
    }

    /// The journal's side.
    fn read(mut bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n')?;
            let (line, rest) = bytes.split_at(end);
            let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            if let Some(equals) = line.iter().position(|byte| *byte == b'=') {
                fields.push((name(&line[..equals]), line[equals + 1..].to_vec()));
                bytes = &rest[1..];
            } else {
                let (length, rest) = rest[1..].split_first_chunk::<8>()?;
                let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
                fields.push((name(line), rest.get(..length)?.to_vec()));
                bytes = rest.get(length..)?.strip_prefix(b"\n")?;
            }
        }
        Some(fields)
    }

    proptest! {
        #[test]
        fn whatever_the_values_they_come_back(one in any::<String>(), two in "[=\n A-Z]{0,40}") {
            let entry = Entry::default().field("MESSAGE", &one).field("UPDOG_X", &two).field("PRIORITY", "5");
            let fields = read(entry.bytes()).unwrap();
            let expected = [("MESSAGE", one.as_str()), ("UPDOG_X", &two), ("PRIORITY", "5")];
            let expected = expected.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
            prop_assert_eq!(fields, expected.to_vec());
        }
    }
}
