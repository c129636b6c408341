//! Whether deltas lead from the releases that they name, and every record has the digest in its table.

use std::collections::BTreeSet;

use release::delta::Table;
use release::manifest::{Delta, Manifest, Update};
use release::payload::Index;
use release::{Digest, Hasher, Image};
use trust_core::Session;

use super::{Kind, Report};
use crate::delta::{Said, base_of};
use crate::error::Result;
use crate::host_check::{MAX_INDEX, find, target_bytes};
use crate::metadata::MAX_METADATA;
use crate::source::Source;
use crate::stream::stream;

impl Report {
    /// Reads every delta once more, now that the manifest says what is in it. One index is in memory at a time.
    pub(super) fn deltas(
        &mut self,
        source: &dyn Source,
        session: &mut Session,
        manifest: &Manifest,
        whole: &BTreeSet<String>,
    ) -> Result<()> {
        for update in &manifest.updates {
            let Some(ours) = &update.updog else { continue };
            for image in Image::ALL {
                let deltas: Vec<&Delta> = ours
                    .deltas
                    .iter()
                    .filter(|delta| delta.image == image.name() && whole.contains(&delta.target))
                    .collect();
                // What is damaged, missing or left out is counted already.
                if deltas.is_empty() || !whole.contains(ours.index.get(image)) {
                    continue;
                }
                let Some(target) = find(source, session, ours.index.get(image))? else { continue };
                let bytes = target_bytes(source, &target, MAX_INDEX)?;
                let Ok(index) = Index::parse(&bytes) else { continue };
                for delta in deltas {
                    let new = (&index, Digest::of(&bytes));
                    let from = base(source, session, manifest, (delta, image))?;
                    let Some(from) = from else {
                        self.add(Kind::Manifest, without_base(update, delta));
                        continue;
                    };
                    if let Err(reason) = records(source, session, delta, new, from)? {
                        self.add(Kind::Manifest, format!("{}: {reason}", delta.target));
                    }
                }
            }
        }
        Ok(())
    }
}

fn without_base(update: &Update, delta: &Delta) -> String {
    let release = crate::title(update);
    format!(
        "{} leads to {release} from release {}, which the manifest does not have",
        delta.target, delta.from
    )
}

/// The digest of the base's index.
fn base(
    source: &dyn Source,
    session: &mut Session,
    manifest: &Manifest,
    (delta, image): (&Delta, Image),
) -> Result<Option<Digest>> {
    let Some(ours) = base_of(manifest, delta.from).and_then(|base| base.updog.as_ref()) else {
        return Ok(None);
    };
    let target = find(source, session, ours.index.get(image))?;
    Ok(target.and_then(|target| target.sha256()).map(Digest::new))
}

/// Streams a delta; what is wrong with it.
fn records(
    source: &dyn Source,
    session: &mut Session,
    delta: &Delta,
    new: (&Index, Digest),
    base: Digest,
) -> Result<Result<(), String>> {
    let Some(target) = find(source, session, &delta.target)? else { return Ok(Ok(())) };
    let said = Said { delta, length: target.length, new, base: Some(base) };
    let mut reading =
        Reading { said, header: Vec::new(), table: None, record: Record::default(), fault: None };
    let streamed = stream(source, &target, &mut |part| {
        reading.take(part);
        Ok(())
    })?;
    // It was whole a moment ago; what became of it since is for the next run to say.
    Ok(if streamed.is_err() { Ok(()) } else { reading.end() })
}

/// A delta on its way past: the table is kept, records are hashed.
struct Reading<'a> {
    said: Said<'a>,
    header: Vec<u8>,
    table: Option<Table>,
    record: Record,
    fault: Option<String>,
}

/// The record that is being read.
#[derive(Default)]
struct Record {
    piece: usize,
    done: u64,
    hasher: Hasher,
}

impl Reading<'_> {
    fn take(&mut self, part: &[u8]) {
        let mut rest = part;
        while !rest.is_empty() && self.fault.is_none() {
            rest = if self.table.is_some() { self.record(rest) } else { self.head(rest) };
        }
    }

    fn head<'b>(&mut self, part: &'b [u8]) -> &'b [u8] {
        let wanted = self.said.delta.header_length.min(MAX_METADATA).saturating_sub(self.header.len() as u64);
        let count = usize::try_from(wanted).unwrap_or(usize::MAX).min(part.len());
        let (here, rest) = part.split_at_checked(count).unwrap_or((part, &[]));
        self.header.extend_from_slice(here);
        if count as u64 == wanted {
            self.parse();
        }
        rest
    }

    fn parse(&mut self) {
        match self.said.table(&self.header) {
            Ok(table) => self.table = Some(table),
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn record<'b>(&mut self, part: &'b [u8]) -> &'b [u8] {
        let rows = self.table.as_ref().map(Table::rows).unwrap_or_default();
        let next = rows.iter().enumerate().skip(self.record.piece).find(|(_, row)| row.length > 0);
        // The table has said how long the file is, so there is a record for every byte.
        let Some((piece, row)) = next else { return &[] };
        self.record.piece = piece;
        let wanted = u64::from(row.length).saturating_sub(self.record.done);
        let count = usize::try_from(wanted).unwrap_or(usize::MAX).min(part.len());
        let (here, rest) = part.split_at_checked(count).unwrap_or((part, &[]));
        self.record.hasher.update(here);
        self.record.done = self.record.done.saturating_add(here.len() as u64);
        if self.record.done == u64::from(row.length) {
            let found = std::mem::take(&mut self.record.hasher).finish();
            if found != row.digest {
                let expected = row.digest;
                self.fault =
                    Some(format!("record of piece {piece}: expected SHA-256 {expected}, found {found}"));
            }
            self.record = Record { piece: piece.saturating_add(1), ..Record::default() };
        }
        rest
    }

    fn end(mut self) -> Result<(), String> {
        if self.table.is_none() && self.fault.is_none() {
            self.parse();
        }
        self.fault.map_or(Ok(()), Err)
    }
}
