//! GUIDs in the mixed-endian byte order of a GPT.

use core::fmt;
use core::str::FromStr;

/// A GUID as its sixteen bytes on disk: the first three groups little endian, the rest as written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid([u8; 16]);

/// Partition types of a set, and their neighbours on the disk.
pub mod kind {
    use super::Guid;

    /// Kernel, initrd and boot manifest of one slot; its attribute bits are the slot's flags.
    pub const BOOT: Guid = Guid::literal("6b636168-7420-6568-2070-6c616e657421");
    /// Root file system of one slot.
    pub const ROOT: Guid = Guid::literal("5526016a-1a97-4ea4-b39a-b7c8c6ca4502");
    /// dm-verity tree over the root of one slot.
    pub const HASH: Guid = Guid::literal("598f10af-c955-4456-6a99-7720068a6cea");
    /// The host's own state; bit 57 of its attributes says that a boot has ever succeeded.
    pub const PRIVATE: Guid = Guid::literal("440408bb-eb0b-4328-a6e5-a29038fad706");
    /// Containers, logs and everything else that grows.
    pub const DATA: Guid = Guid::literal("626f7474-6c65-6474-6861-726d61726b73");
    /// The EFI system partition with the slot selector.
    pub const EFI_SYSTEM: Guid = Guid::literal("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");

    /// The name of a type in messages; `None` for a type that is not ours.
    pub fn name(guid: Guid) -> Option<&'static str> {
        [
            (BOOT, "BOOT"),
            (ROOT, "ROOT"),
            (HASH, "HASH"),
            (PRIVATE, "PRIVATE"),
            (DATA, "DATA"),
            (EFI_SYSTEM, "EFI"),
        ]
        .into_iter()
        .find_map(|(kind, name)| (kind == guid).then_some(name))
    }
}

/// Text that is not a GUID of the form `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseGuidError;

impl Guid {
    /// All zeros: the type of an unused table entry.
    pub const ZERO: Guid = Guid([0; 16]);

    /// The GUID with these bytes on disk.
    pub const fn from_bytes(bytes: [u8; 16]) -> Guid {
        Guid(bytes)
    }

    /// The bytes on disk.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// Parses 8-4-4-4-12 hexadecimal digits, either case. Usable in constants.
    pub const fn parse(text: &str) -> Result<Guid, ParseGuidError> {
        let text = text.as_bytes();
        if text.len() != 36 {
            return Err(ParseGuidError);
        }
        let mut bytes = [0; 16];
        let (mut at, mut n) = (0, 0);
        while n < 16 {
            if at == 8 || at == 13 || at == 18 || at == 23 {
                if text[at] != b'-' {
                    return Err(ParseGuidError);
                }
                at += 1;
            }
            let (Some(high), Some(low)) = (hex(text[at]), hex(text[at + 1])) else {
                return Err(ParseGuidError);
            };
            bytes[ON_DISK[n]] = high << 4 | low;
            n += 1;
            at += 2;
        }
        Ok(Guid(bytes))
    }

    /// `parse` for constants: a mistake in the text stops the build.
    const fn literal(text: &str) -> Guid {
        match Guid::parse(text) {
            Ok(guid) => guid,
            Err(ParseGuidError) => panic!("a constant GUID is malformed"),
        }
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, &place) in ON_DISK.iter().enumerate() {
            if matches!(n, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{:02x}", self.0[place])?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guid({self})")
    }
}

impl FromStr for Guid {
    type Err = ParseGuidError;

    fn from_str(text: &str) -> Result<Guid, ParseGuidError> {
        Guid::parse(text)
    }
}

impl fmt::Display for ParseGuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed to parse a GUID: expected 8-4-4-4-12 hexadecimal digits")
    }
}

impl core::error::Error for ParseGuidError {}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Where the n-th written byte stands on disk (UEFI 2.10, appendix A).
const ON_DISK: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn boot_type_spells_its_sentence() {
        // Bottlerocket chose the type so that its bytes on disk read as text.
        assert_eq!(&kind::BOOT.to_bytes(), b"hack the planet!");
        assert_eq!(kind::name(kind::BOOT), Some("BOOT"));
    }

    #[test]
    fn malformed_text_is_refused() {
        for text in
            ["", "6b636168", "6b636168-7420-6568-2070-6c616e65742", "6b636168_7420-6568-2070-6c616e657421"]
        {
            assert_eq!(text.parse::<Guid>(), Err(ParseGuidError), "{text}");
        }
        assert!("6B636168-7420-6568-2070-6C616E657421".parse::<Guid>().is_ok());
        assert!("zb636168-7420-6568-2070-6c616e657421".parse::<Guid>().is_err());
    }

    proptest! {
        #[test]
        fn text_round_trips(bytes: [u8; 16]) {
            let guid = Guid::from_bytes(bytes);
            prop_assert_eq!(guid.to_string().parse::<Guid>(), Ok(guid));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,40}") {
            let _ = text.parse::<Guid>();
        }
    }
}
