//! A working folder with keys, small releases, a reader, and the file system whose power can be cut.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use fixtures::crash_fs::{CrashFile, CrashFs};
use release::payload::FrameWriter;
use tempfile::TempDir;
use trust_core::{Expiry, Freshness, Limits, Reply, Session, Stored, Trusted};
use updog_repo::add::{Added, add};
use updog_repo::ceremony::NextRoot;
use updog_repo::files::{Files, Lock, NewFile};
use updog_repo::host_check::{find, follow, target_bytes};
use updog_repo::keys::{KeyKind, Signer, generate};
use updog_repo::publish::{Gap, Published, publish};
use updog_repo::source::{FolderSource, Source};
use updog_repo::time::Terms;
use updog_repo::{Disk, Error, Folder, Metadata, Missing, Order, Role, Rotation, Signed, Signing};

/// A temporary folder with a working folder in it.
pub(crate) struct Yard {
    pub(crate) dir: TempDir,
    pub(crate) folder: Folder,
}

impl Yard {
    /// A working folder whose root 1 has no keys yet.
    pub(crate) fn bare() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("keys")).unwrap();
        let folder =
            Folder::init(Arc::new(Disk), &dir.path().join("repo"), start(), Terms::default()).unwrap();
        Self { dir, folder }
    }

    /// One with a key that may sign everything.
    pub(crate) fn with_key() -> (Self, Signer) {
        let yard = Self::bare();
        let signer = yard.key("all");
        yard.edit_root(|next| {
            next.add_key(&signer.public(), &Role::ALL).unwrap();
        });
        (yard, signer)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn key(&self, name: &str) -> Signer {
        generate(KeyKind::Ed25519, &self.path("keys").join(name)).unwrap().signer
    }

    pub(crate) fn edit_root(&self, edit: impl FnOnce(&mut NextRoot)) {
        let papers = self.folder.papers().unwrap();
        let expires = start() + Terms::default().root;
        let mut next = papers
            .next_root
            .unwrap_or_else(|| NextRoot::after(papers.roots.last().unwrap().role(), expires).unwrap());
        edit(&mut next);
        self.folder.save_next_root(&next).unwrap();
    }

    /// Adds a small release whose images follow from its version.
    pub(crate) fn add(&self, version: &str) -> Added {
        let dir = self.release_folder(version, version);
        add(&self.folder, &dir, &quick(), &mut |_, _, _| {}).unwrap()
    }

    /// Adds a release that deltas from others of this kind help with.
    pub(crate) fn add_similar(&self, version: &str, number: usize) -> Added {
        let dir = self.path(&format!("similar-{version}"));
        crate::delta::write_images(&dir, version, number);
        add(&self.folder, &dir, &quick(), &mut |_, _, _| {}).unwrap()
    }

    pub(crate) fn release_folder(&self, version: &str, contents: &str) -> PathBuf {
        let dir = self.path(&format!("release-{version}-{contents}"));
        write_release(&dir, version, contents);
        dir
    }

    /// Signs as far as these keys reach and keeps the papers.
    pub(crate) fn try_sign(&self, signers: &[&Signer], order: Order) -> Result<Signing, Error> {
        let (papers, draft) = (self.folder.papers()?, self.folder.draft()?);
        let signers: Vec<Signer> = signers.iter().map(|signer| again(signer)).collect();
        let signing = wait(draft.close(&self.folder, papers, order)?.sign(&signers))?;
        match &signing {
            Signing::Complete(signed) => self.folder.save_papers(signed.papers())?,
            Signing::Waiting(unsigned, _) => self.folder.save_papers(unsigned.papers())?,
        }
        Ok(signing)
    }

    pub(crate) fn sign(&self, signers: &[&Signer], now: DateTime<Utc>) -> Signed {
        match self.try_sign(signers, order(now)).unwrap() {
            Signing::Complete(signed) => *signed,
            Signing::Waiting(_, missing) => panic!("still missing: {missing:?}"),
        }
    }

    pub(crate) fn missing(&self, signers: &[&Signer], now: DateTime<Utc>) -> Vec<Missing> {
        match self.try_sign(signers, order(now)).unwrap() {
            Signing::Complete(_) => Vec::new(),
            Signing::Waiting(_, missing) => missing,
        }
    }

    /// Signs, stages, publishes.
    pub(crate) fn publish(&self, signers: &[&Signer], now: DateTime<Utc>, dir: &Path) -> Published {
        let staged = self.sign(signers, now).stage(&self.folder, now).unwrap();
        let published = publish(&Disk, &staged, dir, Gap::Refuse).unwrap();
        self.folder.save_shown(published.metadata.versions()).unwrap();
        published
    }
}

