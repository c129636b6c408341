//! Why a slot was left, read from what its boots left behind (`docs/health.md`).
//!
//! Four witnesses, the surest first: the selector, which could not load it; the health gate, which found it unhealthy;
//! the kernel, which kept its last words; and the mark, which tells how far it came. Each may be missing, old or garbage;
//! then the next one is asked.

use std::fmt;

use partition_core::Slot;

use crate::Settled;
use crate::records::{Mark, Stage, Trial};

/// Why a slot was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// In one word.
    pub why: Why,
    /// What the witness said, one line of at most [`Cause::DETAIL`] characters; `None`: nothing more.
    pub detail: Option<String>,
}

/// The word for it (P4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The selector could not load it, or would not.
    Unloadable,
    /// A health check failed; its name.
    Health(String),
    /// Its root does not match its root hash.
    Verity,
    /// Its kernel panicked.
    Panic,
    /// It never came as far as leaving a mark.
    Kernel,
    /// It stopped answering, and the watchdog ended it.
    Timeout,
    /// Nothing tells.
    Unknown,
}

/// What there is to read about a slot that was left.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The slot that was left.
    pub left: Slot,
    /// How it was left: only a slot on trial leaves marks.
    pub settled: Settled,
    /// The boot in which it was armed. A record of that boot is about something older.
    pub armed_in: Option<&'a str>,
    /// The command line of the running kernel.
    pub cmdline: &'a str,
    /// `trial.json`.
    pub trial: Kept<Trial>,
    /// `boot-stage`.
    pub mark: Kept<Mark>,
    /// The kernel's last words, one text for each entry of pstore.
    pub panics: Vec<String>,
}

/// A record that may not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept<T> {
    /// There is none, and that is certain.
    Absent,
    /// There is one and it cannot be read, or the place for it cannot.
    Garbage,
    /// Read.
    Read(T),
}

/// Why it was left. Total: whatever the evidence, there is an answer, [`Why::Unknown`] at worst.
pub fn cause(evidence: &Evidence<'_>) -> Cause {
    unloadable(evidence)
        .or_else(|| health(evidence))
        .or_else(|| last_words(evidence))
        .or_else(|| mark(evidence))
        .unwrap_or(Cause { why: Why::Unknown, detail: None })
}

/// The selector appends its words, so the last one counts.
fn unloadable(evidence: &Evidence<'_>) -> Option<Cause> {
    let said = |word: &str| {
        let (slot, reason) = word.strip_prefix("updog.skipped=")?.split_once(':')?;
        (slot.parse() == Ok(evidence.left)).then(|| reason.to_owned())
    };
    let reason = evidence.cmdline.split_ascii_whitespace().rev().find_map(said)?;
    Some(Cause::new(Why::Unloadable, &reason))
}

/// The gate's record, if it is about the last boot of that slot.
fn health(evidence: &Evidence<'_>) -> Option<Cause> {
    let Kept::Read(trial) = &evidence.trial else { return None };
    let about = trial.slot == evidence.left && !is_old(evidence, trial.boot.as_deref());
    // A later boot of the same trial has left a mark of its own: this failure was not its end.
    let last = fresh_mark(evidence).is_none_or(|mark| Some(mark.boot.as_str()) == trial.boot.as_deref());
    (about && last).then(|| Cause::new(Why::of_record(&trial.reason), &trial.detail))
}

fn last_words(evidence: &Evidence<'_>) -> Option<Cause> {
    let lines = || evidence.panics.iter().flat_map(|text| text.lines());
    let corrupted = lines().find(|line| is_verity(line));
    let panic = lines().find_map(|line| Some(line.split_once(PANIC)?.1));
    match (corrupted, panic) {
        (Some(line), _) => Some(Cause::new(Why::Verity, after_time(line))),
        (None, Some(said)) => Some(Cause::new(Why::Panic, said)),
        // An oops that the kernel survived, or an entry that cannot be read, ended nothing.
        (None, None) => None,
    }
}

/// `device-mapper: verity: 254:0: data block 7 is corrupted`, `dm-verity device corrupted`, `dm-verity: …`.
fn is_verity(line: &str) -> bool {
    let about = line.contains("dm-verity") || line.contains("device-mapper: verity");
    about && line.contains("corrupt")
}

fn mark(evidence: &Evidence<'_>) -> Option<Cause> {
    // A confirmed slot leaves no marks, so none tells nothing.
    if evidence.settled != Settled::RolledBack || evidence.mark == Kept::Garbage {
        return None;
    }
    let Some(mark) = fresh_mark(evidence) else {
        // Only where our own boot chain started the host is a mark to be expected.
        let ours = evidence.cmdline.split_ascii_whitespace().any(|word| word.starts_with("updog.slot="));
        return (ours && evidence.armed_in.is_some()).then(|| Cause::new(Why::Kernel, "it left no mark"));
    };
    let why = match &mark.stage {
        Stage::Init | Stage::Userland | Stage::Health => Why::Timeout,
        Stage::Root | Stage::Scan => Why::Verity,
        Stage::Other(_) => return None,
    };
    Some(Cause::new(why, &format!("its last mark is {:?}", mark.stage.as_str())))
}

/// The mark, if a boot of this trial has left it.
fn fresh_mark<'a>(evidence: &'a Evidence<'_>) -> Option<&'a Mark> {
    let Kept::Read(mark) = &evidence.mark else { return None };
    (mark.slot == evidence.left && !is_old(evidence, Some(&mark.boot))).then_some(mark)
}

/// Whether this boot is the one in which the slot was armed: what it left is about another trial.
fn is_old(evidence: &Evidence<'_>, boot: Option<&str>) -> bool {
    evidence.armed_in.is_some() && evidence.armed_in == boot
}

/// A line of the kernel's log without `<6>` and `[   12.345678]`.
fn after_time(line: &str) -> &str {
    line.split_once("] ").map_or(line, |(_, said)| said)
}

impl Cause {
    /// Characters of a detail: a line that still fits into a report.
    pub const DETAIL: usize = 200;

    fn new(why: Why, detail: &str) -> Cause {
        Cause { why, detail: one_line(detail) }
    }
}

/// The first line that says something, without control characters, cut at [`Cause::DETAIL`].
fn one_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line: String = line.chars().filter(|letter| !letter.is_control()).take(Cause::DETAIL).collect();
    (!line.is_empty()).then_some(line)
}

impl Why {
    /// As the gate wrote it.
    fn of_record(reason: &str) -> Why {
        match reason.strip_prefix("health:") {
            Some(name) => Why::Health(name.to_owned()),
            None if reason == "verity" => Why::Verity,
            None => Why::Unknown,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Why::Unloadable => "unloadable",
            Why::Health(name) => return write!(f, "health:{name}"),
            Why::Verity => "verity",
            Why::Panic => "panic",
            Why::Kernel => "kernel",
            Why::Timeout => "timeout",
            Why::Unknown => "unknown",
        };
        f.pad(word)
    }
}

/// As in `status`: `unloadable: signature`.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{}: {detail}", self.why),
            None => self.why.fmt(f),
        }
    }
}

const PANIC: &str = "Kernel panic - not syncing: ";
