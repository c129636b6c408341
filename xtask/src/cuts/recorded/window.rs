//! What lies between two flushes: the sectors that may or may not have arrived when the power went.

use std::collections::HashMap;

use anyhow::Result;
use fixtures::crash::digest_of_sector;

use super::disk::{Content, Durable};
use super::images::{Agreement, Differing};
use super::run::Run;
use super::write_log::{Action, Entry, Extent};

/// The durable disk, with its books.
#[derive(Debug)]
pub(super) struct Followed<'a> {
    pub(super) durable: Durable<'a>,
    pub(super) books: Books,
}

/// What is known of a disk's contents without reading them again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Books {
    /// Names the contents.
    pub(super) digest: u64,
    /// Names what lies outside of all partitions.
    pub(super) table: u64,
    /// How far each slot is from each release.
    pub(super) differing: Differing,
}

/// One sector that one operation wrote and that may have arrived or not.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    /// Its place among the log's entries.
    pub(super) op: usize,
    pub(super) sector: u64,
    pub(super) content: Content<'a>,
    /// What the books gain when it arrives on the durable disk.
    digest: u64,
    pub(super) in_table: bool,
    agreement: Option<(Agreement, Agreement)>,
    /// The next operation on the same sector.
    next: Option<usize>,
}

/// All that may happen at one stretch of the log: any subset of `units` over what is durable.
#[derive(Debug)]
pub(super) struct Window<'w, 'a> {
    /// Its place among the windows.
    pub(super) number: usize,
    /// How many entries lie before its end.
    pub(super) entries: usize,
    /// Whether a flush ends it.
    pub(super) flushed: bool,
    pub(super) now: &'w Followed<'a>,
    pub(super) units: &'w [Unit<'a>],
}

impl Run {
    /// Follows the log to its end; `visit` sees each window before its end is durable. Returns the disk as it is when all has
    /// arrived.
    pub(super) fn follow<'a>(
        &'a self,
        visit: &mut dyn FnMut(&Window<'_, 'a>) -> Result<()>,
    ) -> Result<Followed<'a>> {
        let books = Books::before(self);
        let durable = Durable::new(&self.before, self.log.sector_size());
        let mut now = Followed { durable, books };
        let mut open: Vec<Pending<'a>> = Vec::new();
        let mut number = 0;
        for (n, entry) in self.log.entries().iter().enumerate() {
            if entry.flush {
                self.close(&mut now, &mut open, Ending { number, entries: n, flushed: true }, visit)?;
                number += 1;
            }
            open.extend(self.sectors(entry).map(|(sector, content)| Pending { op: n, sector, content }));
            if entry.fua {
                // It arrives at some time before the next entry; the rest may stay behind.
                let units = self.units(&now, &open)?;
                visit(&Window { number, entries: n + 1, flushed: false, now: &now, units: &units })?;
                number += 1;
                let forced: Vec<_> = open.iter().filter(|one| one.op == n).copied().collect();
                let of_it = |sector: u64| forced.iter().any(|one| one.sector == sector);
                open.retain(|one| !of_it(one.sector));
                self.arrive(&mut now, &forced)?;
            }
        }
        let entries = self.log.entries().len();
        self.close(&mut now, &mut open, Ending { number, entries, flushed: false }, visit)?;
        Ok(now)
    }

    fn close<'a>(
        &'a self,
        now: &mut Followed<'a>,
        open: &mut Vec<Pending<'a>>,
        Ending { number, entries, flushed }: Ending,
        visit: &mut dyn FnMut(&Window<'_, 'a>) -> Result<()>,
    ) -> Result<()> {
        let units = self.units(now, open)?;
        visit(&Window { number, entries, flushed, now, units: &units })?;
        self.arrive(now, open)?;
        open.clear();
        Ok(())
    }

    /// Makes these sectors durable, in order.
    fn arrive<'a>(&'a self, now: &mut Followed<'a>, sectors: &[Pending<'a>]) -> Result<()> {
        let units = self.units(now, sectors)?;
        now.books = now.books.with(&units, &vec![true; units.len()]);
        for unit in units {
            now.durable.write(unit.sector, unit.content);
        }
        Ok(())
    }

    /// A sector that a write leaves as it was cannot make a difference unless an earlier one of the window changed it.
    fn units<'a>(&'a self, now: &Followed<'a>, open: &[Pending<'a>]) -> Result<Vec<Unit<'a>>> {
        let size = self.log.sector_size();
        let (mut old, mut new) = (vec![0; size], vec![0; size]);
        let mut last: HashMap<u64, usize> = HashMap::new();
        let mut units: Vec<Unit<'a>> = Vec::new();
        for &Pending { op, sector, content } in open {
            now.durable.read(sector, &mut old)?;
            content.fill(sector, &mut new);
            let (own, earlier) = (units.len(), last.get(&sector).copied());
            if earlier.is_none() && old == new {
                continue;
            }
            if let Some(unit) = earlier.and_then(|earlier| units.get_mut(earlier)) {
                unit.next = Some(own);
            }
            last.insert(sector, own);
            let place = usize::try_from(sector).unwrap_or(usize::MAX);
            let digest = digest_of_sector(place, &new).wrapping_sub(digest_of_sector(place, &old));
            let agreement = self.expected.agreement(sector, &old);
            let agreement = agreement.zip(self.expected.agreement(sector, &new));
            let in_table = self.in_table(sector);
            units.push(Unit { op, sector, content, digest, in_table, agreement, next: None });
        }
        Ok(units)
    }

    fn sectors<'a>(&'a self, entry: &Entry) -> Box<dyn Iterator<Item = (u64, Content<'a>)> + 'a> {
        match entry.action {
            Action::Nothing | Action::Mark => Box::new(std::iter::empty()),
            Action::Write { sectors, data } => Box::new(
                self.log.sectors(sectors, data).map(|(sector, bytes)| (sector, Content::Bytes(bytes))),
            ),
            Action::Discard { sectors: Extent { first, count } } => {
                Box::new((first..).take(count).map(|sector| (sector, Content::Undefined)))
            }
        }
    }
}