/// The same key, read again: signers are not copied around.
pub(crate) fn again(signer: &Signer) -> Signer {
    Signer::from_file(signer.origin()).unwrap()
}

pub(crate) fn start() -> DateTime<Utc> {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn day(number: i64) -> DateTime<Utc> {
    start() + TimeDelta::days(number)
}

pub(crate) fn order(now: DateTime<Utc>) -> Order {
    Order { now, terms: Terms::default(), renew: None, rotation: Rotation::OldAndNew }
}

pub(crate) fn quick() -> FrameWriter {
    FrameWriter { level: 1, piece_size: 64 << 10, ..FrameWriter::default() }
}

pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

pub(crate) fn write_release(dir: &Path, version: &str, contents: &str) {
    fixtures::release::write(dir, version, contents).unwrap();
}

/// What a host that was shipped with `root` finds: versions, and every target whole.
pub(crate) fn read(files: &dyn Files, dir: &Path, root: &[u8], now: DateTime<Utc>) -> Result<Trusted, Error> {
    let source = FolderSource::new(files, dir);
    let (mut session, trusted) = follow(&source, root.to_vec(), now, Expiry::Enforce)?;
    let names: Vec<String> = session.names().map(str::to_owned).collect();
    for name in names {
        let target = find(&source, &mut session, &name)?.unwrap();
        target_bytes(&source, &target, 1 << 20)?;
    }
    Ok(trusted)
}

/// What a host finds that was here before and kept what it saw.
pub(crate) fn read_again(
    dir: &Path,
    seen: &Metadata,
    now: DateTime<Utc>,
) -> Result<Trusted, trust_core::Error> {
    let online = seen.online.as_ref().unwrap();
    let stored = Stored {
        root: seen.roots.last().unwrap().bytes().to_vec(),
        timestamp: Some(online.timestamp.bytes().to_vec()),
        snapshot: Some(online.snapshot.bytes().to_vec()),
        targets: Some(online.targets.bytes().to_vec()),
        ..Stored::default()
    };
    let source = FolderSource::new(&Disk, dir);
    let fresh = Freshness { now, expiry: Expiry::Enforce };
    let mut session = Session::begin(stored, fresh, Limits::default())?;
    while let Some(request) = session.next_request() {
        let bytes = source.metadata(&request.path, request.max_length).unwrap();
        session.receive(bytes.map_or(Reply::NotFound, Reply::Bytes))?;
    }
    Ok(session.trusted().unwrap())
}

/// Copies a real folder into a file system of its own, everything flushed.
pub(crate) fn load(dir: &Path) -> CrashFs {
    let fs = CrashFs::new();
    fs.make_dir(Path::new("/pub")).unwrap();
    for sub in ["metadata", "targets"] {
        fs.make_dir(&Path::new("/pub").join(sub)).unwrap();
        for name in Disk.names(&dir.join(sub)).unwrap() {
            let mut file = fs.create(&Path::new("/pub").join(sub).join(&name)).unwrap();
            file.write_all(&fs::read(dir.join(sub).join(&name)).unwrap()).unwrap();
        }
    }
    fs.fork()
}

/// [`CrashFs`] behind our edge.
#[derive(Debug)]
pub(crate) struct OnCrashFs(pub(crate) CrashFs);

struct Writing(CrashFile);

impl Files for OnCrashFs {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.make_dir(dir)
    }
    fn open(&self, file: &Path) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.0.read(file)?)))
    }
    fn length(&self, file: &Path) -> io::Result<Option<u64>> {
        self.0.length(file)
    }
    fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.names(dir)
    }
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(Writing(self.0.create(file)?)))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.sync_dir(dir)
    }
    fn remove(&self, file: &Path) -> io::Result<()> {
        self.0.remove(file)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.link(from, to)
    }
    fn lock(&self, _: &Path) -> io::Result<Lock> {
        Ok(Lock::none())
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl NewFile for Writing {
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }
}

