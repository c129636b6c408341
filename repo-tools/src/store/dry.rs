//! A store that is read and not written, for `--dry-run`.

use super::{Entry, Found, Hold, New, Outgoing, Part, Reading, Sent, Store, Swap, Tag};
use crate::error::Result;
use crate::rehearsal::{Kind, Rehearsal};
use crate::source::Streamed;

/// Answers as the store below would and changes nothing there; the rehearsal remembers what would be written.
#[derive(Debug)]
pub struct Dry<'a>(pub Box<dyn Store + 'a>, pub Rehearsal);

impl Dry<'_> {
    fn note(&self, part: Part, name: &str, kind: Kind, length: u64) {
        self.1.note(format!("{}/{}/{name}", self.0.place(), part.name()), kind, length);
    }
}

impl Store for Dry<'_> {
    fn place(&self) -> String {
        self.0.place()
    }

    fn begin(&self, _: &[Part]) -> Result<Hold> {
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

    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<New> {
        if self.0.read(Part::Metadata, name, MAX)?.is_some() {
            return Ok(New::Taken);
        }
        self.note(Part::Metadata, name, Kind::Made, length(bytes));
        Ok(New::Written)
    }

    fn swap(&self, name: &str, bytes: &[u8], before: Option<&Tag>) -> Result<Swap> {
        let found = self.0.read(Part::Metadata, name, MAX)?;
        if found.as_ref().map(|found| &found.tag) != before {
            return Ok(Swap::Changed);
        }
        match found {
            Some(found) if found.bytes == bytes => {}
            Some(_) => self.note(Part::Metadata, name, Kind::Replaced, length(bytes)),
            None => self.note(Part::Metadata, name, Kind::Made, length(bytes)),
        }
        Ok(Swap::Done)
    }

    fn upload(&self, _: &mut Outgoing<'_>) -> Result<Sent> {
        Ok(Sent::Whole)
    }

    fn remove(&self, part: Part, name: &str) -> Result<()> {
        self.note(part, name, Kind::Removed, 0);
        Ok(())
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

const MAX: u64 = 16 << 20;
