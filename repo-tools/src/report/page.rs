//! From the model to the page. Pure; no scripts, and nothing is fetched from elsewhere: the page says so itself (CSP).

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use release::Image;
use release::manifest::Ours;

use super::model::{Model, Release, RoleRow};
use super::style::PAGE;
use super::table::{Column, table};
use crate::picture::{COLOURS, Chart, Size, adoption, drawing, escaped, grouped, share, short_time, size};

/// The whole page as HTML.
pub fn page(model: &Model) -> String {
    let title = format!("Updates in {}", escaped(&model.place));
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
         base-uri 'none'; form-action 'none'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"referrer\" content=\"no-referrer\"><link rel=\"icon\" href=\"data:,\">\
         <title>{title}</title><style>{COLOURS}{PAGE}{}</style></head>\n<body><header><h1>{title}</h1>\
         <p class=\"soft\">As hosts see it on {} UTC.</p>",
        Chart::style(),
        short_time(model.now)
    );
    text.push_str(&facts(model));
    text.push_str("</header>\n<main>");
    text.push_str(&rollouts(model));
    text.push_str(&releases(model));
    text.push_str(&signatures(model));
    let _ = write!(
        text,
        "</main>\n<footer><p>Written by updog-repo. Times are UTC.</p></footer></body></html>\n"
    );
    text
}

/// Three numbers to look at first.
fn facts(model: &Model) -> String {
    let expiry = model.first_to_expire().map_or_else(
        || ("-".to_owned(), String::new()),
        |role| (left(role.expires, model.now), format!("{}, {}", role.name, short_time(role.expires))),
    );
    let rolling = model.releases.iter().filter(|release| is_under_way(release, model.now)).count();
    let streams = model.streams().len();
    format!(
        "<dl class=\"facts\"><div><dt>Releases</dt><dd>{}<small>for {streams} kind(s) of host</small></dd></div>\
         <div><dt>Rollouts under way</dt><dd>{rolling}</dd></div>\
         <div><dt>First expiry</dt><dd>{}<small>{}</small></dd></div></dl>",
        model.releases.len(),
        expiry.0,
        expiry.1
    )
}

fn rollouts(model: &Model) -> String {
    let mut rolling: Vec<&Release> =
        model.streams().into_values().flatten().filter(|release| release.is_rolling(model.now)).collect();
    rolling.sort_by_key(|release| std::cmp::Reverse(release.update.rollout().closes_at()));
    let mut text = "<section aria-labelledby=\"rollouts\"><h2 id=\"rollouts\">Rollouts</h2>".to_owned();
    if rolling.is_empty() {
        text.push_str("<p class=\"soft\">None is under way, and none ended in the last two weeks.</p>");
    }
    text.push_str("<div class=\"cards\">");
    for release in rolling {
        text.push_str(&card(release, model.now));
    }
    text.push_str("</div></section>\n");
    text
}

fn card(release: &Release, now: DateTime<Utc>) -> String {
    let update = &release.update;
    let name = format!("{} {} {}", update.variant, update.arch, update.version);
    let rollout = update.rollout();
    let out_of_reach = waves::paused_until();
    let times = rollout.waves().flat_map(|wave| [wave.starts, wave.ends]).filter(|at| *at < out_of_reach);
    let starts = rollout.waves().next().map_or(now, |wave| wave.starts).min(now + TimeDelta::days(14));
    let ends = times.max().unwrap_or(now).max(starts + TimeDelta::hours(1));
    // A little air at both ends, so that the first rise and the last bend are seen.
    let air = (ends - starts) / 20;
    let ends = if ends < now { ends.max(now) } else { ends };
    let chart = adoption(&name, &rollout, (starts - air, ends + air), now);
    format!(
        "<article class=\"card\"><h3>{}</h3><p>{}</p>{}</article>\n",
        escaped(&name),
        state(release, now),
        drawing(&chart, Size::Small)
    )
}

/// Where a release stands, in a few words.
fn state(release: &Release, now: DateTime<Utc>) -> String {
    let update = &release.update;
    let halted = |ours: &Ours| {
        let stop = |word: &str, halt: &release::manifest::Halt| {
            let why =
                if halt.reason.is_empty() { String::new() } else { format!(": {}", escaped(&halt.reason)) };
            format!("<span class=\"alert\">{word} since {}</span>{why}", short_time(halt.at))
        };
        let yanked = ours.yanked.as_ref().map(|halt| stop("taken back", halt));
        yanked.or_else(|| ours.paused.as_ref().map(|halt| stop("paused", halt)))
    };
    if let Some(halted) = update.updog.as_ref().and_then(halted) {
        return halted;
    }
    if update.version > update.max_version {
        return "<span class=\"alert\">called back</span>".to_owned();
    }
    let rollout = update.rollout();
    let open = f64::from(rollout.open_seeds(now)) / f64::from(waves::SEEDS);
    match rollout.closes_at() {
        Some(closes) if now < closes => {
            format!("<span class=\"now\">{} of hosts</span>, all by {}", share(open), short_time(closes))
        }
        Some(closes) => format!("all hosts since {}", short_time(closes)),
        None => "all hosts, without waves".to_owned(),
    }
}

