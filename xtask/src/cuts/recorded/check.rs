//! Follows a log and judges the disk at every flush and at points between.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use fixtures::crash::{Random, subsets};
use partition_core::{Slot, Slots};

use super::disk::Before;
use super::judge::{Found, Judge};
use super::plan::{Plan, Wanted};
use super::run::Run;
use super::window::{Books, Window, arrived};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) flushes: usize,
    /// Distinct states between flushes.
    pub(super) points: usize,
    /// Distinct durable states, those at flushes included.
    pub(super) states: usize,
    /// How many of them differ for the selector.
    pub(super) judged: usize,
    pub(super) unbootable: usize,
    /// The first few of them, in words.
    pub(super) examples: Vec<String>,
    /// Boots until each slot that may be started has been, at worst.
    pub(super) boots: usize,
    /// The flags at the start and wherever a flush changed them.
    pub(super) flags: Vec<Slots>,
    /// The release that would boot before the first entry, and after the last.
    pub(super) releases: (Option<String>, Option<String>),
    pub(super) drawn: Vec<Cut>,
}

/// One state: what is durable before a window, and the sectors of it that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    window: usize,
    /// For people: entries of the log before the window's end.
    entries: usize,
    chosen: Vec<bool>,
    /// The slot that must start.
    pub(super) slot: Slot,
    /// The release that it holds.
    pub(super) release: String,
}

/// Judges the disk at every flush and, between flushes, where writes were dropped, torn and reordered.
pub(super) fn check(run: &Run, wanted: Wanted) -> Result<Report> {
    let plan = Plan::make(run, wanted)?;
    let mut checking = Checking::new(run, &plan, wanted.seed);
    let end = run.follow(&mut |window| {
        checking.window(window);
        Ok(())
    })?;
    let mut report = checking.report;
    report.judged = checking.judge.distinct();
    report.drawn = checking.drawn.into_iter().flatten().collect();
    let judge = Judge::new(run);
    let boots =
        |found: Option<Found>, books: &Books| judge.release_in(found?.first, books).map(str::to_owned);
    report.releases = (boots(checking.start, &Books::before(run)), boots(checking.end, &end.books));
    Ok(report)
}

/// Whether the log leads from the disk before to the disk that was left.
pub(super) fn leads_to(run: &Run, after: &Path) -> Result<()> {
    run.follow(&mut |_| Ok(()))?.durable.equals(&Before::open(after)?)
}

/// Makes disk image files of these states in `folder`.
pub(super) fn save(run: &Run, cuts: &[Cut], folder: &Path) -> Result<Vec<PathBuf>> {
    let path = |n: usize| folder.join(format!("state-{n}.img"));
    run.follow(&mut |window| {
        for (n, cut) in cuts.iter().enumerate().filter(|(_, cut)| cut.window == window.number) {
            let over = arrived(window.units, &cut.chosen).map(|unit| (unit.sector, unit.content));
            window.now.durable.save(&path(n), over)?;
        }
        Ok(())
    })?;
    Ok((0..cuts.len()).map(path).collect())
}

#[derive(Debug)]
struct Checking<'a> {
    plan: &'a Plan,
    random: Random,
    judge: Judge<'a>,
    seen: HashSet<u64>,
    report: Report,
    start: Option<Found>,
    end: Option<Found>,
    /// For each planned one, the state that is drawn so far.
    drawn: Vec<Option<Cut>>,
    /// States of this window so far.
    visited: usize,
}

impl<'a> Checking<'a> {
    fn new(run: &'a Run, plan: &'a Plan, seed: u64) -> Checking<'a> {
        Checking {
            plan,
            random: Random::new(!seed),
            judge: Judge::new(run),
            seen: HashSet::new(),
            report: Report::default(),
            start: None,
            end: None,
            drawn: vec![None; plan.drawn.len()],
            visited: 0,
        }
    }

    fn window(&mut self, window: &Window<'_, '_>) {
        self.visited = 0;
        let ops: Vec<usize> = window.units.iter().map(|unit| unit.op).collect();
        subsets(&ops, self.plan.limits(window), window.number as u64, |chosen| self.state(window, chosen));

        let all = vec![true; window.units.len()];
        let books = window.now.books.with(window.units, &all);
        self.end = self.judge.judge(window, &all, &books).ok();
        self.report.flushes += usize::from(window.flushed);
        for found in [self.start, self.end].into_iter().flatten() {
            if self.report.flags.last() != Some(&found.slots)
                && (window.number == 0 || self.end == Some(found))
            {
                self.report.flags.push(found.slots);
            }
        }
    }

    fn state(&mut self, window: &Window<'_, '_>, chosen: &[bool]) {
        let books = window.now.books.with(window.units, chosen);
        let found = self.judge.judge(window, chosen, &books);
        self.draw(window, chosen, found.as_ref().ok(), &books);
        if !self.seen.insert(books.digest) {
            return;
        }
        self.report.states += 1;
        let arrived = chosen.iter().filter(|&&chosen| chosen).count();
        if self.report.states == 1 {
            self.start = found.as_ref().ok().copied();
        } else if arrived < chosen.len() {
            self.report.points += 1;
        }
        match found {
            Ok(found) => self.report.boots = self.report.boots.max(found.boots),
            Err(error) => {
                self.report.unbootable += 1;
                if self.report.examples.len() < EXAMPLES {
                    let (flushes, of) = (self.report.flushes, chosen.len());
                    let words = format!("after flush {flushes}, {arrived} of {of} sectors arrived: {error}");
                    self.report.examples.push(words);
                }
            }
        }
    }

    /// Keeps one of the states of each planned window, each with the same chance.
    fn draw(&mut self, window: &Window<'_, '_>, chosen: &[bool], found: Option<&Found>, books: &Books) {
        self.visited += 1;
        let place = self.plan.drawn.iter().position(|&number| number == window.number);
        let (Some(place), Some(found)) = (place, found) else { return };
        if self.random.below(self.visited) > 0 {
            return;
        }
        let (slot, window, entries) = (found.first, window.number, window.entries);
        let release = self.judge.release_in(slot, books).unwrap_or_default().to_owned();
        self.drawn[place] = Some(Cut { window, entries, chosen: chosen.to_vec(), slot, release });
    }
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arrived = self.chosen.iter().filter(|&&chosen| chosen).count();
        let of = self.chosen.len();
        let (slot, release) = (self.slot, &self.release);
        write!(
            f,
            "cut before entry {}, {arrived} of {of} unflushed sectors arrived: slot {slot} with {release}",
            self.entries
        )
    }
}

/// States in words; more would be more of the same.
const EXAMPLES: usize = 5;
