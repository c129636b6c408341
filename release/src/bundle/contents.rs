//! Reads what is in a bundle, and where, without reading the members.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};

use super::header::{Said, head, recorded, said};
use super::{BLOCK, BLOCK_BYTES, BundleError, MARK, MEMBERS, Name, mark, padding};

/// Where each member lies. The whole form of the file was checked: nothing in it is left out, twice, or elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    members: HashMap<Name, Member>,
}

/// Where the bytes of a member lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// From the beginning of the file.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

impl Contents {
    /// Goes from header to header: as many reads as there are members, whatever their length.
    pub fn read<R: Read + Seek>(file: &mut R) -> Result<Contents, BundleError> {
        let total = file.seek(SeekFrom::End(0))?;
        let mut scan = Scan { file, total, at: 0 };
        scan.mark()?;
        let mut contents = Contents::default();
        let mut before: Option<Name> = None;
        while let Some((name, member)) = scan.member()? {
            if let Some(before) = before.filter(|before| *before >= name) {
                let (name, before) = (name.as_str().to_owned(), before.as_str().to_owned());
                return Err(BundleError::Order { name, before });
            }
            if contents.members.len() >= MEMBERS {
                return Err(BundleError::Members { limit: MEMBERS });
            }
            contents.members.insert(name.clone(), member);
            before = Some(name);
        }
        Ok(contents)
    }

    /// Where a member lies; `None` when the bundle does not have it.
    pub fn member(&self, name: &Name) -> Option<Member> {
        self.members.get(name).copied()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

struct Scan<'a, R> {
    file: &'a mut R,
    total: u64,
    at: u64,
}

impl<R: Read + Seek> Scan<'_, R> {
    /// The first member names the format.
    fn mark(&mut self) -> Result<(), BundleError> {
        let expected = mark();
        let head = head(MARK, length_of(expected.as_bytes()));
        if self.total < 2 * BLOCK || self.take(BLOCK)? != head {
            return Err(BundleError::NotABundle);
        }
        let block = self.take(BLOCK)?;
        if block.get(..expected.len()) != Some(expected.as_bytes()) {
            let found = block.get(..expected.len()).unwrap_or_default();
            return Err(BundleError::Format { found: String::from_utf8_lossy(found).into_owned() });
        }
        self.zeros(block.get(expected.len()..).unwrap_or_default())
    }

    /// The next member; `None` at the end, which is the end of the file too.
    fn member(&mut self) -> Result<Option<(Name, Member)>, BundleError> {
        let start = self.at;
        let form = || BundleError::Form { at: start };
        let mut header = self.take(BLOCK)?;
        if header.iter().all(|byte| *byte == 0) {
            let second = self.take(BLOCK)?;
            self.zeros(&second)?;
            let (expected, found) = (self.at, self.total);
            return if expected == found { Ok(None) } else { Err(BundleError::Long { expected, found }) };
        }
        let mut long = None;
        if said(&header) == Some(Said::Extended) {
            let record = self.take(BLOCK)?;
            long = Some(recorded(&record).ok_or_else(form)?.to_owned());
            header.extend(record);
            header.extend(self.take(BLOCK)?);
        }
        let last = header.len().saturating_sub(BLOCK_BYTES);
        let Some(Said::File { name, length }) = said(header.get(last..).unwrap_or_default()) else {
            return Err(form());
        };
        let name = Name::parse(&long.unwrap_or(name))?;
        // Links, folders, devices, owners, other writings of the same length: none of them is this one form.
        if header != head(name.as_str(), length) {
            return Err(form());
        }
        let member = Member { offset: self.at, length };
        self.skip(length)?;
        Ok(Some((name, member)))
    }

    /// Passes over the bytes of a member and looks at the zeros behind them.
    fn skip(&mut self, length: u64) -> Result<(), BundleError> {
        self.at = self.at.saturating_add(length);
        let zeros = self.take(padding(length))?;
        self.zeros(&zeros)
    }

    fn take(&mut self, count: u64) -> Result<Vec<u8>, BundleError> {
        let end = self.at.saturating_add(count);
        if end > self.total {
            return Err(BundleError::Short { expected: end, found: self.total });
        }
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
        if count > 0 {
            self.file.seek(SeekFrom::Start(self.at))?;
            self.file.read_exact(&mut bytes)?;
        }
        self.at = end;
        Ok(bytes)
    }

    fn zeros(&self, bytes: &[u8]) -> Result<(), BundleError> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        Err(BundleError::Form { at: self.at.saturating_sub(length_of(bytes)) })
    }
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
