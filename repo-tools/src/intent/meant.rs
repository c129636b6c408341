//! The third layer: what the file means, checked.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use waves::Policy;

use super::merged::{Merged, MergedRole, Term, margin};
use super::typed::TypedWaves;
use super::{IntentError, keys};
use crate::doctor::Kind;
use crate::keys::KeyName;
use crate::role::Role;
use crate::store::half_scheme;
use crate::time::{self, Terms};

/// What a repository is meant to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// For people; may be empty.
    pub name: String,
    /// Named places to publish to: a folder or a URL of a store.
    pub stores: BTreeMap<String, String>,
    /// Named rollouts.
    pub waves: BTreeMap<String, WaveIntent>,
    /// What doctor finds and nobody wants to hear of.
    pub accepted: BTreeSet<Accepted>,
    keys: Vec<NamedKey>,
    roles: Roles,
}

#[derive(Debug, Clone, PartialEq)]
struct Roles {
    root: RoleIntent,
    targets: RoleIntent,
    snapshot: RoleIntent,
    timestamp: RoleIntent,
}

/// What one role is meant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleIntent {
    /// Who signs; `None`: not said, so not compared.
    pub keys: Option<Vec<NamedKey>>,
    /// How many of them; `None`: not said.
    pub threshold: Option<NonZeroU64>,
    /// How long a new document is good for.
    pub expires: TimeDelta,
    /// How long before its end somebody should know.
    pub margin: TimeDelta,
}

/// A key as it was written in a role, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedKey {
    /// Its name under `[keys]`, or the file or id itself.
    pub name: String,
    /// What it is.
    pub key: KeyRef,
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRef {
    /// By its id, 64 hex digits.
    Id(String),
    /// In a file.
    File(PathBuf),
    /// On a token.
    Elsewhere {
        /// Its URI as written; it holds no secret.
        uri: PathBuf,
        /// What that names.
        name: Box<KeyName>,
    },
}

impl KeyRef {
    /// The file it lies in, where it is one.
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Id(_) | Self::Elsewhere { .. } => None,
        }
    }
}

/// A rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaveIntent {
    /// In a wave file.
    File(PathBuf),
    /// In `repo.toml` itself.
    Inline(Policy),
}

/// A kind of finding, everywhere or in one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Accepted {
    /// The kind.
    pub kind: Kind,
    /// Only in this role.
    pub role: Option<Role>,
}

impl Default for Intent {
    fn default() -> Self {
        let role = |role| RoleIntent {
            keys: None,
            threshold: None,
            expires: Terms::default().of(role),
            margin: margin(role),
        };
        Self {
            name: String::new(),
            stores: BTreeMap::new(),
            waves: BTreeMap::new(),
            accepted: BTreeSet::new(),
            keys: Vec::new(),
            roles: Roles {
                root: role(Role::Root),
                targets: role(Role::Targets),
                snapshot: role(Role::Snapshot),
                timestamp: role(Role::Timestamp),
            },
        }
    }
}

impl Intent {
    pub(super) fn of(merged: Merged, dir: &Path) -> Result<Self, IntentError> {
        let named = named(&merged.keys, dir)?;
        let mut intent = Self { name: merged.name, keys: named, ..Self::default() };
        for (role, said) in &merged.roles {
            *intent.role_mut(*role) = role_of(*role, said, &intent.keys, dir)?;
        }
        let waves = merged.waves.into_iter();
        let waves = waves.map(|(name, said)| wave_of(&name, said, dir).map(|meant| (name, meant)));
        for (name, place) in &merged.stores {
            word("stores", name)?;
            if place.trim().is_empty() {
                return Err(IntentError::value(format!("stores.{name}"), "expected a place, found nothing"));
            }
        }
        intent.waves = waves.collect::<Result<_, _>>()?;
        intent.accepted = merged.accept.iter().map(|said| accepted(said)).collect::<Result<_, _>>()?;
        for (name, place) in merged.stores {
            let place = placed(&name, &place, dir)?;
            intent.stores.insert(name, place);
        }
        Ok(intent)
    }

    /// What a role is meant to be.
    pub fn role(&self, role: Role) -> &RoleIntent {
        match role {
            Role::Root => &self.roles.root,
            Role::Targets => &self.roles.targets,
            Role::Snapshot => &self.roles.snapshot,
            Role::Timestamp => &self.roles.timestamp,
        }
    }

