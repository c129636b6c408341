//! A store that is read and not written, for `--dry-run`.

use super::{Entry, Found, Hold, New, Outgoing, Part, Reading, Sent, Store, Swap, Tag};
use crate::error::Result;
use crate::source::Streamed;

/// Answers as the store below would and changes nothing there.
#[derive(Debug)]
pub struct Dry<'a>(pub Box<dyn Store + 'a>);

impl Store for Dry<'_> {
    fn place(&self) -> String {
        self.0.place()
    }

    fn begin(&self) -> Result<Hold> {
        Ok(Hold::Shared)
    }

    fn at_once(&self) -> usize {
        self.0.at_once()
    }

    fn reading(&self) -> Reading {
        self.0.reading()
    }

    fn list(&self, part: Part) -> Result<Vec<Entry>> {
        self.0.list(part)
    }

    fn read(&self, part: Part, name: &str, max: u64) -> Result<Option<Found>> {
        self.0.read(part, name, max)
    }

    fn stream(&self, part: Part, name: &str, length: u64, sink: &mut dyn FnMut(&[u8])) -> Result<Streamed> {
        self.0.stream(part, name, length, sink)
    }

    fn put_new(&self, name: &str, _: &[u8]) -> Result<New> {
        let there = self.0.read(Part::Metadata, name, MAX)?.is_some();
        Ok(if there { New::Taken } else { New::Written })
    }

    fn swap(&self, name: &str, _: &[u8], before: Option<&Tag>) -> Result<Swap> {
        let found = self.0.read(Part::Metadata, name, MAX)?;
        let same = found.as_ref().map(|found| &found.tag) == before;
        Ok(if same { Swap::Done } else { Swap::Changed })
    }

    fn upload(&self, _: &mut Outgoing<'_>) -> Result<Sent> {
        Ok(Sent::Whole)
    }

    fn remove(&self, _: Part, _: &str) -> Result<()> {
        Ok(())
    }
}

const MAX: u64 = 16 << 20;
