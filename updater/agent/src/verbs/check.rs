//! `check`: which release this host may have now, or which rule is against it.

use release::manifest::{Manifest, Update};
use serde_json::{Value, json};
use updater_core::explain::{self, Ahead};
use updater_core::records::{Failed, Held};
use updater_core::{Candidate, NoOffer, Offer, Policy, Reason, Verdict, seconds};

use super::looks;
use crate::answer::Answer;
use crate::cli;
use crate::engine::check::Checked;
use crate::{Context, Options, Result};

pub(super) fn run(ctx: &Context<'_>, typed: &cli::Check) -> Result<Answer> {
    let options = Options { whole: typed.explain, ..typed.update.clone().into() };
    let checked = looks::look(ctx, &options)?;
    let mut answer = match checked.offer() {
        Ok(offer) => open(offer),
        Err(none) => closed(none),
    };
    let asked = Asked {
        checked: &checked,
        policy: ctx.policy(&options),
        failed: ctx.state.failed(),
        cancelled: ctx.state.outcome().and_then(|outcome| outcome.cancelled),
    };
    let listed: Vec<&Candidate> =
        checked.candidates().iter().filter(|candidate| typed.explain || is_open(candidate)).collect();
    if typed.explain || typed.all {
        let lines = listed.iter().flat_map(|candidate| asked.lines(candidate, typed.explain));
        answer.message = lines.chain([answer.message]).collect::<Vec<_>>().join("\n");
    }
    if let Some(data) = answer.data.as_object_mut() {
        let listed = listed.iter().map(|candidate| asked.object(candidate, typed.explain));
        data.insert("candidates".to_owned(), listed.collect());
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
    let since = offer.since().map(seconds);
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

/// What the verdicts were made from, to tell of them.
struct Asked<'a> {
    checked: &'a Checked,
    policy: Policy,
    failed: Failed,
    cancelled: Option<Held>,
}

impl Asked<'_> {
    /// One line for a release; explained, a second one where its rollout decides, and one for each rule still ahead.
    fn lines(&self, candidate: &Candidate, explained: bool) -> Vec<String> {
        let update = &candidate.update;
        let name = format!("{} {} {}", update.variant, update.arch, update.version);
        let mut lines = vec![match &candidate.verdict {
            Verdict::Open { .. } => format!("{name}: open"),
            Verdict::No(refusal) => format!("{name}: {} ({refusal})", refusal.reason),
        }];
        let of_its_turn = match &candidate.verdict {
            Verdict::Open { .. } => true,
            Verdict::No(refusal) => matches!(refusal.reason, Reason::Wave | Reason::Soak),
        };
        if explained && of_its_turn {
            lines.extend(explain::place(candidate, self.checked.host()).map(|place| format!("  {place}")));
        }
        if explained && is_open(candidate) {
            let ahead = explain::ahead(candidate, &self.policy, self.cancelled.as_ref(), self.checked.now());
            lines.extend(ahead.into_iter().map(|ahead| match ahead.refusal {
                Some(refusal) => format!("  {} at {}: {refusal}", ahead.reason, ahead.step),
                None => format!("  {} at {}: asked then", ahead.reason, ahead.step),
            }));
        }
        lines
    }

    /// The same for programs.
    fn object(&self, candidate: &Candidate, explained: bool) -> Value {
        let update = &candidate.update;
        let (reason, detail, until) = match &candidate.verdict {
            Verdict::Open { .. } => (None, None, None),
            Verdict::No(refusal) => (Some(refusal.reason), Some(&refusal.detail), refusal.until),
        };
        let mut object = json!({
            "variant": update.variant,
            "arch": update.arch,
            "version": update.version,
            "release": candidate.release(),
            "open": reason.is_none(),
            "reason": reason,
            "detail": detail,
            "until": until,
        });
        if let Some(object) = object.as_object_mut().filter(|_| explained) {
            let facts = explain::facts(candidate, self.checked.host(), &self.policy, &self.failed);
            object.insert("facts".to_owned(), Value::Object(facts));
            if is_open(candidate) {
                let ahead =
                    explain::ahead(candidate, &self.policy, self.cancelled.as_ref(), self.checked.now());
                object.insert("ahead".to_owned(), ahead.iter().map(later).collect());
            }
        }
        object
    }
}

fn later(ahead: &Ahead) -> Value {
    json!({
        "rule": ahead.reason,
        "step": ahead.step,
        "refuses": ahead.refusal.is_some(),
        "detail": ahead.refusal.as_ref().map(|refusal| &refusal.detail),
        "until": ahead.refusal.as_ref().and_then(|refusal| refusal.until),
    })
}
