//! Looks a published repository over and lists everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};
use release::manifest::Manifest;
use release::{Hasher, Image, Images, ReleaseId, names};
use serde::Serialize;
use trust_core::{Expiry, Session, Target, Trusted};

use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::host_check::{check_image, find, follow, read_manifest};
use crate::metadata::{blob_name, read_document, version_in};
use crate::source::{Source, Streamed};
use crate::time;

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Everything that is wrong; empty: nothing.
    pub problems: Vec<Problem>,
    /// Targets whose every byte was read.
    pub targets: usize,
    /// Bytes of targets.
    pub bytes: u64,
    /// Version and expiry of each role, by name.
    pub roles: BTreeMap<&'static str, RoleReport>,
}

/// Version and expiry of one role.
#[derive(Debug, Clone, Serialize)]
pub struct RoleReport {
    /// Version.
    pub version: u64,
    /// RFC 3339.
    pub expires: String,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its kind.
    pub kind: Kind,
    /// What exactly, a fragment for people.
    pub what: String,
}

/// Kinds of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A host would not accept the metadata.
    Metadata,
    /// A role has expired.
    Expired,
    /// A target's file is not there.
    Missing,
    /// A target's bytes are not those that were signed.
    Differs,
    /// A target name that other clients or servers would read otherwise.
    Name,
    /// The manifest says what hosts cannot follow.
    Manifest,
    /// A file that nothing names.
    Orphan,
}

