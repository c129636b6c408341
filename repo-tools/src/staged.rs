//! Complete, checked as a host checks, and seen by nobody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tough::schema::Targets;

use crate::delegated;
use crate::delta;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::folder::Folder;
use crate::host_check::{HostView, host_check};
use crate::known;
use crate::metadata::{Metadata, read_document, version_in};
use crate::publish::write_stage;
use crate::signed::Signed;
use crate::source::FolderSource;
use crate::versions::Versions;

/// The stage: `metadata/` and `targets/` as they will be seen.
#[derive(Debug)]
pub struct Staged {
    files: Arc<dyn Files>,
    dir: PathBuf,
    metadata: Metadata,
    view: HostView,
    checked_at: DateTime<Utc>,
    blobs: PathBuf,
    shown: Versions,
    folder: Folder,
}

impl Signed {
    /// Copies everything into the stage and lets the host's own check loose on the copy.
    pub fn stage(self, folder: &Folder, now: DateTime<Utc>) -> Result<Staged> {
        let (files, dir) = (folder.files(), folder.stage_dir());
        write_stage(files.as_ref(), self.metadata(), &folder.blobs_dir(), &dir)?;
        let staged =
            Staged::open(folder, now)?.ok_or(Error::NotSigned { what: crate::role::Role::Timestamp })?;
        staged.sweep()?;
        Ok(staged)
    }
}

impl Staged {
    /// The stage that lies in the working folder, checked anew; `None` when nothing is staged.
    pub fn open(folder: &Folder, now: DateTime<Utc>) -> Result<Option<Self>> {
        let (files, dir) = (folder.files(), folder.stage_dir());
        let metadata = Metadata::read(files.as_ref(), &dir.join("metadata"))?;
        let (Some(first), Some(online)) = (metadata.roots.first(), &metadata.online) else {
            return Ok(None);
        };
        // What hosts read only when they need it. When it expires is up to its signers, and stops nobody else.
        delegated::complete(online.targets.role(), &online.delegated)?;
        let source = FolderSource::new(files.as_ref(), &dir);
        let view = host_check(&source, first.bytes().to_vec(), now)?;
        if let Some(manifest) = &view.manifest {
            delta::on_stage(files.as_ref(), &dir.join("targets"), online.targets.role(), manifest)?;
        }
        let (blobs, shown, folder) = (folder.blobs_dir(), folder.shown()?, folder.clone());
        Ok(Some(Self { files, dir, metadata, view, checked_at: now, blobs, shown, folder }))
    }

    /// The timestamp that lies in the stage, whole or not: what is staged, without a look at the rest.
    pub(crate) fn lying(folder: &Folder) -> Result<Option<Vec<u8>>> {
        let path = folder.stage_dir().join("metadata/timestamp.json");
        files::read(folder.files().as_ref(), &path, MAX_TIMESTAMP)
            .map_err(|source| Error::ReadFile { path, source })
    }

    /// The metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What a host makes of it.
    pub fn view(&self) -> &HostView {
        &self.view
    }

    /// The time by which it was checked.
    pub fn checked_at(&self) -> DateTime<Utc> {
        self.checked_at
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The versions that its working folder has published.
    pub(crate) fn shown(&self) -> Versions {
        self.shown
    }

    /// Whether its working folder has published these targets, or a working folder that it is a copy of.
    pub(crate) fn knows_targets(&self, document: &Document<Targets>) -> Result<bool> {
        // Of a folder that kept versions alone they must do.
        let by_version = || document.version() <= self.shown.targets;
        Ok(self.folder.known()?.role(known::TARGETS, document.bytes()).unwrap_or_else(by_version))
    }

    /// Whether its working folder has published this document of a delegated role, or has taken it over.
    pub(crate) fn knows_role(&self, role: &str, document: &Document<Targets>) -> Result<bool> {
        Ok(self.folder.known()?.role(role, document.bytes()).unwrap_or(false))
    }

    /// Makes it known for its working folder's own. Before hosts can see it: a run that is cut after its commit is no
    /// stranger to the next.
    pub(crate) fn announce(&self) -> Result<()> {
        match &self.metadata.online {
            Some(online) => self.folder.learn(|known| known.learn_targets(online)),
            None => Ok(()),
        }
    }

    /// Every document of a delegated role that its working folder has had.
    pub(crate) fn known_of_role(&self, role: &str) -> Result<Vec<Document<Targets>>> {
        let names = self.files.names(&self.blobs);
        let names = names.map_err(|source| Error::ReadFile { path: self.blobs.clone(), source })?;
        let end = delegated::kept_end(role);
        let mut known = Vec::new();
        for name in names.iter().filter(|name| name.ends_with(&end) && !files::is_partial(name)) {
            match read_document(self.files.as_ref(), &self.blobs.join(name)) {
                // A target can have such a name too.
                Err(Error::ParseRole { .. }) => {}
                document => known.extend(document?),
            }
        }
        Ok(known)
    }

    pub(crate) fn files(&self) -> &dyn Files {
        self.files.as_ref()
    }

    pub(crate) fn targets_dir(&self) -> PathBuf {
        self.dir.join("targets")
    }

    /// Removes what an earlier stage left, so that the folder can be copied to a server as it is.
    fn sweep(&self) -> Result<()> {
        let Some(online) = &self.metadata.online else { return Ok(()) };
        let blobs = online.blobs();
        let versions = self.metadata.versions();
        let wanted: Vec<String> = ["targets", "snapshot"]
            .iter()
            .zip([versions.targets, versions.snapshot])
            .map(|(role, version)| format!("{version}.{role}.json"))
            .chain(online.delegated_files().map(|(file, ..)| file))
            .collect();
        let targets = self.targets_dir();
        self.remove(&targets, |name| blobs.binary_search_by(|(blob, _)| blob.as_str().cmp(name)).is_err())?;
        self.remove(&self.dir.join("metadata"), |name| {
            let kept = name == "timestamp.json" || version_in(name, "root").is_some();
            !(kept || wanted.iter().any(|wanted| wanted == name))
        })
    }

    fn remove(&self, dir: &Path, unwanted: impl Fn(&str) -> bool) -> Result<()> {
        let names =
            self.files.names(dir).map_err(|source| Error::ReadFile { path: dir.to_owned(), source })?;
        for name in names.iter().filter(|name| unwanted(name)) {
            let path = dir.join(name);
            self.files.remove(&path).map_err(|source| Error::WriteFile { path, source })?;
        }
        Ok(())
    }
}

const MAX_TIMESTAMP: u64 = 1 << 20;
