//! The metadata of a repository as it lies in a folder: the roots, and the three documents that hang together.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tough::schema::{Role as ToughRole, Root, Snapshot, Target, Targets, Timestamp};

use crate::document::Document;
use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::role::Role;
use crate::versions::Versions;

/// The roots in order, and what they sign.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// The roots without a gap, the newest last.
    pub roots: Vec<Document<Root>>,
    /// The three others; absent before the first publish has ended.
    pub online: Option<Online>,
}

/// One consistent state: timestamp names this snapshot, snapshot names these targets.
#[derive(Debug, Clone)]
pub struct Online {
    /// The files.
    pub targets: Document<Targets>,
    /// The consistent list.
    pub snapshot: Document<Snapshot>,
    /// Freshness.
    pub timestamp: Document<Timestamp>,
}

impl Metadata {
    /// Reads a `metadata` folder and checks everything but expiry: each root by the one before and by itself, the
    /// others by the newest root, lengths and digests from timestamp down.
    pub fn read(files: &dyn Files, dir: &Path) -> Result<Self> {
        let roots = read_roots(files, dir)?;
        check_chain(&roots)?;
        let Some(timestamp) = read_document::<Timestamp>(files, &dir.join("timestamp.json"))? else {
            return Ok(Self { roots, online: None });
        };
        let newest = roots.last().ok_or_else(|| Error::NoRoot { path: dir.to_owned() })?.role();
        let listed = timestamp.role().meta.get("snapshot.json");
        let snapshot = read_listed::<Snapshot>(files, dir, listed, "snapshot")?;
        let listed = snapshot.role().meta.get("targets.json");
        let targets = read_listed::<Targets>(files, dir, listed, "targets")?;
        let online = Online { targets, snapshot, timestamp };
        if let Some(role) = online.not_verifying(newest) {
            return Err(Error::NotVerifying { role, root: newest.version.get() });
        }
        Ok(Self { roots, online: Some(online) })
    }

    /// The version of each role; 0 where there is none.
    pub fn versions(&self) -> Versions {
        let online = self.online.as_ref();
        Versions {
            root: self.roots.last().map_or(0, Document::version),
            targets: online.map_or(0, |online| online.targets.version()),
            snapshot: online.map_or(0, |online| online.snapshot.version()),
            timestamp: online.map_or(0, |online| online.timestamp.version()),
        }
    }
}

impl Online {
    /// The first role that a host with this root would not accept.
    pub fn not_verifying(&self, root: &Root) -> Option<Role> {
        if !self.timestamp.verifies_under(root) {
            return Some(Role::Timestamp);
        }
        if !self.snapshot.verifies_under(root) {
            return Some(Role::Snapshot);
        }
        (!self.targets.verifies_under(root)).then_some(Role::Targets)
    }

    /// Every target by its file name, `<sha256>.<name>`.
    pub fn blobs(&self) -> Vec<(String, &Target)> {
        Metadata::blobs_of(&self.targets)
    }
}

impl Metadata {
    /// Every target of a targets role by its file name.
    pub(crate) fn blobs_of(targets: &Document<Targets>) -> Vec<(String, &Target)> {
        let targets = &targets.role().targets;
        let mut blobs: Vec<_> = targets
            .iter()
            .map(|(name, target)| (blob_name(&hex::encode(&target.hashes.sha256), name.resolved()), target))
            .collect();
        blobs.sort_by(|a, b| a.0.cmp(&b.0));
        blobs
    }
}

/// The file name of a target in a consistent snapshot.
pub(crate) fn blob_name(sha256: &str, name: &str) -> String {
    format!("{sha256}.{name}")
}

/// The version in a name such as `7.root.json`.
pub(crate) fn version_in(name: &str, role: &str) -> Option<u64> {
    let number = name.strip_suffix(&format!(".{role}.json"))?;
    // "+7" and "07" parse too, and are no names that a client asks for.
    number.parse::<u64>().ok().filter(|version| *version > 0 && version.to_string() == number)
}

/// TUF 5.3.4: each root is signed by a threshold of the keys before, and of its own.
pub(crate) fn check_chain(roots: &[Document<Root>]) -> Result<()> {
    let mut before: Option<&Document<Root>> = None;
    for root in roots {
        if !root.verifies_under(root.role()) {
            return Err(Error::NotVerifying { role: Role::Root, root: root.version() });
        }
        if let Some(before) = before {
            if root.version() != before.version().saturating_add(1) {
                return Err(Error::RootGap { before: before.version(), found: root.version() });
            }
            if !root.verifies_under(before.role()) {
                return Err(Error::NotVerifying { role: Role::Root, root: before.version() });
            }
        }
        before = Some(root);
    }
    Ok(())
}

/// The longest run of roots that ends with the newest: other tools publish only the newest one.
fn read_roots(files: &dyn Files, dir: &Path) -> Result<Vec<Document<Root>>> {
    let names = files.names(dir).map_err(|source| Error::ReadFile { path: dir.to_owned(), source })?;
    let mut versions: Vec<u64> = names.iter().filter_map(|name| version_in(name, "root")).collect();
    versions.sort_unstable();
    let mut roots = Vec::new();
    for version in versions {
        let path = dir.join(format!("{version}.root.json"));
        let Some(root) = read_document::<Root>(files, &path)? else { continue };
        if root.version() != version {
            return Err(Error::WrongVersion { path, expected: version, found: root.version() });
        }
        roots.push(root);
    }
    Ok(roots)
}

fn read_listed<T>(
    files: &dyn Files,
    dir: &Path,
    listed: Option<&tough::schema::Metafile>,
    role: &'static str,
) -> Result<Document<T>>
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    let meta = listed.ok_or(Error::NotListed { role })?;
    let path = dir.join(format!("{}.{role}.json", meta.version));
    let document: Document<T> =
        read_document(files, &path)?.ok_or_else(|| Error::Absent { path: path.clone() })?;
    if document.is(listed) { Ok(document) } else { Err(Error::NotTheListed { path }) }
}

/// Reads one document; `None` when there is no such file.
pub(crate) fn read_document<T>(files: &dyn Files, path: &Path) -> Result<Option<Document<T>>>
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    let bytes = files::read(files, path, MAX_METADATA)
        .map_err(|source| Error::ReadFile { path: path.to_owned(), source })?;
    bytes.map(Document::parse).transpose()
}

/// The most that our hosts read of a targets role.
const MAX_METADATA: u64 = 16 << 20;
