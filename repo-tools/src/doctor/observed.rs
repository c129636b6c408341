//! The edge of doctor: reads everything that can be read, and keeps what cannot as a finding.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tough::schema::Timestamp;
use tough::schema::key::Key;

use super::{Finding, Kind, private};
use crate::document::Document;
use crate::draft::Draft;
use crate::error::Result;
use crate::folder::Folder;
use crate::intent::{Intent, KeyRef, WaveIntent};
use crate::keys::{KeyName, key_id, public_key};
use crate::made_keys::made_keys;
use crate::metadata::{MAX_METADATA, Metadata, version_in};
use crate::staged::Staged;
use crate::store::{Part, Place};
use crate::unsigned::Papers;
use crate::versions::Versions;

/// A working folder, and what `repo.toml` names beside it, as they are.
#[derive(Debug, Default)]
pub struct Observed {
    /// Everything that is signed or waits for signatures, as far as it can be read.
    pub papers: Papers,
    /// The draft.
    pub draft: Option<Draft>,
    /// What could not be read, or is broken beyond judging.
    pub troubles: Vec<Finding>,
    /// The versions of the files in `root/`, sorted.
    pub root_versions: Vec<u64>,
    /// Every blob that the draft or the signed targets name.
    pub blobs: Vec<BlobSeen>,
    /// timestamp.json of the stage.
    pub staged: Option<Vec<u8>>,
    /// The keys that `repo.toml` or the command line names.
    pub keys: Vec<KeySeen>,
    /// timestamp.json of the stores that can be published to.
    pub live: Vec<Document<Timestamp>>,
}

/// A blob by its file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobSeen {
    /// `<sha256>.<name>`
    pub file: String,
    /// The length that is named.
    pub expected: u64,
    /// Its length; `None` when it is not there.
    pub found: Option<u64>,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySeen {
    /// Its name.
    pub name: String,
    /// Its id, or why it has none.
    pub id: Result<String, Unseen>,
    /// The private key, where its file is on this machine.
    pub private: Option<PrivateSeen>,
}

/// Why a key has no id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// Why.
    pub why: String,
    /// What to do about it.
    pub fix: String,
}

/// The file of a private key; what is in it is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateSeen {
    /// The file.
    pub path: PathBuf,
    /// Its mode.
    pub mode: u32,
    /// Whether it lies in the working folder.
    pub inside: bool,
}

impl Observed {
    /// Looks at everything; `extra` are private keys given by hand. No key is used: of a file the mode counts, and whether
    /// it is one, of a token what it shows to everybody.
    pub fn look(folder: &Folder, intent: &Intent, extra: &[PathBuf]) -> Self {
        let mut seen = Self::default();
        seen.look_at_papers(folder);
        match folder.draft() {
            Ok(draft) => seen.draft = Some(draft),
            Err(error) => seen.unreadable(&error),
        }
        seen.look_at_blobs(folder);
        match Staged::lying(folder) {
            Ok(staged) => seen.staged = staged,
            Err(error) => seen.unreadable(&error),
        }
        let named = intent.keys();
        seen.keys.extend(named.iter().map(|named| key_seen(&named.name, &named.key, folder.dir())));
        seen.keys.extend(extra.iter().map(|file| private_key(file, folder.dir())));
        seen.look_for_keys(folder, intent, extra);
        seen.look_at_waves(intent);
        for (name, place) in &intent.stores {
            seen.look_at_store(folder, name, place);
        }
        seen
    }

    /// The newest timestamp, of the working folder or published.
    pub(super) fn newest_timestamp(&self) -> Option<&Document<Timestamp>> {
        self.papers.timestamp.iter().chain(&self.live).max_by_key(|timestamp| timestamp.version())
    }

    /// The ids of the keys that have a name.
    pub(super) fn ids(&self) -> BTreeMap<String, String> {
        let known = self.keys.iter().filter_map(|key| Some((key.name.clone(), key.id.clone().ok()?)));
        known.collect()
    }

    /// The name of a key, and the first digits of its id.
    pub(super) fn name_of(&self, id: &str) -> String {
        let short = id.get(..8).unwrap_or(id);
        let named = self.keys.iter().find(|key| key.id.as_ref().is_ok_and(|known| known == id));
        named.map_or_else(|| short.to_owned(), |key| format!("{} {short}", key.name))
    }

    fn look_at_papers(&mut self, folder: &Folder) {
        let dir = folder.dir().join("root");
        let names = folder.files().names(&dir).unwrap_or_default();
        self.root_versions = names.iter().filter_map(|name| version_in(name, "root")).collect();
        self.root_versions.sort_unstable();
        let shown = folder.shown().unwrap_or_else(|error| {
            self.unreadable(&error);
            Versions::default()
        });
        let roots = folder.roots_to(shown.root).unwrap_or_else(|error| {
            self.troubles.push(Finding::new(
                Kind::RootChain,
                crate::error::chain(&error),
                "bring the roots back from version control or from what is published",
            ));
            Vec::new()
        });
        self.papers = folder.papers_under(roots.clone(), shown).unwrap_or_else(|error| {
            self.unreadable(&error);
            Papers { roots, ..Papers::default() }
        });
    }

