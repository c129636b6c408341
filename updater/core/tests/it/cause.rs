//! Why a slot was left: each cause from the evidence that tells it, the order of the witnesses, and no panic on anything.

use std::collections::BTreeSet;

use partition_core::Slot;
use proptest::prelude::*;
use updater_core::records::{FORMAT, Mark, Stage, Trial};
use updater_core::{Cause, Evidence, Kept, Settled, Why, cause};

use crate::world::at;

const PANICKED: &str = "Panic#1 Part1\n<0>[   12.345678] Kernel panic - not syncing: sysrq triggered crash\n";
const CORRUPTED: &str = "Panic#2 Part1\n<3>[    4.200000] device-mapper: verity: 254:0: data block 7 is corrupted\n\
                         <0>[    4.300000] Kernel panic - not syncing: dm-verity device corrupted\n";
const OOPS: &str = "Oops#1 Part1\n<4>[    9.000000] BUG: unable to handle page fault\n";

/// Slot B was armed in `boot-1`, started, and left; A runs.
fn left() -> Evidence<'static> {
    Evidence {
        left: Slot::B,
        settled: Settled::RolledBack,
        armed_in: Some("boot-1"),
        cmdline: "quiet updog.slot=A updog.boot=x",
        trial: Kept::Absent,
        mark: Kept::Absent,
        panics: Vec::new(),
    }
}

fn mark(boot: &str, stage: Stage) -> Kept<Mark> {
    Kept::Read(Mark::new(boot, Slot::B, stage))
}

