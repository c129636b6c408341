//! Ratios of one run's figures, each against what was promised.

use std::fmt;

use super::row::Row;
use super::{casync, floor, ostree, own, rauc, sizes, swupdate};

/// A figure, what it must not exceed, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    what: &'static str,
    unit: Unit,
    /// Found and limit; else the row whose figure is not there.
    figures: Result<(f64, f64), String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Mib,
    Bytes,
    Count,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds,
    FallsShort,
    /// A row is missing.
    Open,
}

impl Bar {
    pub(super) fn verdict(&self) -> Verdict {
        match self.figures {
            Ok((found, limit)) if found <= limit => Verdict::Holds,
            Ok(_) => Verdict::FallsShort,
            Err(_) => Verdict::Open,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict() {
            Verdict::Holds => "holds",
            Verdict::FallsShort => "falls short",
            Verdict::Open => "open",
        };
        write!(f, "{:<62} {verdict:<12}", self.what)?;
        match &self.figures {
            Ok((found, limit)) => {
                write!(f, "{} of {}", self.unit.say(*found), self.unit.say(*limit))?;
                if *limit > 0.0 { write!(f, " ({:.2})", found / limit) } else { Ok(()) }
            }
            Err(missing) => write!(f, "no figure of \"{missing}\""),
        }
    }
}

impl Unit {
    fn say(self, figure: f64) -> String {
        match self {
            Unit::Seconds => format!("{figure:.2} s"),
            Unit::Mib => format!("{:.2} MiB", figure / MIB),
            Unit::Bytes => format!("{figure:.0} bytes"),
            Unit::Count => format!("{figure:.0}"),
        }
    }
}

/// The rows by name.
struct Rows<'a>(&'a [Row]);

type Figure = Result<f64, String>;

#[expect(clippy::cast_precision_loss, reason = "bytes and KiB of images fit")]
impl Rows<'_> {
    fn of(&self, name: &str, figure: impl Fn(&Row) -> Option<f64>) -> Figure {
        self.0.iter().find(|row| row.name == name).and_then(figure).ok_or_else(|| name.to_owned())
    }

    fn wall(&self, name: &str) -> Figure {
        self.of(name, |row| row.wall_s)
    }

    fn cpu(&self, name: &str) -> Figure {
        self.of(name, |row| row.cpu_s)
    }

    fn rss(&self, name: &str) -> Figure {
        self.of(name, |row| row.rss_kib.map(|kib| kib as f64 * 1024.0))
    }

    fn fetched(&self, name: &str) -> Figure {
        self.of(name, |row| row.fetched_bytes.map(|bytes| bytes as f64))
    }

    fn payload(&self, name: &str) -> Figure {
        self.of(name, |row| row.payload_bytes.map(|bytes| bytes as f64))
    }

    fn written(&self, name: &str) -> Figure {
        self.of(name, |row| row.written_bytes.map(|bytes| bytes as f64))
    }

    fn requests(&self, name: &str) -> Figure {
        self.of(name, |row| row.requests.map(|requests| requests as f64))
    }
}

/// All of them, in the order of the promises.
pub(super) fn bars(rows: &[Row]) -> Vec<Bar> {
    let rows = Rows(rows);
    [speed(&rows), bytes(&rows), memory(&rows)].concat()
}

fn bar(what: &'static str, unit: Unit, found: Figure, limit: Figure) -> Bar {
    Bar { what, unit, figures: found.and_then(|found| Ok((found, limit?))) }
}

fn times(factor: f64, figure: Figure) -> Figure {
    figure.map(|figure| figure * factor)
}

fn plus(a: Figure, b: Figure) -> Figure {
    a.and_then(|a| Ok(a + b?))
}

fn speed(rows: &Rows<'_>) -> Vec<Bar> {
    let floor = || plus(rows.wall(floor::WRITE), rows.wall(floor::READ_BACK));
    vec![
        bar(
            "full install, wall: 1.1 x floor of write and read-back",
            Unit::Seconds,
            rows.wall(own::FULL),
            times(1.1, floor()),
        ),
        bar(
            "full install, CPU: SWUpdate's and one SHA-256 pass",
            Unit::Seconds,
            rows.cpu(own::FULL),
            plus(rows.cpu(swupdate::FULL), rows.cpu(floor::HASH)),
        ),
        bar(
            "delta install, wall: 1.25 x the full install's floor",
            Unit::Seconds,
            rows.wall(own::DELTA),
            times(1.25, floor()),
        ),
    ]
}

fn bytes(rows: &Rows<'_>) -> Vec<Bar> {
    let delta = || rows.fetched(sizes::RECORDS);
    vec![
        bar(
            "full payload: 1.07 x one zstd -9 stream",
            Unit::Mib,
            rows.fetched(sizes::FRAMES),
            times(1.07, rows.fetched(sizes::WHOLE)),
        ),
        bar(
            "delta: 1.15 x zstd --patch-from --long=31",
            Unit::Mib,
            delta(),
            times(1.15, rows.fetched(sizes::PATCH)),
        ),
        bar("delta: half of casync's bytes", Unit::Mib, delta(), times(0.5, rows.fetched(casync::DELTA))),
        bar("delta: half of OSTree's bytes", Unit::Mib, delta(), times(0.5, rows.fetched(ostree::DELTA))),
        bar(
            "delta: a quarter of RAUC adaptive's bytes",
            Unit::Mib,
            delta(),
            times(0.25, rows.fetched(rauc::ADAPTIVE)),
        ),
        bar(
            "delta install, bytes written: 1.02 x RAUC adaptive's",
            Unit::Mib,
            rows.written(own::DELTA),
            times(1.02, rows.written(rauc::ADAPTIVE)),
        ),
        bar("no-op, bytes beyond metadata: none", Unit::Bytes, rows.payload(own::AGAIN), Ok(0.0)),
        bar("no-op, bytes written: none", Unit::Bytes, rows.written(own::AGAIN), Ok(0.0)),
        bar("idle check, requests", Unit::Count, rows.requests(own::IDLE), Ok(2.0)),
        bar("idle check, bytes", Unit::Bytes, rows.fetched(own::IDLE), Ok(IDLE_BYTES)),
    ]
}