/// Checks all that a reader can see: from `root` (or the repository's own first root) down to every byte of every
/// target, in bounded memory. Delegated roles are followed where the manifest leads to them, not listed.
pub fn validate(source: &dyn Source, root: Option<Vec<u8>>, now: DateTime<Utc>) -> Result<Report> {
    let mut report = Report::default();
    let own = || source.metadata("1.root.json", MAX_ROOT);
    let Some(root) = root.map_or_else(own, |root| Ok(Some(root)))? else {
        report.add(Kind::Metadata, "1.root.json is missing; name a root that you trust with --root");
        return Ok(report);
    };
    let (mut session, trusted) = match follow(source, root, now, Expiry::Ignore) {
        Ok(followed) => followed,
        Err(error @ Error::HostCheck { .. }) => {
            report.add(Kind::Metadata, chain(&error));
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    report.roles(&trusted, now);
    let whole = report.targets(source, &mut session)?;
    report.manifest(source, &mut session, &whole)?;
    Ok(report)
}

/// Adds what only somebody who can list the folder sees: files that nothing names. A target counts as named when any
/// targets role that is still there names it: hosts may be half-way through an older one.
pub fn orphans(files: &dyn Files, dir: &Path, report: &mut Report) -> Result<()> {
    let (metadata, targets) = (dir.join("metadata"), dir.join("targets"));
    let list =
        |path: &Path| files.names(path).map_err(|source| Error::ReadFile { path: path.to_owned(), source });
    let mut named = BTreeSet::new();
    for name in list(&metadata)? {
        if version_in(&name, "targets").is_some() {
            let document = read_document::<tough::schema::Targets>(files, &metadata.join(&name));
            let document = match document {
                Ok(document) => document,
                Err(error @ Error::ParseRole { .. }) => {
                    report.add(Kind::Metadata, format!("{name}: {}", chain(&error)));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let listed = document.iter().flat_map(|document| &document.role().targets);
            named.extend(
                listed.map(|(name, target)| blob_name(&hex::encode(&target.hashes.sha256), name.resolved())),
            );
        } else if files::is_partial(&name) || !is_metadata(&name) {
            report.add(Kind::Orphan, format!("metadata/{name} is named by nothing"));
        }
    }
    for name in list(&targets)?.into_iter().filter(|name| !named.contains(name)) {
        report.add(Kind::Orphan, format!("targets/{name} is named by nothing"));
    }
    Ok(())
}

impl Report {
    fn add(&mut self, kind: Kind, what: impl Into<String>) {
        self.problems.push(Problem { kind, what: what.into() });
    }

    fn roles(&mut self, trusted: &Trusted, now: DateTime<Utc>) {
        let roles = [
            ("root", trusted.root),
            ("timestamp", trusted.timestamp),
            ("snapshot", trusted.snapshot),
            ("targets", trusted.targets),
        ];
        for (name, state) in roles {
            let expires = time::text(state.expires);
            if state.expires <= now {
                self.add(Kind::Expired, format!("{name} {} expired at {expires}", state.version));
            }
            self.roles.insert(name, RoleReport { version: state.version, expires });
        }
    }

    /// Every byte of every target. Returns the names of those that are right.
    fn targets(&mut self, source: &dyn Source, session: &mut Session) -> Result<BTreeSet<String>> {
        let names: Vec<String> = session.names().map(str::to_owned).collect();
        let mut whole = BTreeSet::new();
        for name in names {
            if let Err(error) = names::check(&name) {
                self.add(Kind::Name, error.to_string());
            }
            let target = match find(source, session, &name) {
                Ok(Some(target)) => target,
                Ok(None) => continue,
                Err(error @ Error::HostCheck { .. }) => {
                    self.add(Kind::Metadata, chain(&error));
                    continue;
                }
                Err(error) => return Err(error),
            };
            if self.target(source, &target)? {
                whole.insert(name);
            }
        }
        Ok(whole)
    }

    fn target(&mut self, source: &dyn Source, target: &Target) -> Result<bool> {
        let (mut hasher, mut length) = (Hasher::new(), 0_u64);
        let streamed = source.target(&target.path, target.length, &mut |part| {
            hasher.update(part);
            length = length.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        })?;
        self.targets += 1;
        self.bytes = self.bytes.saturating_add(length);
        let name = &target.name;
        match streamed {
            Streamed::Missing => self.add(Kind::Missing, format!("{name} is not there")),
            Streamed::Refused(reason) => self.add(Kind::Differs, format!("{name}: {reason}")),
            Streamed::Whole if length > target.length => {
                self.add(Kind::Differs, format!("{name}: expected {} bytes, found more", target.length));
            }
            Streamed::Whole if length < target.length => {
                self.add(Kind::Differs, format!("{name}: expected {} bytes, found {length}", target.length));
            }
            Streamed::Whole => match (target.sha256(), hasher.finish()) {
                (None, _) => self.add(Kind::Differs, format!("{name}: no SHA-256 is signed")),
                (Some(expected), found) if expected != *found.bytes() => {
                    let expected = hex::encode(expected);
                    self.add(Kind::Differs, format!("{name}: expected SHA-256 {expected}, found {found}"));
                }
                (Some(_), _) => return Ok(true),
            },
        }
        Ok(false)
    }

    fn manifest(
        &mut self,
        source: &dyn Source,
        session: &mut Session,
        whole: &BTreeSet<String>,
    ) -> Result<()> {
        let listed: BTreeSet<String> = session.names().map(str::to_owned).collect();
        // A damaged manifest is in the list already; what it says does not count.
        if listed.contains(release::manifest::TARGET_NAME) && !whole.contains(release::manifest::TARGET_NAME)
        {
            return Ok(());
        }
        let manifest = match read_manifest(source, session) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => return Ok(()),
            Err(error @ (Error::Manifest { .. } | Error::HostTarget { .. })) => {
                self.add(Kind::Manifest, chain(&error));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut problems = manifest.check();
        problems.extend(manifest.missing_targets(|name| listed.contains(name)));
        for problem in problems {
            self.add(Kind::Manifest, problem.to_string());
        }
        self.indexes(source, session, &manifest, whole)
    }

    /// Each index fits its frames, and the three of a release make its id.
    fn indexes(
        &mut self,
        source: &dyn Source,
        session: &mut Session,
        manifest: &Manifest,
        whole: &BTreeSet<String>,
    ) -> Result<()> {
        for update in &manifest.updates {
            let Some(ours) = &update.updog else { continue };
            if !ours.index.iter().all(|(_, name)| whole.contains(name)) {
                continue; // in the list already
            }
            let digests = Images::try_from_fn(|image: Image| {
                check_image(source, session, ours.index.get(image), update.images.get(image))
            });
            match digests {
                Ok(digests) if ReleaseId::of(&digests) == ours.release => {}
                Ok(digests) => {
                    let found = ReleaseId::of(&digests);
                    self.add(
                        Kind::Manifest,
                        format!(
                            "{}: expected release id {}, found {found}",
                            crate::title(update),
                            ours.release
                        ),
                    );
                }
                Err(error @ Error::HostTarget { .. }) => self.add(Kind::Manifest, chain(&error)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn is_metadata(name: &str) -> bool {
    name == "timestamp.json"
        || ["root", "snapshot", "targets"].iter().any(|role| version_in(name, role).is_some())
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

const MAX_ROOT: u64 = 1 << 20;