fn trial(boot: &str, reason: &str) -> Kept<Trial> {
    Kept::Read(Trial {
        format: FORMAT,
        reason: reason.to_owned(),
        detail: "ended with exit status: 1".to_owned(),
        boot: Some(boot.to_owned()),
        slot: Slot::B,
        version: None,
        release: None,
        at: at("2026-01-02T03:04:05Z"),
        extra: serde_json::Map::new(),
    })
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

type Row = (&'static str, Evidence<'static>, &'static str);

fn told_rows() -> Vec<Row> {
    let gate = || trial("boot-2", "health:10-net");
    vec![
        (
            "the selector",
            Evidence { cmdline: "updog.slot=A updog.skipped=B:signature", ..left() },
            "unloadable: signature",
        ),
        ("the gate", Evidence { trial: gate(), ..left() }, "health:10-net: ended with exit status: 1"),
        (
            "the gate, and its mark",
            Evidence { trial: gate(), mark: mark("boot-2", Stage::Health), ..left() },
            "health:10-net: ended with exit status: 1",
        ),
        (
            "a root that cannot be read",
            Evidence { trial: trial("boot-2", "verity"), ..left() },
            "verity: ended with exit status: 1",
        ),
        ("a panic", Evidence { panics: words(&[PANICKED]), ..left() }, "panic: sysrq triggered crash"),
        (
            "a panic over a bad block",
            Evidence { panics: words(&[OOPS, CORRUPTED]), ..left() },
            "verity: device-mapper: verity: 254:0: data block 7 is corrupted",
        ),
        ("no mark", left(), "kernel: it left no mark"),
    ]
}

fn mark_rows() -> Vec<Row> {
    let stage = |stage| Evidence { mark: mark("boot-2", stage), ..left() };
    vec![
        ("init", stage(Stage::Init), "timeout: its last mark is \"init\""),
        ("root", stage(Stage::Root), "verity: its last mark is \"root\""),
        ("userland", stage(Stage::Userland), "timeout: its last mark is \"userland\""),
        ("scan", stage(Stage::Scan), "verity: its last mark is \"scan\""),
        ("health", stage(Stage::Health), "timeout: its last mark is \"health\""),
        ("a later word", stage(Stage::Other("orbit".to_owned())), "unknown"),
        (
            "an oops ends nothing",
            Evidence { panics: words(&[OOPS]), ..stage(Stage::Init) },
            "timeout: its last mark is \"init\"",
        ),
        (
            "garbage in pstore",
            Evidence { panics: words(&["\u{0}\u{fffd}", ""]), ..stage(Stage::Root) },
            "verity: its last mark is \"root\"",
        ),
    ]
}

/// What an older trial, another slot or another chain of boot left does not speak for this one.
fn old_rows() -> Vec<Row> {
    let other = |boot| Kept::Read(Mark::new(boot, Slot::A, Stage::Health));
    vec![
        (
            "a mark of the arming boot",
            Evidence { mark: mark("boot-1", Stage::Health), ..left() },
            "kernel: it left no mark",
        ),
        ("a mark of the other slot", Evidence { mark: other("boot-0"), ..left() }, "kernel: it left no mark"),
        (
            "a record of the arming boot",
            Evidence { trial: trial("boot-1", "health:x"), ..left() },
            "kernel: it left no mark",
        ),
        ("a garbled mark", Evidence { mark: Kept::Garbage, ..left() }, "unknown"),
        (
            "a garbled record",
            Evidence { trial: Kept::Garbage, mark: mark("boot-2", Stage::Root), ..left() },
            "verity: its last mark is \"root\"",
        ),
        (
            "a record of a later version",
            Evidence { trial: trial("boot-2", "gremlins"), ..left() },
            "unknown: ended with exit status: 1",
        ),
        ("another boot chain leaves no marks", Evidence { cmdline: "quiet ro", ..left() }, "unknown"),
        ("an intent that is lost", Evidence { armed_in: None, ..left() }, "unknown"),
        (
            "skipped, but the other one",
            Evidence { cmdline: "updog.slot=A updog.skipped=A:kernel", ..left() },
            "kernel: it left no mark",
        ),
        (
            "skipped, but garbled",
            Evidence { cmdline: "updog.slot=A updog.skipped=B", ..left() },
            "kernel: it left no mark",
        ),
    ]
}

/// Three tries; the last one tells.
fn several_rows() -> Vec<Row> {
    let died_later =
        |stage| Evidence { trial: trial("boot-2", "health:x"), mark: mark("boot-3", stage), ..left() };
    vec![
        (
            "first in the kernel, then in health",
            Evidence { trial: trial("boot-3", "health:x"), mark: mark("boot-3", Stage::Health), ..left() },
            "health:x: ended with exit status: 1",
        ),
        ("first in health, then over its root", died_later(Stage::Root), "verity: its last mark is \"root\""),
        ("first in health, then hung", died_later(Stage::Userland), "timeout: its last mark is \"userland\""),
    ]
}

/// A confirmed slot leaves no marks: the selector, the gate and the kernel may still tell.
fn fell_back_rows() -> Vec<Row> {
    let fell = || Evidence { settled: Settled::FellBack, armed_in: None, ..left() };
    vec![
        ("nothing", fell(), "unknown"),
        ("an old mark", Evidence { mark: mark("boot-0", Stage::Root), ..fell() }, "unknown"),
        (
            "its kernel",
            Evidence { cmdline: "updog.slot=A updog.skipped=B:kernel", ..fell() },
            "unloadable: kernel",
        ),
        ("its panic", Evidence { panics: words(&[PANICKED]), ..fell() }, "panic: sysrq triggered crash"),
        (
            "its health",
            Evidence { trial: trial("boot-7", "health:x"), ..fell() },
            "health:x: ended with exit status: 1",
        ),
    ]
}

fn rows() -> Vec<Row> {
    [told_rows(), mark_rows(), old_rows(), several_rows(), fell_back_rows()].concat()
}

#[test]
fn every_cause_from_its_evidence() {
    for (name, evidence, expected) in rows() {
        assert_eq!(cause(&evidence).to_string(), expected, "{name}");
    }
}

#[test]
fn every_cause_is_reachable() {
    let word = |why: &Why| why.to_string().split(':').next().unwrap_or_default().to_owned();
    let told: BTreeSet<String> = rows().iter().map(|(_, evidence, _)| word(&cause(evidence).why)).collect();
    let all = ["health", "kernel", "panic", "timeout", "unknown", "unloadable", "verity"];
    assert_eq!(told, all.map(str::to_owned).into());
}

/// The surest witness speaks first: taking them away one by one gives the next one's word.
#[test]
fn the_witnesses_are_asked_in_order() {
    let mut evidence = Evidence {
        cmdline: "updog.slot=A updog.skipped=B:unloadable",
        trial: trial("boot-2", "health:x"),
        mark: mark("boot-2", Stage::Root),
        panics: words(&[PANICKED]),
        ..left()
    };
    let mut told = vec![cause(&evidence).why];
    evidence.cmdline = "updog.slot=A";
    told.push(cause(&evidence).why);
    evidence.trial = Kept::Absent;
    told.push(cause(&evidence).why);
    evidence.panics.clear();
    told.push(cause(&evidence).why);
    evidence.mark = Kept::Absent;
    told.push(cause(&evidence).why);
    let health = Why::Health("x".to_owned());
    assert_eq!(told, [Why::Unloadable, health, Why::Panic, Why::Verity, Why::Kernel]);
}

fn any_stage() -> impl Strategy<Value = Stage> {
    let known = [Stage::Init, Stage::Root, Stage::Userland, Stage::Scan, Stage::Health];
    prop_oneof![prop::sample::select(known.to_vec()), ".{0,8}".prop_map(Stage::Other)]
}

/// A command line, and all the rest.
fn any_evidence() -> impl Strategy<Value = (String, Evidence<'static>)> {
    let boot = "boot-[123]";
    let words = "(quiet|updog.slot=[AB]|updog.skipped=[ABC]?:?[a-z_]{0,12}|.{0,6})( (updog.skipped=B:.{0,4}|ro)){0,2}";
    let record = (boot, "(health:.{0,8}|verity|.{0,8})").prop_map(|(boot, reason)| trial(&boot, &reason));
    let left_mark = (boot, any_stage()).prop_map(|(boot, stage)| mark(&boot, stage));
    let lines = "(.{0,20}|Kernel panic - not syncing: .{0,300}|device-mapper: verity: .{0,9} corrupted)\n?";
    let record = prop::option::of(record).prop_map(|trial| trial.unwrap_or(Kept::Garbage));
    let left_mark = prop::option::of(left_mark).prop_map(|mark| mark.unwrap_or(Kept::Garbage));
    let armed_in = prop::sample::select(vec![None, Some("boot-1")]);
    (words, record, left_mark, prop::collection::vec(lines, 0..3), armed_in).prop_map(
        |(words, trial, mark, panics, armed_in)| {
            (words, Evidence { trial, mark, panics, armed_in, ..left() })
        },
    )
}

proptest! {
    /// Whatever was left: one word that can stand in a record, one short line beside it.
    #[test]
    fn any_evidence_has_an_answer((cmdline, evidence) in any_evidence()) {
        let evidence = Evidence { cmdline: &cmdline, ..evidence };
        let told = cause(&evidence);
        let detail = told.detail.clone().unwrap_or_default();
        prop_assert!(detail.chars().count() <= Cause::DETAIL);
        prop_assert!(!detail.chars().any(char::is_control), "{:?}", detail);
    }

    /// A record of the boot in which the slot was armed never decides.
    #[test]
    fn what_is_older_than_the_intent_says_nothing(stage in any_stage(), reason in "health:[a-z]{1,4}|verity") {
        let old = Evidence { trial: trial("boot-1", &reason), mark: mark("boot-1", stage), ..left() };
        prop_assert_eq!(cause(&old), cause(&left()));
    }
}