    fn role_mut(&mut self, role: Role) -> &mut RoleIntent {
        match role {
            Role::Root => &mut self.roles.root,
            Role::Targets => &mut self.roles.targets,
            Role::Snapshot => &mut self.roles.snapshot,
            Role::Timestamp => &mut self.roles.timestamp,
        }
    }

    /// Every key that the file names, in `[keys]` or in a role, once.
    pub fn keys(&self) -> Vec<NamedKey> {
        let mut all = self.keys.clone();
        for key in Role::ALL.into_iter().filter_map(|role| self.role(role).keys.as_ref()).flatten() {
            if !all.contains(key) {
                all.push(key.clone());
            }
        }
        all
    }

    /// How long new documents are good for.
    pub fn terms(&self) -> Terms {
        let term = |role| self.role(role).expires;
        Terms {
            root: term(Role::Root),
            targets: term(Role::Targets),
            snapshot: term(Role::Snapshot),
            timestamp: term(Role::Timestamp),
        }
    }

    /// The place of a store by its name; any other text is a place itself.
    pub fn place(&self, typed: &str) -> String {
        self.stores.get(typed).cloned().unwrap_or_else(|| typed.to_owned())
    }

    /// Whether this reads like the name of a store that there is not: a word, no path, where stores have names at all.
    pub fn mistakes(&self, typed: &str) -> bool {
        let is_path = typed.contains('/') || ["", ".", ".."].contains(&typed);
        !self.stores.is_empty()
            && !is_path
            && half_scheme(typed).is_none()
            && !self.stores.contains_key(typed)
    }

    /// The store that was probably meant.
    pub fn nearest_store(&self, typed: &str) -> Option<&str> {
        keys::nearest(typed, self.stores.keys().map(String::as_str))
    }
}

fn named(keys: &BTreeMap<String, String>, dir: &Path) -> Result<Vec<NamedKey>, IntentError> {
    let mut named = Vec::new();
    for (name, said) in keys {
        word("keys", name)?;
        let place = format!("keys.{name}");
        let key = key_ref(&place, said, dir)?.ok_or_else(|| {
            let expected = "expected a public key file, a URI or a key id of 64 hex digits";
            IntentError::value(&place, format!("{expected}, found {said:?}"))
        })?;
        named.push(NamedKey { name: name.clone(), key });
    }
    Ok(named)
}

fn role_of(role: Role, said: &MergedRole, named: &[NamedKey], dir: &Path) -> Result<RoleIntent, IntentError> {
    let key = |part: &str| format!("roles.{role}.{part}");
    let term = |part: &str, term: &Term, parse: &dyn Fn(&str) -> Result<TimeDelta, String>| match term {
        Term::Said(text) => parse(text).map_err(|reason| IntentError::value(key(part), reason)),
        Term::Default(term) => Ok(*term),
    };
    let expires = term("expires", &said.expires, &|text| time::parse_role_term(role, text))?;
    let margin = term("margin", &said.margin, &time::parse_term)?;
    if margin >= expires {
        let detail = format!("expected less than {}, found {}", time::span(expires), time::span(margin));
        return Err(IntentError::value(key("margin"), detail));
    }
    let keys = said.keys.as_ref().map(|keys| resolved(&key("keys"), keys, named, dir)).transpose()?;
    let threshold = match said.threshold {
        None => None,
        Some(number) => Some(
            NonZeroU64::new(number)
                .ok_or_else(|| IntentError::value(key("threshold"), "expected 1 or more, found 0"))?,
        ),
    };
    if let (Some(keys), Some(threshold)) = (&keys, threshold) {
        let found = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        if found < threshold.get() {
            let detail = format!("expected at most {found}, the number of its keys, found {threshold}");
            return Err(IntentError::value(key("threshold"), detail));
        }
    }
    Ok(RoleIntent { keys, threshold, expires, margin })
}