/// Signs a targets role whose manifest is `manifest`, whatever it says, and all below it, as a publisher without our
/// checks would; in place of what lies in `dir`.
pub(crate) fn resign(dir: &Path, key: &Path, manifest: &updog_repo::Blob) {
    use tough::editor::signed::SignedRole;
    use tough::schema::{KeyHolder, Role as _};
    let metadata = updog_repo::Metadata::read(&Disk, &dir.join("metadata")).unwrap();
    let online = metadata.online.as_ref().unwrap();
    let holder = KeyHolder::Root(metadata.roots.last().unwrap().role().clone());
    let signer = || -> [Box<dyn tough::key_source::KeySource>; 1] { [Box::new(PemKey(key.to_owned()))] };
    let rng = aws_lc_rs::rand::SystemRandom::new();
    let put = |name: String, bytes: &[u8]| fs::write(dir.join("metadata").join(name), bytes).unwrap();

    let mut targets = online.targets.role().clone();
    let entry = targets.targets.get_mut(&"manifest.json".try_into().unwrap()).unwrap();
    entry.length = manifest.length;
    entry.hashes.sha256 = manifest.sha256.bytes().to_vec().into();
    let targets = wait(SignedRole::new(targets, &holder, &signer(), &rng)).unwrap();
    put(targets.signed().signed.filename(true), targets.buffer());

    let mut snapshot = online.snapshot.role().clone();
    let listed = snapshot.meta.get_mut("targets.json").unwrap();
    listed.length = Some(*targets.length());
    listed.hashes.as_mut().unwrap().sha256 = targets.sha256().to_vec().into();
    let snapshot = wait(SignedRole::new(snapshot, &holder, &signer(), &rng)).unwrap();
    put(snapshot.signed().signed.filename(true), snapshot.buffer());

    let mut timestamp = online.timestamp.role().clone();
    let listed = timestamp.meta.get_mut("snapshot.json").unwrap();
    listed.length = Some(*snapshot.length());
    listed.hashes.as_mut().unwrap().sha256 = snapshot.sha256().to_vec().into();
    let timestamp = wait(SignedRole::new(timestamp, &holder, &signer(), &rng)).unwrap();
    put("timestamp.json".into(), timestamp.buffer());
}

/// Our PEM files as a key source of tough.
#[derive(Debug)]
pub(crate) struct PemKey(pub(crate) PathBuf);

#[async_trait::async_trait]
impl tough::key_source::KeySource for PemKey {
    async fn as_sign(&self) -> Result<Box<dyn tough::sign::Sign>, Box<dyn std::error::Error + Send + Sync>> {
        let pem = pem::parse(fs::read(&self.0)?)?;
        Ok(Box::new(aws_lc_rs::signature::Ed25519KeyPair::from_pkcs8(pem.contents())?))
    }
    async fn write(&self, _: &str, _: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err("a test key is not written".into())
    }
}

/// `UPDOG_PYTHON`, or the one that `cargo xtask setup` makes below the target folder.
pub(crate) fn python() -> PathBuf {
    let made = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python-tuf").join("bin/python");
    let python = std::env::var_os("UPDOG_PYTHON").map_or_else(made, PathBuf::from);
    assert!(python.exists(), "{} is missing: run `cargo xtask setup test`", python.display());
    python
}
