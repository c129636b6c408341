//! `--bundle`: a repository that somebody carried here, in one file or in a folder, read under the same rules and limits as
//! a mirror. No network is touched, and what was trusted before is not forgotten.

mod carrier;
mod frames;

use std::path::Path;

use release::Images;
use release::manifest::Update;
use trust_client::{Store, Target};
use trust_core::{Find, Freshness, Limits, Reply, Request, Session};

pub(super) use self::carrier::Carrier;
pub(super) use self::frames::BundleFrames;
use super::error::Error;

/// What was carried here, and what is trusted of it.
#[derive(Debug)]
pub(super) struct Bundle {
    carrier: Carrier,
    store: Store,
    session: Session,
}

impl Bundle {
    /// Reads the metadata up to the newest that is here.
    pub(super) fn open(path: &Path, store: &Store, root: &[u8], fresh: Freshness) -> Result<Bundle, Error> {
        let carrier = Carrier::open(path)?;
        let refused = |source| Error::Carried { path: path.to_owned(), source };
        let stored = store.recall(root).map_err(Error::Refresh)?;
        let session =
            Session::begin(stored, fresh, Limits::default()).map_err(|error| refused(error.into()))?;
        let mut bundle = Bundle { carrier, store: store.clone(), session };
        while let Some(request) = bundle.session.next_request() {
            bundle.answer(&request)?;
        }
        Ok(bundle)
    }

    /// Versions and expiries of the top-level roles.
    pub(super) fn roles(&self) -> Option<trust_core::Trusted> {
        self.session.trusted()
    }

    /// What the metadata says about a target.
    pub(super) fn target(&mut self, name: &str) -> Result<Target, Error> {
        let fail = |source| Error::Target { name: name.to_owned(), source };
        loop {
            match self.session.find(name).map_err(|error| fail(error.into()))? {
                Find::Found(target) => return Ok(*target),
                Find::NotListed => {
                    return Err(fail(trust_client::Error::NotListed { name: name.to_owned() }));
                }
                Find::Ask(request) => self.answer(&request)?,
            }
        }
    }

    /// A whole target of at most `max` bytes; its length and digest are right.
    pub(super) fn target_bytes(&mut self, name: &str, max: u64) -> Result<Vec<u8>, Error> {
        let fail = |source| Error::Target { name: name.to_owned(), source };
        let target = self.target(name)?;
        if target.length > max {
            let (limit, length) = (max, target.length);
            return Err(fail(trust_client::Error::TargetTooLong { name: name.to_owned(), limit, length }));
        }
        let bytes = self.carrier.target(&target.path, max)?;
        target.check(&bytes).map_err(|error| fail(error.into()))?;
        Ok(bytes)
    }

    /// Whether the files of a release are here. A bundle holds some releases of those that its manifest lists; the others
    /// cannot be chosen. One without indexes stays, so that the rule against it is told.
    pub(super) fn holds(&mut self, update: &Update) -> bool {
        let Some(ours) = &update.updog else { return true };
        let mut names = ours.index.iter().chain(update.images.iter()).map(|(_, name)| name);
        names.all(|name| self.has(name))
    }

    /// Whether the file of a target is here. What goes wrong here, goes wrong again and is told when the file is chosen.
    pub(super) fn has(&mut self, name: &str) -> bool {
        self.target(name).map_or(true, |target| self.carrier.has_target(&target.path))
    }

    /// Where the frames of these targets are.
    pub(super) fn files(&self, targets: &Images<Option<Target>>) -> BundleFrames<'_> {
        let paths = targets.as_ref().map(|_, target| target.as_ref().map(|target| target.path.clone()));
        BundleFrames { carrier: &self.carrier, paths }
    }

    /// Answers one request of the rules, and keeps what they say.
    fn answer(&mut self, request: &Request) -> Result<(), Error> {
        let bytes = self.carrier.metadata(&request.path, request.max_length)?;
        let reply = bytes.map_or(Reply::NotFound, Reply::Bytes);
        let changes = self
            .session
            .receive(reply)
            .map_err(|error| Error::Carried { path: self.carrier.path().to_owned(), source: error.into() })?;
        self.store.apply(&changes).map_err(Error::Refresh)
    }
}
