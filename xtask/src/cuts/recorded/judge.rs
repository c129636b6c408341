//! What the selector makes of one state.

use std::collections::HashMap;

use fixtures::crash::walk;
use partition_core::{Layout, Part, Slot, SlotSet, Slots, Table, choose};

use super::images::Differing;
use super::run::Run;
use super::window::{Books, Window, arrived};

/// Judges states; the same table over the same whole slots is judged once.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    run: &'a Run,
    known: HashMap<(u64, [bool; 2]), Result<Found, String>>,
}

/// A state that boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) slots: Slots,
    /// What `choose` names first.
    pub(super) first: Slot,
    /// Boots until each slot that may be started has been, at worst.
    pub(super) boots: usize,
}

impl<'a> Judge<'a> {
    pub(super) fn new(run: &'a Run) -> Judge<'a> {
        Judge { run, known: HashMap::new() }
    }

    /// The state in which of the window's sectors the chosen ones have arrived; `books` are that state's.
    pub(super) fn judge(
        &mut self,
        window: &Window<'_, '_>,
        chosen: &[bool],
        books: &Books,
    ) -> Result<Found, String> {
        let whole = Slot::ALL.map(|slot| self.release_in(slot, books).is_some());
        if let Some(known) = self.known.get(&(books.table, whole)) {
            return known.clone();
        }
        let found = self.look(window, chosen, &books.differing);
        self.known.insert((books.table, whole), found.clone());
        found
    }

    /// The release that a slot holds whole.
    pub(super) fn release_in(&self, slot: Slot, books: &Books) -> Option<&'a str> {
        self.run.expected.whole(slot, &books.differing).map(|source| source.name.as_str())
    }

    /// How many different tables over whole or broken slots were seen.
    pub(super) fn distinct(&self) -> usize {
        self.known.len()
    }

    fn look(&self, window: &Window<'_, '_>, chosen: &[bool], differing: &Differing) -> Result<Found, String> {
        let table = self.table(window, chosen)?;
        let layout = table.layout().map_err(|error| error.to_string())?;
        let places = |layout: &Layout| {
            let parts = Slot::ALL.into_iter().flat_map(|slot| Part::ALL.map(|part| (slot, part)));
            parts
                .map(|(slot, part)| layout.part(slot, part).map(|entry| (entry.first_lba, entry.last_lba)))
                .collect::<Vec<_>>()
        };
        if places(&layout) != places(&self.run.layout) {
            return Err("the table has the slots in other places".to_owned());
        }
        let slots = layout.slots();
        let boots = walk(&slots, |slot| self.run.expected.whole(slot, differing).is_some())?;
        let first = choose(&slots, SlotSet::EMPTY).ok_or("no slot may be started")?.slot;
        Ok(Found { slots, first, boots })
    }

    /// Reads the table as the selector would. It is looked for outside of partitions only: a header that points into one is
    /// no table of ours.
    fn table(&self, window: &Window<'_, '_>, chosen: &[bool]) -> Result<Table, String> {
        let over: HashMap<u64, _> = arrived(window.units, chosen)
            .filter(|unit| unit.in_table)
            .map(|unit| (unit.sector, unit.content))
            .collect();
        let size = self.run.log.sector_size();
        let read = |lba: u64, sectors: &mut [u8]| {
            for (sector, bytes) in (lba.saturating_mul(self.run.scale)..).zip(sectors.chunks_mut(size)) {
                if !self.run.in_table(sector) {
                    return Err(format!("sector {sector} belongs to a partition"));
                }
                match over.get(&sector) {
                    Some(content) => content.fill(sector, bytes),
                    None => window.now.durable.read(sector, bytes).map_err(|error| format!("{error:#}"))?,
                }
            }
            Ok(())
        };
        Table::read(self.run.geometry, read).map_err(|error| error.to_string())
    }
}