impl Books {
    /// The books before the first entry.
    pub(super) fn before(run: &Run) -> Books {
        Books { digest: 0, table: 0, differing: run.differing.clone() }
    }

    /// The books when of these units the chosen ones have arrived.
    pub(super) fn with(&self, units: &[Unit<'_>], chosen: &[bool]) -> Books {
        let mut books = self.clone();
        for unit in arrived(units, chosen) {
            books.digest = books.digest.wrapping_add(unit.digest);
            if unit.in_table {
                books.table = books.table.wrapping_add(unit.digest);
            }
            if let Some((was, is)) = unit.agreement {
                books.differing.change(was, is);
            }
        }
        books
    }
}

impl Unit<'_> {
    /// Whether what arrives here can change what the selector finds.
    pub(super) fn counts(&self) -> bool {
        self.in_table || self.agreement.is_some()
    }
}

/// The chosen units that stay: of several on one sector the last.
pub(super) fn arrived<'w, 'a>(
    units: &'w [Unit<'a>],
    chosen: &'w [bool],
) -> impl Iterator<Item = &'w Unit<'a>> {
    let is_chosen = |n: usize| chosen.get(n).copied().unwrap_or(false);
    let next = |n: &usize| units.get(*n).and_then(|unit| unit.next);
    units.iter().enumerate().filter_map(move |(n, unit)| {
        let overwritten = || std::iter::successors(unit.next, next).any(is_chosen);
        (is_chosen(n) && !overwritten()).then_some(unit)
    })
}

/// A sector that was written and is not known to be durable.
#[derive(Clone, Copy, Debug)]
struct Pending<'a> {
    op: usize,
    sector: u64,
    content: Content<'a>,
}

/// A window that is about to end.
struct Ending {
    number: usize,
    entries: usize,
    flushed: bool,
}
