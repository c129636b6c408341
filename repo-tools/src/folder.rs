//! The working folder of a release engineer. It holds no secret; what lies where is in docs/repository.md.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use release::manifest::Manifest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tough::schema::{Role, Targets};

use crate::ceremony::NextRoot;
use crate::delegated;
use crate::document::Document;
use crate::draft::{Blob, Draft};
use crate::error::{Error, Result};
use crate::files::{self, Files, Lock};
use crate::intent;
use crate::keys::is_private;
use crate::known::State;
use crate::metadata::{check_chain, read_document, version_in};
use crate::signed::Signed;
use crate::time::{self, Terms};
use crate::unsigned::Papers;
use crate::versions::Versions;

/// A working folder on some file system.
#[derive(Debug, Clone)]
pub struct Folder {
    files: Arc<dyn Files>,
    dir: PathBuf,
}

impl Folder {
    /// Sets up a working folder: an empty draft, root 1 without keys, and a `repo.toml` unless there is one.
    pub fn init(files: Arc<dyn Files>, dir: &Path, now: DateTime<Utc>, terms: Terms) -> Result<Self> {
        let folder = Self::prepare(files, dir)?;
        if folder.read(intent::FILE_NAME)?.is_none() {
            folder.write(intent::FILE_NAME, intent::DEFAULT.as_bytes())?;
        }
        folder.save_draft(&Draft::default())?;
        folder.save_next_root(&NextRoot::first(time::later(now, terms.root))?)?;
        // The commit point: without this file it is not a working folder.
        folder.write(STATE, &json(&State::default())?)?;
        Ok(folder)
    }

    /// A folder that will be a working folder once its state is saved.
    pub(crate) fn prepare(files: Arc<dyn Files>, dir: &Path) -> Result<Self> {
        let folder = Self { files, dir: dir.to_owned() };
        if folder.read(STATE)?.is_some() {
            return Err(Error::FolderExists { path: dir.to_owned() });
        }
        for sub in ["root", "draft", "blobs", "signing"] {
            folder.make(sub)?;
        }
        Ok(folder)
    }

    /// Opens a working folder.
    pub fn open(files: Arc<dyn Files>, dir: &Path) -> Result<Self> {
        let folder = Self { files, dir: dir.to_owned() };
        folder.shown()?;
        Ok(folder)
    }

    /// The working folder of which updog-repo.json is there, and may be damaged: for who looks at everything.
    pub(crate) fn as_it_lies(files: Arc<dyn Files>, dir: &Path) -> Result<Self> {
        let folder = Self { files, dir: dir.to_owned() };
        match folder.shown() {
            Ok(_) | Err(Error::ParseState { .. }) => Ok(folder),
            Err(error) => Err(error),
        }
    }

    /// Keeps other updog-repos out while the answer lives, and removes what a cut run left under partial names.
    pub fn lock(&self) -> Result<Lock> {
        let lock =
            self.files.lock(&self.dir).map_err(|source| Error::Busy { path: self.dir.clone(), source })?;
        for sub in WRITTEN {
            files::sweep_partials(self.files.as_ref(), &self.dir.join(sub));
        }
        Ok(lock)
    }

