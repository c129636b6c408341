//! `updog-repo release add`

use std::path::Path;

use release::delta::DeltaWriter;
use release::payload::FrameWriter;
use serde_json::json;

use super::answer::Ending;
use super::progress::Bar;
use super::release_show::standing;
use super::{Answer, Context, delta};
use crate::add::add;
use crate::delta::{Adding, Bases};
use crate::error::Result;
use crate::folder::Folder;

pub(super) fn run(
    context: &Context,
    folder: &Folder,
    dir: &Path,
    level: i32,
    delta_from: usize,
) -> Result<Answer> {
    let _lock = folder.lock()?;
    let mut bar = Bar::new(context.form);
    let writer = FrameWriter { level, ..FrameWriter::default() };
    let added = add(folder, dir, &writer, &mut |image, raw, at| bar.at(image.name(), at.raw, raw.length));
    bar.end();
    let added = added?;
    let mut lines = Vec::new();
    if added.changed {
        lines.push(format!(
            "{} bytes of images became {} bytes of frames.",
            added.raw_length, added.frames_length
        ));
    }
    let deltas = (delta_from > 0).then(|| {
        let order = Adding {
            choice: added.choice.clone(),
            bases: Bases::Last(delta_from),
            writer: DeltaWriter { level, ..DeltaWriter::default() },
            // The images are here, so that none is unpacked.
            raw: Some(added.raw.clone()),
            source: None,
        };
        delta::add(context, folder, &order)
    });
    let deltas = deltas.transpose()?;
    let made = deltas.as_ref().map_or(0, |deltas| deltas.made.len());
    lines.extend(deltas.iter().flat_map(delta::looked_for));
    let (rows, needless) = deltas.map(|deltas| (deltas.rows, deltas.needless)).unwrap_or_default();
    let changed = added.changed || made > 0;
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
        "needless": needless,
    });
    if !changed {
        return Ok(Answer::ending(Ending::NothingToDo, lines, data));
    }
    Ok(Answer::done(lines, data))
}