fn is_under_way(release: &Release, now: DateTime<Utc>) -> bool {
    let stopped =
        release.update.updog.as_ref().is_some_and(|ours| ours.paused.is_some() || ours.yanked.is_some());
    !stopped && release.update.rollout().closes_at().is_some_and(|closes| now < closes)
}

fn releases(model: &Model) -> String {
    let mut text = "<section aria-labelledby=\"releases\"><h2 id=\"releases\">Releases</h2>".to_owned();
    if model.releases.is_empty() {
        text.push_str("<p class=\"soft\">There is none yet.</p>");
    }
    let columns = [
        Column::Text("Version"),
        Column::Text("Who may have it"),
        Column::Number("Boot"),
        Column::Number("Root"),
        Column::Number("Hash"),
        Column::Number("In all"),
        Column::Text("Deltas"),
    ];
    for ((variant, arch), releases) in model.streams() {
        let rows: Vec<Vec<String>> = releases.iter().map(|release| row(release, model.now)).collect();
        text.push_str(&table(&format!("{variant} {arch}"), &columns, &rows));
    }
    text.push_str("</section>\n");
    text
}

fn row(release: &Release, now: DateTime<Utc>) -> Vec<String> {
    let update = &release.update;
    let ours = update.updog.as_ref();
    let mut version = escaped(&update.version.to_string());
    if let Some(ours) = ours {
        let _ = write!(version, "<small><code>{}</code></small>", ours.release.short());
    }
    let mut who = state(release, now);
    if let Some(from) = ours.and_then(|ours| ours.from.as_ref()) {
        let _ = write!(who, "<small>from {}</small>", escaped(&from.to_string()));
    }
    if let Some(notes) = ours.map(|ours| &ours.notes).filter(|notes| !notes.is_empty()) {
        let _ = write!(who, "<small>{}</small>", escaped(notes));
    }
    let bytes = |length: Option<u64>| length.map_or_else(|| "-".to_owned(), size);
    let mut deltas: Vec<String> = release
        .deltas
        .iter()
        .map(|(from, length)| format!("{} from <code>{from}</code>", size(*length)))
        .collect();
    if deltas.is_empty() {
        deltas.push("-".to_owned());
    }
    let image = |image| bytes(*release.images.get(image));
    vec![
        version,
        who,
        image(Image::Boot),
        image(Image::Root),
        image(Image::Hash),
        bytes(release.whole()),
        deltas.join("<br>"),
    ]
}

fn signatures(model: &Model) -> String {
    let columns = [
        Column::Text("Role"),
        Column::Number("Version"),
        Column::Text("Expires"),
        Column::Text("Left"),
        Column::Text("Signatures needed"),
    ];
    let rows: Vec<Vec<String>> = model.roles.iter().map(|role| role_row(role, model.now)).collect();
    let mut text = "<section aria-labelledby=\"trust\"><h2 id=\"trust\">Signatures and keys</h2>".to_owned();
    text.push_str(&table("How long each role is good", &columns, &rows));
    let columns = [Column::Text("Key"), Column::Text("Kind"), Column::Text("May sign")];
    let keys = model.keys.iter().map(|key| {
        let roles = if key.roles.is_empty() { "nothing".to_owned() } else { key.roles.join(", ") };
        let id = key.id.get(..16).unwrap_or(&key.id);
        vec![format!("<code>{}</code>", escaped(id)), escaped(&key.kind), roles]
    });
    text.push_str(&table("Who may sign", &columns, &keys.collect::<Vec<_>>()));
    text.push_str("</section>");
    text
}

fn role_row(role: &RoleRow, now: DateTime<Utc>) -> Vec<String> {
    let needed = format!("{} of {} key(s)", role.threshold, role.keys);
    let version = grouped_version(role.version);
    vec![role.name.to_owned(), version, short_time(role.expires), left(role.expires, now), needed]
}

/// Versions that are unix seconds are names, not quantities.
fn grouped_version(version: u64) -> String {
    if version < 1_000_000 { grouped(version) } else { version.to_string() }
}

/// `12 days`, `5 hours`, or that it is over.
fn left(expires: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let left = expires.signed_duration_since(now);
    if left <= TimeDelta::zero() {
        return "<span class=\"alert\">expired</span>".to_owned();
    }
    let text = match (left.num_days(), left.num_hours(), left.num_minutes()) {
        (days, ..) if days >= 2 => format!("{days} days"),
        (_, hours, _) if hours >= 2 => format!("{hours} hours"),
        (_, _, minutes) => format!("{minutes} minute(s)"),
    };
    if left < TimeDelta::days(2) { format!("<span class=\"alert\">{text}</span>") } else { text }
}
