//! Brings the trusted metadata up to date, and fetches targets through it.

use bytes::{Bytes, BytesMut};
use trust_core::{Find, Freshness, Limits, Reply, Request, Role, Session, Target};
use url::Url;

use crate::error::Error;
use crate::mirrors::Mirrors;
use crate::store::Store;
use crate::transport::Transport;

/// Refreshes the metadata: root, timestamp, snapshot, targets.
///
/// Each role is kept in the store as soon as it is trusted, so that a run cut anywhere never trusts less than before.
/// A mirror that does not answer, or whose answer the rules refuse, costs the way to the next one. The time comes
/// from [`trust_core::now`]; `shipped_root` is the root of the running image.
///
/// # Errors
/// That of the first mirror, when none will do; an untrusted answer is told before a missing one.
pub async fn refresh(
    transport: &Transport,
    store: &Store,
    mirrors: &Mirrors,
    shipped_root: &[u8],
    fresh: Freshness,
) -> Result<Trusted, Error> {
    let session = Session::begin(store.recall_found(shipped_root)?, fresh, Limits::default())?;
    let mut trusted = Trusted { session, store: store.clone(), mirrors: mirrors.clone(), best: 0 };
    while let Some(request) = trusted.session.next_request() {
        if request.role == Role::Targets && trusted.stored_will_do(&request)? {
            continue;
        }
        trusted.answer(transport, &request).await?;
    }
    for note in trusted.session.notes() {
        tracing::warn!(role = %note.role, error = %note.why, "stored metadata was passed over");
    }
    Ok(trusted)
}

/// Metadata that is trusted for this run, and the way to its targets.
#[derive(Debug)]
pub struct Trusted {
    session: Session,
    store: Store,
    mirrors: Mirrors,
    /// The mirror that did last: one that is down costs its tries once, not with every file.
    best: usize,
}

impl Trusted {
    /// The rules and what they hold: versions, expiries, names.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Versions and expiries of the top-level roles.
    pub fn roles(&self) -> Option<trust_core::Trusted> {
        self.session.trusted()
    }

    /// Where the targets can be had, best first.
    pub fn targets_urls(&self) -> impl Iterator<Item = &Url> {
        self.mirrors.iter_from(self.best).map(|(_, mirror)| mirror.targets())
    }

    /// Looks a target up; fetches delegated roles when the way leads through them.
    pub async fn target(&mut self, transport: &Transport, name: &str) -> Result<Target, Error> {
        loop {
            match self.session.find(name)? {
                Find::Found(target) => return Ok(*target),
                Find::NotListed => return Err(Error::NotListed { name: name.to_owned() }),
                Find::Ask(request) => {
                    if !self.stored_will_do(&request)? {
                        self.answer(transport, &request).await?;
                    }
                }
            }
        }
    }

    /// A whole target of at most `max_length` bytes; length and digest are right before it is returned.
    pub async fn target_bytes(
        &mut self,
        transport: &Transport,
        name: &str,
        max_length: u64,
    ) -> Result<Bytes, Error> {
        let target = self.short_target(transport, name, max_length).await?;
        self.fetch(transport, &target).await
    }

    /// [`Trusted::target_bytes`] of one that every look reads: it is kept beside the metadata, in place of the one before,
    /// and not fetched again while the same bytes are signed. One that cannot be kept is fetched the next time, too. What the
    /// targets role says of it is kept as well, so that the next look need not read that role.
    pub async fn kept_target_bytes(
        &mut self,
        transport: &Transport,
        name: &str,
        max_length: u64,
    ) -> Result<Bytes, Error> {
        let target = self.short_target(transport, name, max_length).await?;
        let bytes = if let Some(bytes) = self.store.kept(&target) {
            bytes.into()
        } else {
            let bytes = self.fetch(transport, &target).await?;
            if let Err(error) = self.store.keep_target(&bytes) {
                tracing::warn!(%error, name, "a target is not kept");
            }
            bytes
        };
        if let Some(finding) = self.session.finding(name)
            && let Err(error) = self.store.keep_finding(&finding)
        {
            tracing::warn!(%error, name, "what was found of a target is not kept");
        }
        Ok(bytes)
    }

    async fn short_target(
        &mut self,
        transport: &Transport,
        name: &str,
        max_length: u64,
    ) -> Result<Target, Error> {
        let target = self.target(transport, name).await?;
        if target.length > max_length {
            let length = target.length;
            return Err(Error::TargetTooLong { name: name.to_owned(), limit: max_length, length });
        }
        Ok(target)
    }

    async fn fetch(&mut self, transport: &Transport, target: &Target) -> Result<Bytes, Error> {
        let mut worst = None;
        for (number, mirror) in self.mirrors.iter_from(self.best) {
            match whole(transport, mirror.targets(), target).await {
                Ok(bytes) => {
                    self.best = number;
                    return Ok(bytes);
                }
                Err(error) => fall_over(&mut worst, error)?,
            }
        }
        Err(worst.unwrap_or_else(|| Error::NotListed { name: target.name.clone() }))
    }

    /// Answers one request with what is stored; whether that did.
    fn stored_will_do(&mut self, request: &Request) -> Result<bool, Error> {
        let Some(bytes) = self.store.read(&request.role) else { return Ok(false) };
        self.session.receive(Reply::Stored(bytes))?;
        Ok(self.session.next_request().as_ref() != Some(request))
    }

    /// Answers one request from the first mirror whose answer the rules accept, and keeps what they say.
    async fn answer(&mut self, transport: &Transport, request: &Request) -> Result<(), Error> {
        let mut worst = None;
        for (number, mirror) in self.mirrors.iter_from(self.best) {
            let came = transport.metadata(mirror.metadata(), &request.path, request.max_length).await;
            let came = match came {
                // The end of the chain, at a mirror that answers so for what is not there.
                Err(error) if request.role == Role::Root && error.may_mean_absent() => Ok(None),
                came => came,
            };
            let judged = came.and_then(|bytes| {
                let reply = bytes.map_or(Reply::NotFound, |bytes| Reply::Bytes(bytes.into()));
                Ok(self.session.receive(reply)?)
            });
            match judged {
                Ok(changes) => {
                    self.best = number;
                    return self.store.apply(&changes);
                }
                Err(error) => fall_over(&mut worst, error)?,
            }
        }
        Err(worst.unwrap_or(Error::Trust(trust_core::Error::Unasked)))
    }
}

/// Remembers the worst error of the mirrors so far; an error that no mirror can help ends the round.
fn fall_over(worst: &mut Option<Error>, error: Error) -> Result<(), Error> {
    if !error.another_mirror_may_help() {
        return Err(error);
    }
    tracing::warn!(%error, "mirror failed");
    if worst.as_ref().is_none_or(|before| before.classify() < error.classify()) {
        *worst = Some(error);
    }
    Ok(())
}

async fn whole(transport: &Transport, base: &Url, target: &Target) -> Result<Bytes, Error> {
    let mut body = transport.whole(base, &target.path, target.length).await?;
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    target.check(&bytes)?;
    Ok(bytes.freeze())
}
