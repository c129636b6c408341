//! The metadata of a repository as it lies in a folder: the roots, and the three documents that hang together.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tough::schema::{Role as ToughRole, Root, Snapshot, Target, Targets, Timestamp};

use crate::delegated;
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
    /// The roles to which targets leave some names, through all levels.
    pub delegated: BTreeMap<String, Document<Targets>>,
}

impl Metadata {
    /// Reads a `metadata` folder and checks everything but expiry: each root by the one before and by itself, the
    /// others by the newest root, lengths and digests from timestamp down.
    pub fn read(files: &dyn Files, dir: &Path) -> Result<Self> {
        let names = files.names(dir).map_err(|source| Error::ReadFile { path: dir.to_owned(), source })?;
        Self::read_from(&Shelf { dir, names: &names, read: &|name| read_file(files, &dir.join(name)) })
    }

    /// [`Metadata::read`] from any shelf.
    pub(crate) fn read_from(shelf: &Shelf<'_>) -> Result<Self> {
        let metadata = Self::read_under_any(shelf)?;
        match metadata.refused() {
            Some((role, root)) => Err(Error::NotVerifying { role, root }),
            None => Ok(metadata),
        }
    }

    /// [`Metadata::read_from`] that also takes what verifies under a root that is not the newest any more: a
    /// rotation, or its gap, that was overtaken or cut.
    pub(crate) fn read_under_any(shelf: &Shelf<'_>) -> Result<Self> {
        let roots = shelf.roots()?;
        let Some(newest) = roots.last().map(Document::role) else {
            // A timestamp that no root vouches for is worse than none.
            return match shelf.document::<Timestamp>("timestamp.json")? {
                Some(_) => Err(Error::NoRoot { path: shelf.dir.to_owned() }),
                None => Ok(Self { roots, online: None }),
            };
        };
        let Some(online) = shelf.online()? else { return Ok(Self { roots, online: None }) };
        if let Some(role) = online.not_verifying(newest)
            && roots.iter().all(|root| online.not_verifying(root.role()).is_some())
        {
            return Err(Error::NotVerifying { role, root: newest.version.get() });
        }
        Ok(Self { roots, online: Some(online) })
    }

    /// The first role that hosts refuse, and under which root.
    fn refused(&self) -> Option<(Role, u64)> {
        let (online, newest) = (self.online.as_ref()?, self.roots.last()?);
        online.not_verifying(newest.role()).map(|role| (role, newest.version()))
    }

    /// The roots alone, each by the one before and by itself.
    pub(crate) fn read_roots(files: &dyn Files, dir: &Path) -> Result<Vec<Document<Root>>> {
        let names = files.names(dir).map_err(|source| Error::ReadFile { path: dir.to_owned(), source })?;
        Shelf { dir, names: &names, read: &|name| read_file(files, &dir.join(name)) }.roots()
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

    /// Every target of every role by its file name, `<sha256>.<name>`.
    pub fn blobs(&self) -> Vec<(String, &Target)> {
        let delegated = self.delegated.values().flat_map(Metadata::blobs_of);
        let mut blobs: Vec<_> = Metadata::blobs_of(&self.targets).into_iter().chain(delegated).collect();
        blobs.sort_by(|a, b| a.0.cmp(&b.0));
        blobs.dedup_by(|a, b| a.0 == b.0);
        blobs
    }

    /// The files of the delegated roles.
    pub(crate) fn delegated_files(&self) -> impl Iterator<Item = (String, &str, &Document<Targets>)> {
        let file = |name: &str, document: &Document<Targets>| delegated::file_name(name, document.version());
        self.delegated.iter().map(move |(name, document)| (file(name, document), name.as_str(), document))
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
        if let Some(before) = before
            && root.version() != before.version().saturating_add(1)
        {
            return Err(Error::RootGap { before: before.version(), found: root.version() });
        }
        for holder in before.into_iter().chain([root]) {
            if !root.verifies_under(holder.role()) {
                return Err(Error::RootChain {
                    version: root.version(),
                    under: holder.version(),
                    missing: root.missing_under(holder.role()),
                });
            }
        }
        before = Some(root);
    }
    Ok(())
}

/// Metadata files by name, wherever they lie.
pub(crate) struct Shelf<'a> {
    /// Where, for messages.
    pub(crate) dir: &'a Path,
    /// What is there.
    pub(crate) names: &'a [String],
    /// One of them; `None` when it is gone.
    pub(crate) read: &'a dyn Fn(&str) -> Result<Option<Vec<u8>>>,
}

impl Shelf<'_> {
    /// The longest run of roots that ends with the newest, each checked by the one before: other tools publish only
    /// the newest one.
    pub(crate) fn roots(&self) -> Result<Vec<Document<Root>>> {
        let mut versions: Vec<u64> = self.names.iter().filter_map(|name| version_in(name, "root")).collect();
        versions.sort_unstable();
        let mut roots = Vec::new();
        for version in versions {
            let name = format!("{version}.root.json");
            let Some(root) = self.document::<Root>(&name)? else { continue };
            if root.version() != version {
                let path = self.dir.join(name);
                return Err(Error::WrongVersion { path, expected: version, found: root.version() });
            }
            roots.push(root);
        }
        check_chain(&roots)?;
        Ok(roots)
    }

    /// The documents that timestamp.json leads to, by length and digest; whether roots vouch for them is another question.
    pub(crate) fn online(&self) -> Result<Option<Online>> {
        let Some(timestamp) = self.document::<Timestamp>("timestamp.json")? else { return Ok(None) };
        let listed = timestamp.role().meta.get("snapshot.json");
        let snapshot = self.listed::<Snapshot>(listed, "snapshot")?;
        let listed = snapshot.role().meta.get("targets.json");
        let targets = self.listed::<Targets>(listed, "targets")?;
        let delegated = delegated::readable(targets.role(), snapshot.role(), &|name| self.document(name))?;
        Ok(Some(Online { targets, snapshot, timestamp, delegated }))
    }

    fn listed<T>(&self, listed: Option<&tough::schema::Metafile>, role: &'static str) -> Result<Document<T>>
    where
        T: ToughRole + Serialize + DeserializeOwned + Clone,
    {
        let meta = listed.ok_or(Error::NotListed { role })?;
        let name = format!("{}.{role}.json", meta.version);
        let path = || self.dir.join(&name);
        let document: Document<T> = self.document(&name)?.ok_or_else(|| Error::Absent { path: path() })?;
        if document.is(listed) { Ok(document) } else { Err(Error::NotTheListed { path: path() }) }
    }

    /// One of them; `None` when it is gone.
    pub(crate) fn document<T>(&self, name: &str) -> Result<Option<Document<T>>>
    where
        T: ToughRole + Serialize + DeserializeOwned + Clone,
    {
        let place = self.dir.join(name);
        (self.read)(name)?.map(|bytes| Document::parse_from(bytes, &place.display())).transpose()
    }
}

/// Reads one document; `None` when there is no such file.
pub(crate) fn read_document<T>(files: &dyn Files, path: &Path) -> Result<Option<Document<T>>>
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    read_file(files, path)?.map(|bytes| Document::parse_from(bytes, &path.display())).transpose()
}

fn read_file(files: &dyn Files, path: &Path) -> Result<Option<Vec<u8>>> {
    files::read(files, path, MAX_METADATA).map_err(|source| Error::ReadFile { path: path.to_owned(), source })
}

/// The most that our hosts read of a targets role.
pub(crate) const MAX_METADATA: u64 = 16 << 20;
