//! The metadata of a source, as the host's rules accept it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use tough::schema::Root;
use trust_core::{Change, Expiry, Freshness, Limits, Request, Session, Stored, Trusted};

use crate::document::Document;
use crate::error::{Error, Result};
use crate::host_check::reply;
use crate::plain::MAX_ROOT;
use crate::source::{Source, decoded, if_there};

/// Everything that was asked for and accepted.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) session: Session,
    pub(super) trusted: Trusted,
    /// Files by name, bytes as received; without those that were known before.
    pub(super) metadata: BTreeMap<String, Vec<u8>>,
}

impl Survey {
    /// Follows the metadata from what is known to its newest, then through every delegation.
    pub(super) fn take(source: &dyn Source, known: Stored, now: DateTime<Utc>) -> Result<Self> {
        let refused = |source| Error::HostCheck { source };
        let fresh = Freshness { now, expiry: Expiry::Enforce };
        let mut session = Session::begin(known, fresh, Limits::default()).map_err(refused)?;
        let mut metadata = BTreeMap::new();
        while let Some(request) = session.next_request() {
            answer(source, &mut session, &request, &mut metadata)?;
        }
        while let Some(request) = session.walk(&BTreeSet::new()).map_err(refused)? {
            answer(source, &mut session, &request, &mut metadata)?;
        }
        let trusted = session.trusted().ok_or(Error::HostCheck { source: trust_core::Error::Unasked })?;
        Ok(Self { session, trusted, metadata })
    }
}

fn answer(
    source: &dyn Source,
    session: &mut Session,
    request: &Request,
    metadata: &mut BTreeMap<String, Vec<u8>>,
) -> Result<()> {
    let changes = session.receive(reply(source, request)?).map_err(|source| Error::HostCheck { source })?;
    for change in changes {
        if let Change::Keep { bytes, .. } = change {
            metadata.insert(decoded(&request.path)?, bytes);
        }
    }
    Ok(())
}

/// Where a copy of the whole root chain begins: the source's first root, which must lead to the one that is trusted; the
/// trusted one itself where the source has no first root any more.
#[derive(Debug)]
pub(crate) struct Anchor {
    pub(crate) start: Document<Root>,
    given: Option<Document<Root>>,
}

impl Anchor {
    pub(crate) fn of(source: &dyn Source, given: Option<Vec<u8>>) -> Result<Self> {
        let given = given.map(|bytes| Document::<Root>::parse_from(bytes, &"--root")).transpose()?;
        let first = source.metadata("1.root.json", MAX_ROOT);
        let first = if given.is_some() { if_there(first)? } else { first? };
        let first =
            first.map(|bytes| Document::<Root>::parse_from(bytes, &"metadata/1.root.json")).transpose()?;
        let start = first.or_else(|| given.clone()).ok_or_else(|| Error::Usage {
            reason: "1.root.json is missing at the source; name a root that you trust with --root".into(),
        })?;
        Ok(Self { start, given })
    }

    /// Whether the chain went through the trusted root.
    pub(crate) fn check(&self, metadata: &BTreeMap<String, Vec<u8>>) -> Result<()> {
        let Some(given) = &self.given else { return Ok(()) };
        let version = given.version();
        let found = if version == self.start.version() {
            Some(self.start.bytes())
        } else {
            metadata.get(&root_name(version)).map(Vec::as_slice)
        };
        if found == Some(given.bytes()) { Ok(()) } else { Err(Error::OtherRoot { version }) }
    }
}

pub(super) fn root_name(version: u64) -> String {
    format!("{version}.root.json")
}
