//! What a kernel module says about itself: NUL-terminated `key=value` in the section `.modinfo` of its ELF file.

/// The section's bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Modinfo<'a>(&'a [u8]);

impl<'a> Modinfo<'a> {
    /// `None`: no 64-bit little-endian ELF file with such a section.
    pub(super) fn of(elf: &'a [u8]) -> Option<Modinfo<'a>> {
        if !elf.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let table = usize::try_from(number(elf, 0x28, 8)?).ok()?;
        let size = usize::try_from(number(elf, 0x3a, 2)?).ok()?;
        let count = usize::try_from(number(elf, 0x3c, 2)?).ok()?;
        let names = usize::try_from(number(elf, 0x3e, 2)?).ok()?;
        let header = |index: usize| {
            let at = table.checked_add(index.checked_mul(size)?)?;
            elf.get(at..at.checked_add(64)?)
        };
        let content = |header: &[u8]| {
            let offset = usize::try_from(number(header, 0x18, 8)?).ok()?;
            let length = usize::try_from(number(header, 0x20, 8)?).ok()?;
            elf.get(offset..offset.checked_add(length)?)
        };
        let names = content(header(names)?)?;
        (0..count).find_map(|index| {
            let header = header(index)?;
            let name = names.get(usize::try_from(number(header, 0, 4)?).ok()?..)?;
            name.starts_with(b".modinfo\0").then(|| content(header).map(Modinfo))?
        })
    }

    /// Modules whose symbols this one uses.
    pub(super) fn depends(self) -> impl Iterator<Item = &'a str> {
        self.values("depends=").flat_map(|list| list.split(',')).filter(|name| !name.is_empty())
    }

    /// Modules that should be loaded before this one though it uses none of their symbols.
    pub(super) fn soft_before(self) -> impl Iterator<Item = &'a str> {
        let before = |list: &'a str| {
            let words = list.split_whitespace();
            words.scan(false, |before, word| {
                // `pre: a b post: c`
                let title = word.ends_with(':');
                if title {
                    *before = word == "pre:";
                }
                Some((*before && !title).then_some(word))
            })
        };
        self.values("softdep=").flat_map(before).flatten()
    }

    fn values(self, key: &'static str) -> impl Iterator<Item = &'a str> {
        let entries = self.0.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
        entries.filter_map(move |entry| entry.strip_prefix(key))
    }
}

/// A little-endian number of `length` bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}
