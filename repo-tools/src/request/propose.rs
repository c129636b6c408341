//! Requests for what waits in a working folder. Pure.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::fault::{Fault, Refused};
use super::subject::{Before, Listing, Request, Subject};
use crate::error::{Error, Result};
use crate::role::Role;
use crate::unsigned::{Papers, Rotation, required};

/// Asks the old and the new root keys to sign the next root.
pub fn for_root(papers: Papers, now: DateTime<Utc>) -> Result<Request> {
    let next = papers.next_root.ok_or(Error::NoNextRoot)?;
    next.check(now)?;
    let signing = usize::from(!papers.roots.is_empty());
    Request::new(Subject::Root(Box::new(next)), papers.roots, signing).map_err(here)
}

/// Asks for signatures on the targets that lie in the papers.
pub fn for_targets(
    papers: Papers,
    rotation: Rotation,
    manifest: Vec<u8>,
    before: Option<Before>,
) -> Result<Request> {
    let signing = required(&papers, rotation).len();
    let document = papers.targets.ok_or(Error::NotSigned { what: Role::Targets })?;
    let listing = Listing { document, manifest, before };
    Request::new(Subject::Targets(Box::new(listing)), papers.roots, signing).map_err(here)
}

/// What cannot be asked, because the working folder itself is wrong.
fn here(fault: Fault) -> Error {
    Error::Requests { refused: vec![Refused { path: PathBuf::from("the working folder"), fault }] }
}
