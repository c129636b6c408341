//! A copy in one file, for hosts without a network.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use chrono::{DateTime, Utc};
use release::bundle::{BundleError, Name, Writer};
use serde::Serialize;
use tough::schema::Root;
use trust_core::{Stored, Target};

use super::Writing;
use super::select::{Deltas, Selected, Selection, Wanted, select};
use super::survey::{Anchor, Survey, root_name};
use crate::document::Document;
use crate::error::{Error, Result};
use crate::files::{self, Files, Partial};
use crate::parallel::{Meter, Tell};
use crate::source::{Sink, Source, decoded};
use crate::stream::stream_right;
use crate::time;

/// Where the root chain of a bundle begins.
#[derive(Debug, Clone)]
pub enum Start {
    /// At the first root, on the way to this one if one is trusted.
    First(Option<Vec<u8>>),
    /// At this root, which the hosts have.
    Root(Vec<u8>),
}

/// How to make a bundle.
#[derive(Debug, Clone)]
pub struct Bundling {
    /// Where its root chain begins.
    pub start: Start,
    /// The time that expiry is measured with.
    pub now: DateTime<Utc>,
    /// Which releases.
    pub wanted: Wanted,
    /// Whether to write at all.
    pub writing: Writing,
}

/// What a bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bundled {
    /// Its releases, for people.
    pub releases: Vec<String>,
    /// The first and the last root.
    pub roots: (u64, u64),
    /// Targets in it.
    pub targets: usize,
    /// Bytes of the targets.
    pub bytes: u64,
    /// Until when hosts take it, RFC 3339.
    pub good_until: String,
    /// The role that ends then.
    pub ends_with: &'static str,
    /// In a dry run, how long the file would be.
    #[serde(skip)]
    pub would_have: Option<u64>,
}

/// Writes what hosts need for the wanted releases into one file: root chain, timestamp, snapshot, targets and delegated
/// roles, manifest, indexes and frames, each verified on the way. The same contents make the same bytes. `file` gets its
/// name when it is whole.
pub fn bundle(
    source: &dyn Source,
    files: &dyn Files,
    file: &Path,
    order: Bundling,
    tell: &Tell<'_>,
) -> Result<Bundled> {
    let (start, anchor) = match order.start {
        Start::Root(bytes) => (Document::<Root>::parse_from(bytes, &"--from")?, None),
        Start::First(given) => {
            let anchor = Anchor::of(source, given)?;
            (anchor.start.clone(), Some(anchor))
        }
    };
    let known = Stored { root: start.bytes().to_vec(), ..Stored::default() };
    let mut survey = Survey::take(source, known, order.now)?;
    if let Some(anchor) = anchor {
        anchor.check(&survey.metadata)?;
    }
    survey.metadata.insert(root_name(start.version()), start.bytes().to_vec());
    let selected = select(source, &mut survey.session, &Selection::Releases(order.wanted), Deltas::Without)?;
    let mut bundled = described(&start, &survey, &selected);
    let parts = Parts { metadata: survey.metadata, targets: selected.targets };
    match order.writing {
        Writing::Really => {
            let meter = Meter::new(bundled.bytes, tell);
            write(source, files, file, &parts, &meter)?;
        }
        Writing::DryRun => bundled.would_have = Some(length(file, &parts)?),
    }
    Ok(bundled)
}

fn described(start: &Document<Root>, survey: &Survey, selected: &Selected) -> Bundled {
    let trusted = &survey.trusted;
    let roles = [
        ("root", trusted.root.expires),
        ("timestamp", trusted.timestamp.expires),
        ("snapshot", trusted.snapshot.expires),
        ("targets", trusted.targets.expires),
    ];
    let (mut ends_with, mut end) = ("timestamp", trusted.timestamp.expires);
    for (role, expires) in roles {
        if expires < end {
            (ends_with, end) = (role, expires);
        }
    }
    Bundled {
        releases: selected.releases.clone(),
        roots: (start.version(), trusted.root.version),
        targets: selected.targets.len(),
        bytes: selected.targets.iter().fold(0, |sum: u64, target| sum.saturating_add(target.length)),
        good_until: time::text(end),
        ends_with,
        would_have: None,
    }
}

/// What goes into the file.
struct Parts {
    metadata: BTreeMap<String, Vec<u8>>,
    targets: Vec<Target>,
}

/// Partial name, bytes, sync, final name: a cut leaves no bundle that looks whole.
fn write(
    source: &dyn Source,
    files: &dyn Files,
    file: &Path,
    parts: &Parts,
    meter: &Meter<'_>,
) -> Result<()> {
    let failed = |source| Error::WriteFile { path: file.to_owned(), source };
    let mut new = Partial::of(files, file).map_err(failed)?;
    fill(&mut new, file, parts, &mut |target, sink| {
        stream_right(source, target, &mut |part| {
            meter.add(part.len());
            sink(part)
        })
    })?;
    new.finish(file).map_err(failed)?;
    files.sync_dir(files::parent(file)).map_err(failed)
}

/// The length of the file that [`write()`] would write.
fn length(file: &Path, parts: &Parts) -> Result<u64> {
    let mut counter = Counter(0);
    fill(&mut counter, file, parts, &mut |target, sink| {
        let mut rest = target.length;
        while rest > 0 {
            let count = rest.min(ZEROS_LENGTH);
            sink(usize::try_from(count).ok().and_then(|count| ZEROS.get(..count)).unwrap_or_default())?;
            rest -= count;
        }
        Ok(())
    })?;
    Ok(counter.0)
}

struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives the bytes of a target.
type Contents<'a> = dyn FnMut(&Target, &mut Sink<'_>) -> Result<()> + 'a;

fn fill(out: impl Write, file: &Path, parts: &Parts, contents: &mut Contents<'_>) -> Result<()> {
    let refused = |source: BundleError| match source {
        BundleError::Io(source) => Error::WriteFile { path: file.to_owned(), source },
        source => Error::Bundle { path: file.to_owned(), source },
    };
    let mut metadata = BTreeMap::new();
    for (name, bytes) in &parts.metadata {
        metadata.insert(Name::metadata(name).map_err(refused)?, bytes);
    }
    let mut targets = BTreeMap::new();
    for target in &parts.targets {
        targets.insert(Name::target(&decoded(&target.path)?).map_err(refused)?, target);
    }
    let mut writer = Writer::new(out).map_err(refused)?;
    for (name, bytes) in &metadata {
        writer.add(name, bytes).map_err(refused)?;
    }
    for (name, target) in &targets {
        writer.begin(name, target.length).map_err(refused)?;
        contents(target, &mut |part| writer.write(part).map_err(refused))?;
    }
    writer.finish().map_err(refused)?;
    Ok(())
}

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
const ZEROS_LENGTH: u64 = 64 << 10;