    /// The file system it is on.
    pub fn files(&self) -> Arc<dyn Files> {
        Arc::clone(&self.files)
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The targets, as `<sha256>.<name>`.
    pub fn blobs_dir(&self) -> PathBuf {
        self.dir.join("blobs")
    }

    /// The stage.
    pub fn stage_dir(&self) -> PathBuf {
        self.dir.join("stage")
    }

    /// Where a signed root lies.
    pub fn root_path(&self, version: u64) -> PathBuf {
        self.dir.join("root").join(format!("{version}.root.json"))
    }

    /// The draft.
    pub fn draft(&self) -> Result<Draft> {
        let path = self.dir.join(TARGETS);
        let state = |reason: String| Error::ParseState { path: path.clone(), reason };
        let bytes = self.read(TARGETS)?.ok_or_else(|| Error::Absent { path: path.clone() })?;
        let typed: TypedTargets = serde_json::from_slice(&bytes).map_err(|error| state(error.to_string()))?;
        if typed.format != 1 {
            return Err(state(format!("expected format 1, found {}", typed.format)));
        }
        let manifest = match self.read(MANIFEST)? {
            Some(bytes) => Manifest::parse_pretty(&bytes).map_err(|error| self.damaged(MANIFEST, &error))?,
            None => Manifest::default(),
        };
        let delegations = typed.delegations.map(serde_json::from_value).transpose();
        let delegations = delegations.map_err(|error| state(error.to_string()))?;
        let withdrawn = match self.read(WITHDRAWN)? {
            Some(bytes) => {
                Manifest::parse_pretty(&bytes).map_err(|error| self.damaged(WITHDRAWN, &error))?.updates
            }
            None => Vec::new(),
        };
        Ok(Draft { manifest, targets: typed.targets, delegations, withdrawn })
    }

    /// Keeps the draft; the manifest last, since it is what names the targets.
    pub fn save_draft(&self, draft: &Draft) -> Result<()> {
        let mut delegations =
            draft.delegations.as_ref().map(serde_json::to_value).transpose().map_err(encode)?;
        if let Some(delegations) = &mut delegations {
            // The same draft is the same file.
            delegations.sort_all_objects();
        }
        let typed = TypedTargets { format: 1, targets: draft.targets.clone(), delegations };
        // Before anything is written: a manifest that is too long for hosts is refused here.
        draft.fits()?;
        let manifest = draft.manifest.encode_pretty().map_err(|source| Error::Manifest { source })?;
        let withdrawn = Manifest { updates: draft.withdrawn.clone(), ..Manifest::default() };
        let withdrawn = withdrawn.encode_pretty().map_err(|source| Error::Manifest { source })?;
        // A cut after it leaves a memory of a release that is still there, which says nothing new.
        if !draft.withdrawn.is_empty() || self.read(WITHDRAWN)?.is_some() {
            self.write(WITHDRAWN, &withdrawn)?;
        }
        self.write(TARGETS, &json(&typed)?)?;
        self.write(MANIFEST, &manifest)
    }

    /// The signed roots from 1 on, checked one by the other on each use: one that is lost, renamed or changed is said.
    pub fn roots(&self) -> Result<Vec<Document<tough::schema::Root>>> {
        self.roots_to(self.shown()?.root)
    }

    /// [`Folder::roots`], when root `shown` has been published from here.
    pub(crate) fn roots_to(&self, shown: u64) -> Result<Vec<Document<tough::schema::Root>>> {
        let dir = self.dir.join("root");
        let names = self.files.names(&dir).map_err(|source| Error::ReadFile { path: dir.clone(), source })?;
        let newest = names.iter().filter_map(|name| version_in(name, "root")).max().unwrap_or(0);
        let mut roots = Vec::new();
        for version in 1..=newest.max(shown) {
            let path = self.root_path(version);
            let root: Document<tough::schema::Root> =
                self.paper(&path)?.ok_or(Error::RootLost { path: path.clone() })?;
            if root.version() != version {
                return Err(Error::WrongVersion { path, expected: version, found: root.version() });
            }
            roots.push(root);
        }
        check_chain(&roots)?;
        Ok(roots)
    }

    /// Everything that is signed or waits for signatures.
    pub fn papers(&self) -> Result<Papers> {
        let shown = self.shown()?;
        self.papers_under(self.roots_to(shown.root)?, shown)
    }

    /// The papers beside these roots.
    pub(crate) fn papers_under(
        &self,
        roots: Vec<Document<tough::schema::Root>>,
        shown: Versions,
    ) -> Result<Papers> {
        let next_root = self.read(NEXT_ROOT)?.map(NextRoot::parse).transpose();
        let next_root = next_root.map_err(|error| self.damaged(NEXT_ROOT, &error))?;
        let newest = roots.last().map_or(0, Document::version);
        Ok(Papers {
            // A cut between N.root.json and the removal of the draft leaves the draft of a root that is signed.
            next_root: next_root.filter(|next| next.document().version() > newest),
            roots,
            targets: self.paper(&self.signing("targets"))?,
            snapshot: self.paper(&self.signing("snapshot"))?,
            timestamp: self.paper(&self.signing("timestamp"))?,
            delegated: self.delegated()?,
            shown,
        })
    }

    /// Keeps what a run of signing made.
    pub fn save_papers(&self, papers: &Papers) -> Result<()> {
        for root in &papers.roots {
            let path = self.root_path(root.version());
            if files::read(self.files.as_ref(), &path, MAX).ok().flatten().as_deref() != Some(root.bytes()) {
                files::put_bytes(self.files.as_ref(), &path, root.bytes())
                    .map_err(|source| Error::WriteFile { path, source })?;
            }
        }
        match &papers.next_root {
            Some(next) => self.save_next_root(next)?,
            None => self.drop_next_root()?,
        }
        let documents = [
            ("targets", papers.targets.as_ref().map(Document::bytes)),
            ("snapshot", papers.snapshot.as_ref().map(Document::bytes)),
            ("timestamp", papers.timestamp.as_ref().map(Document::bytes)),
        ];
        for (role, bytes) in documents {
            if let Some(bytes) = bytes {
                self.write(&format!("signing/{role}.json"), bytes)?;
            }
        }
        Ok(())
    }

    /// The newest document of each delegated role; others sign them, and `sign` changes none.
    fn delegated(&self) -> Result<BTreeMap<String, Document<Targets>>> {
        let dir = self.dir.join(DELEGATED);
        let names = self.files.names(&dir).map_err(|source| Error::ReadFile { path: dir.clone(), source })?;
        let mut documents = BTreeMap::new();
        for file in names.iter().filter(|file| !files::is_partial(file)) {
            let Some(quoted) = file.strip_suffix(".json") else { continue };
            let name = percent_decode_str(quoted).decode_utf8_lossy().into_owned();
            if let Some(document) = self.paper(&dir.join(file))? {
                documents.insert(name, document);
            }
        }
        Ok(documents)
    }

    /// Keeps the document of a delegated role, and that it and the one before were known here.
    pub(crate) fn save_delegated(&self, name: &str, document: &Document<Targets>) -> Result<()> {
        let before = self.delegated_bytes(name)?;
        self.keep_delegated(name, document)?;
        // After a cut before this it is here all the same, so nothing of it is taken back.
        self.learn(|known| {
            for bytes in before.as_deref().into_iter().chain([document.bytes()]) {
                known.learn_role(name, bytes);
            }
        })
    }

    /// Keeps the document of a delegated role, and among the blobs each that was ever kept.
    pub(crate) fn keep_delegated(&self, name: &str, document: &Document<Targets>) -> Result<()> {
        self.make(DELEGATED)?;
        let before = self.delegated_bytes(name)?;
        for bytes in before.as_deref().into_iter().chain([document.bytes()]) {
            self.save_blob(&format!("{}.json", delegated::quoted(name)), bytes)?;
        }
        self.write(&delegated_path(name), document.bytes())
    }

    fn delegated_bytes(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.read(&delegated_path(name))
    }

    /// What is completely signed.
    pub fn signed(&self) -> Result<Signed> {
        Signed::of(self.papers()?)
    }

    /// Keeps the root being edited.
    pub fn save_next_root(&self, next: &NextRoot) -> Result<()> {
        self.write(NEXT_ROOT, next.document().bytes())
    }

    fn drop_next_root(&self) -> Result<()> {
        let path = self.dir.join(NEXT_ROOT);
        match self.files.length(&path) {
            Ok(None) => Ok(()),
            Ok(Some(_)) => self.files.remove(&path).map_err(|source| Error::WriteFile { path, source }),
            Err(source) => Err(Error::ReadFile { path, source }),
        }
    }

    /// Keeps a blob that is at hand.
    ///
    /// # Errors
    /// When it holds a private key: what becomes a target is for everybody.
    pub fn save_blob(&self, name: &str, bytes: &[u8]) -> Result<Blob> {
        if is_private(bytes) {
            return Err(Error::PrivateTarget { name: name.to_owned() });
        }
        let blob = Blob::of(bytes);
        let path = self.blobs_dir().join(blob.file_name(name));
        if self.files.length(&path).map_err(|source| Error::ReadFile { path: path.clone(), source })?
            != Some(blob.length)
        {
            files::put_bytes(self.files.as_ref(), &path, bytes)
                .map_err(|source| Error::WriteFile { path, source })?;
        }
        Ok(blob)
    }

    fn signing(&self, role: &str) -> PathBuf {
        self.dir.join("signing").join(format!("{role}.json"))
    }

    /// A signed file of this folder.
    fn paper<T>(&self, path: &Path) -> Result<Option<Document<T>>>
    where
        T: Role + Serialize + DeserializeOwned + Clone,
    {
        read_document(self.files.as_ref(), path).map_err(|error| match error {
            Error::ParseRole { source, .. } => {
                Error::ParseState { path: path.to_owned(), reason: source.to_string() }
            }
            error => error,
        })
    }

    /// A file of this folder alone, which no host and no copy has.
    fn damaged(&self, name: &str, error: &(dyn std::error::Error + 'static)) -> Error {
        Error::ParseState { path: self.dir.join(name), reason: crate::error::chain(error) }
    }

    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.dir.join(name);
        files::read(self.files.as_ref(), &path, MAX).map_err(|source| Error::ReadFile { path, source })
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.dir.join(name);
        files::put_bytes(self.files.as_ref(), &path, bytes)
            .map_err(|source| Error::WriteFile { path, source })
    }

    fn make(&self, sub: &str) -> Result<()> {
        let path = self.dir.join(sub);
        files::ensure_dir(self.files.as_ref(), &path).map_err(|source| Error::WriteFile { path, source })
    }
}

#[derive(Serialize, Deserialize)]
struct TypedTargets {
    format: u64,
    targets: BTreeMap<String, Blob>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delegations: Option<serde_json::Value>,
}

pub(crate) fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(encode)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn encode(source: serde_json::Error) -> Error {
    Error::Encode { what: "working folder", source: Box::new(source) }
}

fn delegated_path(name: &str) -> String {
    format!("{DELEGATED}/{}.json", delegated::quoted(name))
}

/// The file that makes a folder a working folder.
pub(crate) const STATE: &str = "updog-repo.json";
/// The folders that a working folder is made of.
pub(crate) const PARTS: [&str; 5] = ["root", "draft", "blobs", "signing", "stage"];
/// Every folder in which files get partial names.
const WRITTEN: [&str; 8] =
    ["", "root", "draft", "blobs", "signing", DELEGATED, "stage/metadata", "stage/targets"];
const NEXT_ROOT: &str = "root/next.json";
const TARGETS: &str = "draft/targets.json";
const DELEGATED: &str = "signing/delegated";
const WITHDRAWN: &str = "draft/withdrawn.json";
const MANIFEST: &str = "draft/manifest.json";
/// Far above any manifest or targets role that a host reads.
const MAX: u64 = 32 << 20;
