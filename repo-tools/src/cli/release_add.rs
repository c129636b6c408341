//! `updog-repo release add`

use std::path::PathBuf;

use release::Image;
use release::delta::DeltaWriter;
use release::folder::RawImage;
use release::payload::{FrameWriter, Progress};
use serde_json::json;

use super::answer::Ending;
use super::place::Place;
use super::progress::Bar;
use super::release_show::standing;
use super::{Answer, Context, delta};
use crate::delta::{Adding, Bases};
use crate::error::Result;
use crate::folder::Folder;
use crate::unsaved::Unsaved;

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// A folder with release.json and the three raw images.
    #[arg(value_parser = super::local)]
    dir: PathBuf,
    /// zstd level: 1 is fast, 22 is small.
    #[arg(long, default_value_t = 19, value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
    /// Make deltas from so many releases before it, of its variant and architecture.
    #[arg(long, value_name = "N", value_parser = super::at_least_one)]
    delta_from: Option<usize>,
    /// A published copy, for frames of those releases that are not in the working folder any more, as "delta add" takes it.
    #[arg(long, value_name = "PLACE", requires = "delta_from")]
    source: Option<String>,
}

/// The release and its deltas come into the draft together, or not at all.
pub(super) fn run(context: &Context, folder: &Folder, args: &Add) -> Result<Answer> {
    let level = args.level;
    let source = args.source.as_deref().map(|place| Place::open(context, &context.location(place)?));
    let source = source.transpose()?;
    let _lock = folder.lock()?;
    let mut bar = Bar::new(context.form);
    let writer = FrameWriter { level, ..FrameWriter::default() };
    let mut unsaved = Unsaved::of(folder)?;
    let mut tell = |image: Image, raw: &RawImage, at: Progress| bar.at(image.name(), at.raw, raw.length);
    let added = crate::add::enter(folder, &mut unsaved, (&args.dir, &writer), &mut tell);
    bar.end();
    let added = added?;
    let mut lines = Vec::new();
    if added.changed {
        lines.push(format!(
            "{} bytes of images became {} bytes of frames.",
            added.raw_length, added.frames_length
        ));
    }
    let made = args.delta_from.map(|count| {
        let order = Adding {
            choice: added.choice.clone(),
            bases: Bases::Last(count),
            writer: DeltaWriter { level, ..DeltaWriter::default() },
            // The images are here, so that none is unpacked.
            raw: Some(added.raw.clone()),
            source: source.as_ref().map(Place::source),
        };
        delta::barred(context, |tell| crate::delta::enter(folder, &mut unsaved, &order, tell))
    });
    let deltas = made.transpose()?;
    let made = deltas.as_ref().map_or(0, |deltas| deltas.made.len());
    lines.extend(deltas.iter().flat_map(delta::looked_for));
    let (rows, needless, same) =
        deltas.map(|deltas| (deltas.rows, deltas.needless, deltas.same)).unwrap_or_default();
    let changed = added.changed || made > 0;
    if changed {
        unsaved.save(folder)?;
    }
    let fact = match (added.changed, made) {
        (true, 0) => "added".to_owned(),
        (true, count) => format!("added with {count} delta(s)"),
        (false, 0) => "nothing to do: already in the draft".to_owned(),
        (false, count) => format!("added: {count} delta(s) of a release in the draft"),
    };
    if added.stopped {
        let draft = folder.draft()?;
        let update = draft.manifest.updates.get(draft.choose(&added.choice)?);
        let state = update.and_then(standing).unwrap_or_default();
        lines.push(format!("It comes back as it stood: {state}."));
    }
    lines.push(format!("{fact}: {}, release {}", added.title, added.release));
    let data = json!({
        "release": added.title, "id": added.release, "changed": changed, "stopped": added.stopped,
        "raw_length": added.raw_length, "frames_length": added.frames_length, "deltas": rows,
        "needless": needless, "same": same,
    });
    if !changed {
        return Ok(Answer::ending(Ending::NothingToDo, lines, data));
    }
    Ok(Answer::done(lines, data))
}
