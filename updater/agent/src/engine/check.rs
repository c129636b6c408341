//! check: which release this host may have, by what is signed and what the rules say.

use chrono::{DateTime, TimeDelta, Utc};
use release::Digest;
use release::manifest::Manifest;
use updater_core::records::Excerpt;
use updater_core::{Candidate, Host, NoOffer, Offer, candidates, offer};

use super::error::Error;
use super::repository::Repository;
use crate::report::{Event, Step};
use crate::{Context, Options, Result};

/// What a trusted manifest offers this host.
#[derive(Debug)]
pub struct Checked {
    pub(super) repository: Repository,
    host: Host,
    candidates: Vec<Candidate>,
    pub(super) offer: Result<Offer, NoOffer>,
}

/// Refreshes the trusted metadata, reads the manifest and asks the rules. Changes nothing but the trust store.
pub fn check(ctx: &Context<'_>, options: &Options) -> Result<Checked> {
    ctx.reporter
        .event(&Event::Step { step: Step::Check, message: "refreshing the trusted metadata".to_owned() });
    let host = ctx.host()?;
    let mut repository = Repository::open(ctx, options)?;
    let policy = ctx.policy(options);
    let part = if options.whole || policy.names_a_version() { None } else { kept(ctx, &repository, &host) };
    let mut manifest = match part {
        Some(part) => part,
        None => read(ctx, options, &mut repository, &host)?,
    };
    let left_out = repository.keep_held(&mut manifest);
    if left_out > 0 {
        ctx.note(format!("the bundle leaves out the files of {left_out} release(s) that its manifest lists"));
    }
    let candidates = candidates(&manifest, &host, &policy, &ctx.state.failed(), repository.now);
    let offer = offer(&candidates, &host, &policy);
    Ok(Checked { repository, host, candidates, offer })
}

/// What this host needs of the manifest, where it was kept from the same manifest.
fn kept(ctx: &Context<'_>, repository: &Repository, host: &Host) -> Option<Manifest> {
    ctx.state.excerpt()?.manifest(repository.known_manifest()?, host)
}

/// All of it; of the repository's own, what this host needs is kept.
fn read(
    ctx: &Context<'_>,
    options: &Options,
    repository: &mut Repository,
    host: &Host,
) -> Result<Manifest, Error> {
    let bytes = repository.manifest()?;
    let manifest = Manifest::parse(&bytes).map_err(Error::Manifest)?;
    if options.bundle.is_none()
        && let Some(excerpt) = Excerpt::of(Digest::of(&bytes), &manifest, host)
    {
        ctx.state.tolerate(ctx.state.keep_excerpt(&excerpt));
    }
    Ok(manifest)
}

impl Checked {
    /// Every release of the manifest with its verdict, newest first; unless all were asked about, without those that this host
    /// could not have at any time.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The release that is open for this host, or the rule against it.
    pub fn offer(&self) -> Result<&Offer, &NoOffer> {
        self.offer.as_ref()
    }

    /// Who asked.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The time that the rules went by: the clock, or what was signed last.
    pub fn now(&self) -> DateTime<Utc> {
        self.repository.now
    }

    /// How far the clock is behind what was signed last, when that is over a day.
    pub fn clock_behind(&self) -> Option<TimeDelta> {
        self.repository.clock_behind
    }

    /// Versions and expiries of the metadata.
    pub fn roles(&self) -> Option<trust_core::Trusted> {
        self.repository.roles()
    }
}