    /// Keys that nobody has named: in the working folder, beside named ones, and where `key new` has made some for it.
    fn look_for_keys(&mut self, folder: &Folder, intent: &Intent, extra: &[PathBuf]) {
        let made = made_keys(folder).unwrap_or_else(|error| {
            self.unreadable(&error);
            Vec::new()
        });
        let named: Vec<PathBuf> = intent.keys().iter().filter_map(|named| named.key.file()).collect();
        let named = named.iter().chain(extra).chain(&made).map(PathBuf::as_path);
        let beside = private::beside(named.filter(|path| path.is_file()));
        for paths in [private::inside(folder.dir()), made.clone(), beside] {
            private::add(&mut self.keys, paths, folder.dir());
        }
    }

    fn look_at_blobs(&mut self, folder: &Folder) {
        let mut named: BTreeMap<String, u64> = BTreeMap::new();
        let draft = self.draft.iter().flat_map(|draft| &draft.targets);
        named.extend(draft.map(|(name, blob)| (blob.file_name(name), blob.length)));
        if let Some(targets) = &self.papers.targets {
            let delegated = self.papers.led_to(targets.role());
            let blobs = delegated.values().chain([targets]).flat_map(Metadata::blobs_of);
            named.extend(blobs.map(|(name, target)| (name, target.length)));
        }
        let files = folder.files();
        for (file, expected) in named {
            match files.length(&folder.blobs_dir().join(&file)) {
                Ok(found) => self.blobs.push(BlobSeen { file, expected, found }),
                Err(source) => {
                    let path = folder.blobs_dir().join(&file);
                    self.unreadable(&crate::Error::ReadFile { path, source });
                }
            }
        }
    }

    /// The timestamp that hosts read there. A damaged one is what validate is for.
    fn look_at_store(&mut self, folder: &Folder, name: &str, place: &str) {
        // Of an http(s) URL there is no writing to: expirations looks at those.
        let Ok(place) = place.parse::<Place>() else { return };
        let files = folder.files();
        let store = place.open(files.as_ref(), 1);
        match store.and_then(|store| store.read(Part::Metadata, "timestamp.json", MAX_METADATA)) {
            Ok(found) => self.live.extend(found.and_then(|found| Document::parse(found.bytes).ok())),
            Err(_) if matches!(place, Place::Folder(_)) => {}
            Err(error) => {
                let fix = error.hint().unwrap_or_else(|| "set the AWS_ variables".to_owned());
                let what = format!("stores.{name}: {}", crate::error::chain(&error));
                self.troubles.push(Finding::new(Kind::Unreadable, what, fix));
            }
        }
    }

    fn look_at_waves(&mut self, intent: &Intent) {
        let files = intent.waves.iter().filter_map(|(name, waves)| match waves {
            WaveIntent::File(path) => Some((name, path)),
            WaveIntent::Inline(_) => None,
        });
        for (name, path) in files {
            if let Err(error) = crate::schedule::read_policy(name, path) {
                self.troubles.push(Finding::new(
                    Kind::Intent,
                    format!("waves.{name}: {}", crate::error::chain(&error)),
                    format!("write {}, or change [waves.{name}] in repo.toml", path.display()),
                ));
            }
        }
    }

    fn unreadable(&mut self, error: &crate::Error) {
        let fix = "bring the file back from version control";
        self.troubles.push(Finding::new(Kind::Unreadable, crate::error::chain(error), fix));
    }
}

fn key_seen(name: &str, key: &KeyRef, repo: &Path) -> KeySeen {
    let name = name.to_owned();
    match key {
        KeyRef::Id(id) => KeySeen { name, id: Ok(id.clone()), private: None },
        KeyRef::File(path) => {
            // `key new` writes FILE and FILE.pub; where the pair is on one machine, the private half is looked at.
            let pair =
                path.extension().is_some_and(|ending| ending == "pub").then(|| path.with_extension(""));
            let private = pair.and_then(|path| private::seen(&path, repo));
            KeySeen { name, id: id_of(public_key(path), FILE_FIX), private }
        }
        KeyRef::Elsewhere { uri, name: key } => {
            KeySeen { name, id: id_of(key.see_public(uri), TOKEN_FIX), private: None }
        }
    }
}

fn private_key(path: &Path, repo: &Path) -> KeySeen {
    let mut seen = KeySeen { name: path.display().to_string(), id: Ok(String::new()), private: None };
    match KeyName::parse(path) {
        Ok(KeyName::File(path)) => {
            seen.private = private::seen(&path, repo);
            if seen.private.is_none() {
                seen.id = Err(Unseen { why: "there is no such file".to_owned(), fix: FILE_FIX.to_owned() });
            }
        }
        Ok(key) => seen.id = id_of(key.see_public(path), TOKEN_FIX),
        // A URI that was not understood may hold a PIN.
        Err(error) => {
            return KeySeen { name: "of --key".to_owned(), id: id_of(Err(error), TOKEN_FIX), ..seen };
        }
    }
    seen
}

fn id_of(key: Result<Key>, fix: &str) -> Result<String, Unseen> {
    let id = key.and_then(|key| key_id(&key));
    id.map(hex::encode).map_err(|error| Unseen {
        why: crate::error::chain(&error),
        fix: error.hint().unwrap_or_else(|| fix.to_owned()),
    })
}

const FILE_FIX: &str = "put the public key there, or change [keys] in repo.toml";
const TOKEN_FIX: &str = "connect the token, or name the public key's file or id in repo.toml instead";
