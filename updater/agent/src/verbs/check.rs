//! `check`: which release this host may have now, or which rule is against it.

use chrono::SecondsFormat;
use release::manifest::{Manifest, Update};
use serde_json::{Value, json};
use updater_core::{Candidate, NoOffer, Offer, Verdict};

use crate::answer::Answer;
use crate::cli;
use crate::{Context, Options, Result, engine};

pub(super) fn run(ctx: &Context<'_>, typed: &cli::Check) -> Result<Answer> {
    let options: Options = typed.update.clone().into();
    let checked = engine::check(ctx, &options)?;
    let mut answer = match checked.offer() {
        Ok(offer) => open(offer),
        Err(none) => closed(none),
    };
    let candidates = checked.candidates();
    if typed.explain || typed.all {
        let listed = candidates.iter().filter(|candidate| typed.explain || is_open(candidate));
        let lines = listed.map(line).chain([answer.message]);
        answer.message = lines.collect::<Vec<_>>().join("\n");
    }
    if let Some(data) = answer.data.as_object_mut() {
        let listed = candidates.iter().filter(|candidate| typed.explain || is_open(candidate));
        data.insert("candidates".to_owned(), listed.map(candidate).collect());
        data.insert(
            "clock_behind_secs".to_owned(),
            json!(checked.clock_behind().map(|behind| behind.num_seconds())),
        );
    }
    Ok(answer)
}

/// The answer "no", for every verb that needs an offer.
pub(super) fn closed(none: &NoOffer) -> Answer {
    let refusal = &none.refusal;
    Answer {
        exit: none.exit(),
        reason: Some(refusal.reason),
        message: format!("No update: {refusal}."),
        data: json!({ "offer": null, "version": none.version, "until": refusal.until }),
        hint: crate::Error::Refused(refusal.clone()).hint(),
    }
}

/// An update as Bottlerocket's clients print it.
pub(super) fn object(update: &Update) -> Value {
    let manifest = Manifest { updates: vec![update.clone()], ..Manifest::default() };
    let bytes = manifest.encode().unwrap_or_default();
    let mut value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    value.get_mut("updates").and_then(|updates| updates.get_mut(0)).map(Value::take).unwrap_or_default()
}

pub(super) fn is_open(candidate: &Candidate) -> bool {
    matches!(candidate.verdict, Verdict::Open { .. })
}

fn open(offer: &Offer) -> Answer {
    let since = offer.since().map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    let message = match &since {
        Some(since) => format!("{} {} is open since {since}", offer.update().variant, offer.version()),
        None => format!("{} {} is open", offer.update().variant, offer.version()),
    };
    let data = json!({
        "offer": object(offer.update()),
        "version": offer.version(),
        "from": offer.from(),
        "release": offer.release(),
        "since": since,
    });
    Answer::done(message, data)
}

fn line(candidate: &Candidate) -> String {
    let update = &candidate.update;
    let name = format!("{} {} {}", update.variant, update.arch, update.version);
    match &candidate.verdict {
        Verdict::Open { .. } => format!("{name}: open"),
        Verdict::No(refusal) => format!("{name}: {} ({refusal})", refusal.reason),
    }
}

fn candidate(candidate: &Candidate) -> Value {
    let update = &candidate.update;
    let (reason, detail, until) = match &candidate.verdict {
        Verdict::Open { .. } => (None, None, None),
        Verdict::No(refusal) => (Some(refusal.reason), Some(&refusal.detail), refusal.until),
    };
    json!({
        "variant": update.variant,
        "arch": update.arch,
        "version": update.version,
        "release": candidate.release(),
        "open": reason.is_none(),
        "reason": reason,
        "detail": detail,
        "until": until,
    })
}
