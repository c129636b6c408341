//! Writes a bundle from front to end.

use std::io::Write;

use super::header::head;
use super::{BundleError, LONGEST, MARK, MEMBERS, Name, mark, padding};

/// A bundle that is being written: the same members, the same bytes.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    members: usize,
    open: Option<Open>,
    before: Option<Name>,
}

#[derive(Debug)]
struct Open {
    name: Name,
    length: u64,
    rest: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a bundle.
    pub fn new(mut out: W) -> Result<Self, BundleError> {
        let mark = mark();
        let length = u64::try_from(mark.len()).unwrap_or(u64::MAX);
        out.write_all(&head(MARK, length))?;
        out.write_all(mark.as_bytes())?;
        zeros(&mut out, padding(length))?;
        Ok(Self { out, members: 0, open: None, before: None })
    }

    /// Begins a member; exactly `length` bytes must follow.
    pub fn begin(&mut self, name: &Name, length: u64) -> Result<(), BundleError> {
        self.end()?;
        let text = || name.as_str().to_owned();
        if let Some(before) = self.before.as_ref().filter(|before| *before >= name) {
            return Err(BundleError::Order { name: text(), before: before.as_str().to_owned() });
        }
        if length > LONGEST {
            return Err(BundleError::TooLong { name: text(), limit: LONGEST, length });
        }
        self.members = self.members.saturating_add(1);
        if self.members > MEMBERS {
            return Err(BundleError::Members { limit: MEMBERS });
        }
        self.out.write_all(&head(name.as_str(), length))?;
        self.open = Some(Open { name: name.clone(), length, rest: length });
        Ok(())
    }

    /// Bytes of the member that was begun.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BundleError> {
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if let Some(open) = &mut self.open {
            let found = open.length.saturating_sub(open.rest).saturating_add(more);
            open.rest = open.rest.checked_sub(more).ok_or_else(|| BundleError::Length {
                name: open.name.as_str().to_owned(),
                expected: open.length,
                found,
            })?;
        }
        Ok(self.out.write_all(bytes)?)
    }

    /// A whole member.
    pub fn add(&mut self, name: &Name, bytes: &[u8]) -> Result<(), BundleError> {
        self.begin(name, u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
        self.write(bytes)
    }

    /// Ends the bundle and gives back what it was written to.
    pub fn finish(mut self) -> Result<W, BundleError> {
        self.end()?;
        zeros(&mut self.out, END)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn end(&mut self) -> Result<(), BundleError> {
        let Some(Open { name, length, rest }) = self.open.take() else { return Ok(()) };
        if rest > 0 {
            let (expected, found) = (length, length.saturating_sub(rest));
            return Err(BundleError::Length { name: name.as_str().to_owned(), expected, found });
        }
        zeros(&mut self.out, padding(length))?;
        self.before = Some(name);
        Ok(())
    }
}

fn zeros(out: &mut impl Write, count: u64) -> Result<(), BundleError> {
    let zeros = [0; END_BYTES];
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Ok(out.write_all(zeros.get(..count).unwrap_or(&zeros))?)
}

/// Two blocks of zeros end a tar.
const END: u64 = 2 * super::BLOCK;
const END_BYTES: usize = 2 * super::BLOCK_BYTES;
