//! `updog-repo release show` and `diff`

use release::manifest::{Difference, Halt, Manifest, Update};
use serde_json::{Value, json};

use super::pick::Pick;
use super::place::Place;
use super::{Answer, Context, changed, delta};
use crate::against::{live_listing, live_manifest, signed_manifest};
use crate::delta::{Row, rows};
use crate::draft::{Draft, title};
use crate::error::{Error, Result};
use crate::listing::Listing;
use crate::schedule::lines;
use crate::time;

#[derive(Debug, clap::Args)]
pub(super) struct DiffArgs {
    #[arg(
        long,
        value_name = "PLACE",
        help = "A folder, an http(s) URL or s3://bucket/prefix with metadata/ and targets/ in it, the name of a store \
                  in repo.toml, or a bundle; without it, what was signed last"
    )]
    against: Option<String>,
}

/// What hosts will see otherwise when the draft is signed and published.
pub(super) fn diff(context: &Context, args: &DiffArgs) -> Result<Answer> {
    let folder = context.folder()?;
    let draft = folder.draft()?;
    let papers = folder.papers()?;
    let (before, listed, what) = match args.against.as_deref() {
        None => (signed_manifest(&folder)?, Listing::signed(&papers), "what is signed"),
        Some(place) => {
            let place = Place::at(context, &context.location(place)?)?;
            let source = place.source();
            (live_manifest(&folder, source, context.now)?, live_listing(source)?, "what hosts see")
        }
    };
    let against = if before.is_some() { what } else { "nothing" };
    let before = before.unwrap_or_else(Manifest::default);
    let mut differences: Vec<Difference> = draft.manifest.differences(&before);
    let listing = Listing::of_draft(&draft, &papers);
    differences.extend(listing.differences(&listed, [&before, &draft.manifest]));
    let data = json!({ "against": against });
    if differences.is_empty() {
        return Ok(changed::nothing(format!("no difference: the draft is {against}"), data));
    }
    let fact = format!("{} difference(s) between {against} and the draft", differences.len());
    Ok(changed::said(&differences, fact, &data))
}

/// Everything about one release.
pub(super) fn show(context: &Context, pick: Pick) -> Result<Answer> {
    let folder = context.folder()?;
    let draft = folder.draft()?;
    let place = draft.choose(&pick.choice())?;
    let none = || Error::Choose { found: "there is none".into() };
    let update = draft.manifest.updates.get(place).ok_or_else(none)?;
    let deltas = rows(&folder, &draft, update)?;
    let mut said = vec![title(update), format!("max_version: {}", update.max_version)];
    if let Some(ours) = &update.updog {
        said.push(format!("release: {}", ours.release));
        let from = ours.from.as_ref().map_or("any version".to_owned(), ToString::to_string);
        said.push(format!("installs from: {from}"));
        said.push(format!("deltas: {}", ours.deltas.len()));
        said.extend(delta::said(&deltas).into_iter().map(|line| format!("  {line}")));
        if !ours.notes.is_empty() {
            said.push(format!("notes: {}", ours.notes));
        }
    }
    said.extend(lines(&update.rollout()));
    said.extend(standing(update).map(|state| format!("{state}.")));
    for event in update.updog.iter().flat_map(release::manifest::Ours::history) {
        said.push(format!("{} {} {}", time::text(event.at), event.what, event.reason).trim_end().to_owned());
    }
    Ok(Answer::done(said, json(&draft, update, &deltas)))
}

/// Why hosts are not offered it, when they are not.
pub(super) fn standing(update: &Update) -> Option<String> {
    let ours = update.updog.as_ref()?;
    let because = |what: &str, halt: &Halt| {
        let why = if halt.reason.is_empty() { String::new() } else { format!(": {}", halt.reason) };
        format!("{what} since {}{why}", time::text(halt.at))
    };
    let yanked = ours.yanked.as_ref().map(|halt| because("yanked", halt));
    let paused = || {
        let halt = ours.paused.as_ref()?;
        Some(because(if halt.is_final() { "halted" } else { "paused" }, halt))
    };
    yanked.or_else(paused)
}

fn json(draft: &Draft, update: &Update, deltas: &[Row]) -> Value {
    let ours = update.updog.as_ref();
    let mut data = json!({
        "release": title(update), "max_version": update.max_version, "waves": update.waves,
        "id": ours.map(|ours| ours.release),
        "from": ours.and_then(|ours| ours.from.clone()),
        "paused": ours.and_then(|ours| ours.paused.clone()),
        "yanked": ours.and_then(|ours| ours.yanked.clone()),
        "notes": ours.map(|ours| ours.notes.clone()),
        "deltas": deltas,
        "history": ours.map(release::manifest::Ours::history),
    });
    let indexes = ours.into_iter().flat_map(|ours| ours.index.iter());
    let names = update.images.iter().chain(indexes).map(|(_, name)| name);
    data["targets"] = names.map(|name| (name.clone(), json!(draft.targets.get(name)))).collect();
    data
}