fn resolved(
    place: &str,
    said: &[String],
    named: &[NamedKey],
    dir: &Path,
) -> Result<Vec<NamedKey>, IntentError> {
    let mut keys: Vec<NamedKey> = Vec::new();
    for said in said {
        let found = match named.iter().find(|named| named.name == *said) {
            Some(named) => named.clone(),
            None => key_ref(place, said, dir)?
                .map(|key| NamedKey { name: said.clone(), key })
                .ok_or_else(|| unknown_name(place, said, named))?,
        };
        if keys.iter().any(|key| key.key == found.key) {
            return Err(IntentError::value(place, format!("expected each key once, found {said:?} again")));
        }
        keys.push(found);
    }
    if keys.is_empty() {
        return Err(IntentError::value(place, "expected a key, found none; leave it out to compare nothing"));
    }
    Ok(keys)
}

fn unknown_name(place: &str, said: &str, named: &[NamedKey]) -> IntentError {
    let near = keys::nearest(said, named.iter().map(|named| named.name.as_str()));
    let near = near.map(|near| format!(" (did you mean {near:?}?)")).unwrap_or_default();
    IntentError::value(
        place,
        format!("expected a name from [keys], a public key file, a URI or a key id, found {said:?}{near}"),
    )
}

/// 64 hex digits are an id; what looks like a path is a file. Of a URI no word is repeated before it is understood.
fn key_ref(place: &str, said: &str, dir: &Path) -> Result<Option<KeyRef>, IntentError> {
    if said.len() == 64 && said.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(KeyRef::Id(said.to_ascii_lowercase())));
    }
    let name =
        KeyName::read(Path::new(said)).map_err(|error| IntentError::value(place, error.to_string()))?;
    if !matches!(name, KeyName::File(_)) {
        return Ok(Some(KeyRef::Elsewhere { uri: said.into(), name: Box::new(name.in_dir(dir)) }));
    }
    let is_path = said.contains('/')
        || Path::new(said)
            .extension()
            .is_some_and(|ending| ["pub", "pem", "der", "json"].iter().any(|known| ending == *known));
    Ok(is_path.then(|| KeyRef::File(dir.join(said))))
}

fn wave_of(name: &str, said: TypedWaves, dir: &Path) -> Result<WaveIntent, IntentError> {
    word("waves", name)?;
    let place = format!("waves.{name}");
    match (said.file, said.inline.is_empty()) {
        (Some(file), true) => Ok(WaveIntent::File(dir.join(file))),
        (None, false) => {
            let policy = Policy::parse(&said.inline.to_string()).map_err(|error| {
                let text = match &error {
                    waves::Error::ParsePolicy(source) => source.message().trim().replace('\n', " "),
                    other => other.to_string(),
                };
                IntentError::value(&place, text)
            })?;
            Ok(WaveIntent::Inline(policy))
        }
        (Some(_), false) => Err(IntentError::value(place, "expected a file or waves, found both")),
        (None, true) => Err(IntentError::value(place, "expected a file or waves, found neither")),
    }
}

fn accepted(said: &str) -> Result<Accepted, IntentError> {
    let (kind, role) = said.split_once(':').map_or((said, None), |(kind, role)| (kind, Some(role)));
    let role = role
        .map(str::parse)
        .transpose()
        .map_err(|reason: String| IntentError::value("doctor.accept", reason))?;
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind).ok_or_else(|| {
        let near = keys::nearest(kind, Kind::ALL.into_iter().map(Kind::name));
        let near = near.map(|near| format!(" (did you mean {near:?}?)")).unwrap_or_default();
        IntentError::value("doctor.accept", format!("expected a kind of finding, found {kind:?}{near}"))
    })?;
    Ok(Accepted { kind, role })
}

/// A name that can be typed without quotes and told from a path.
fn word(section: &str, name: &str) -> Result<(), IntentError> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if plain && !name.is_empty() {
        return Ok(());
    }
    Err(IntentError::value(section, format!("expected a name of letters, digits, - and _, found {name:?}")))
}

/// A folder is relative to the file; a URL is what it is.
fn placed(name: &str, place: &str, dir: &Path) -> Result<String, IntentError> {
    if let Some(scheme) = half_scheme(place) {
        let detail = format!("expected a folder or s3://bucket/prefix, found {scheme}: without //");
        return Err(IntentError::value(format!("stores.{name}"), detail));
    }
    let is_url = place.contains("://");
    Ok(if is_url { place.to_owned() } else { dir.join(place).to_string_lossy().into_owned() })
}