fn memory(rows: &Rows<'_>) -> Vec<Bar> {
    let modes = [
        ("peak RSS, full: 48 MiB", "the same, image x 4: 1.1 x as much", own::FULL),
        ("peak RSS, delta: 48 MiB", "the same, image x 4: 1.1 x as much", own::DELTA),
        ("peak RSS, resume: 48 MiB", "the same, image x 4: 1.1 x as much", own::RESUME),
        ("peak RSS, no-op: 48 MiB", "the same, image x 4: 1.1 x as much", own::AGAIN),
    ];
    let both = modes.into_iter().map(|(what, larger, name)| {
        let large = || rows.rss(&super::larger(name));
        // Too much with the one image is too much, whatever the other one takes.
        let most = rows.rss(name).and_then(|rss| if rss > RSS { Ok(rss) } else { Ok(rss.max(large()?)) });
        [bar(what, Unit::Mib, most, Ok(RSS)), bar(larger, Unit::Mib, large(), times(1.1, rows.rss(name)))]
    });
    both.flatten().collect()
}

const MIB: f64 = 1_048_576.0;
const IDLE_BYTES: f64 = 4096.0;
/// Of the largest process.
const RSS: f64 = 48.0 * MIB;

#[cfg(test)]
mod tests {
    use super::super::row::Sample;
    use super::*;

    fn row(name: &str, sample: Sample) -> Row {
        Row::of(name, "", &[Ok(sample)])
    }

    fn find(rows: &[Row], what: &str) -> Bar {
        bars(rows).into_iter().find(|bar| bar.what.starts_with(what)).unwrap()
    }

    #[test]
    fn a_full_install_is_judged_by_the_floor_of_the_same_run() {
        let wall = |name, wall_s| row(name, Sample { wall_s, ..Sample::default() });
        let with = |seconds| [wall(floor::WRITE, 3.0), wall(floor::READ_BACK, 1.0), wall(own::FULL, seconds)];
        let bar = find(&with(4.4), "full install, wall");
        assert_eq!(bar.verdict(), Verdict::Holds, "{bar}");
        let bar = find(&with(4.5), "full install, wall");
        assert_eq!(bar.verdict(), Verdict::FallsShort);
        assert!(bar.to_string().ends_with("falls short 4.50 s of 4.40 s (1.02)"), "{bar}");
    }

    #[test]
    fn a_missing_row_leaves_its_bars_open_and_is_named() {
        let bar = find(&[Row::size(sizes::RECORDS, "", Ok(5))], "delta: half of casync");
        assert_eq!(bar.verdict(), Verdict::Open);
        assert!(bar.to_string().ends_with("open        no figure of \"casync\""), "{bar}");
        let failed = Row::size(casync::DELTA, "", Err("no such program".to_owned()));
        let bar = find(&[Row::size(sizes::RECORDS, "", Ok(5)), failed], "delta: half of casync");
        assert_eq!(bar.verdict(), Verdict::Open);
    }

    #[test]
    fn memory_that_grows_with_the_image_falls_short() {
        let rss = |name: &str, rss_kib| row(name, Sample { rss_kib, ..Sample::default() });
        let verdicts = |small, large| {
            let rows = [rss(own::FULL, small), rss(&super::super::larger(own::FULL), large)];
            let all = bars(&rows);
            let at = all.iter().position(|bar| bar.what.starts_with("peak RSS, full")).unwrap();
            [all[at].verdict(), all[at + 1].verdict()]
        };
        assert_eq!(verdicts(20 << 10, 22 << 10), [Verdict::Holds, Verdict::Holds]);
        assert_eq!(verdicts(20 << 10, 23 << 10), [Verdict::Holds, Verdict::FallsShort]);
        assert_eq!(verdicts(20 << 10, 49 << 10), [Verdict::FallsShort, Verdict::FallsShort]);
    }

    #[test]
    fn too_much_memory_with_one_image_falls_short_without_the_other() {
        let rss = |rss_kib| [row(own::DELTA, Sample { rss_kib, ..Sample::default() })];
        assert_eq!(find(&rss(48 << 10), "peak RSS, delta").verdict(), Verdict::Open);
        assert_eq!(find(&rss(49 << 10), "peak RSS, delta").verdict(), Verdict::FallsShort);
    }

    #[test]
    fn nothing_written_is_nothing() {
        let written = |written_bytes| [row(own::AGAIN, Sample { written_bytes, ..Sample::default() })];
        assert_eq!(find(&written(0), "no-op, bytes written").verdict(), Verdict::Holds);
        assert_eq!(find(&written(512), "no-op, bytes written").verdict(), Verdict::FallsShort);
    }
}
