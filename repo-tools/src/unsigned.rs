//! What has to be signed: the next root, then targets, snapshot and timestamp, each naming the bytes of the one before.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::num::NonZeroU64;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tough::TargetName;
use tough::schema::{Delegations, Role as ToughRole, Root, Snapshot, Target, Targets, Timestamp};

use crate::ceremony::NextRoot;
use crate::delegated;
use crate::document::{Document, listed_id, signed_at, wrong_key};
use crate::error::{Error, Result};
use crate::keys::Signer;
use crate::publish::AHEAD;
use crate::role::Role;
use crate::signed::Signed;
use crate::time::{self, Terms};
use crate::versions::Versions;

/// The documents that lie in the working folder, whole or not.
#[derive(Debug, Clone, Default)]
pub struct Papers {
    /// Every signed root, 1 first.
    pub roots: Vec<Document<Root>>,
    /// The root being edited or signed.
    pub next_root: Option<NextRoot>,
    /// The newest targets.
    pub targets: Option<Document<Targets>>,
    /// The newest snapshot.
    pub snapshot: Option<Document<Snapshot>>,
    /// The newest documents of roles that others sign for, by their names; also of those that nobody leads to any more.
    pub delegated: BTreeMap<String, Document<Targets>>,
    /// The newest timestamp.
    pub timestamp: Option<Document<Timestamp>>,
    /// What hosts can have seen: those bytes never change.
    pub shown: Versions,
}

impl Papers {
    /// The documents of the roles that `top` leads to, as far as they are there.
    pub(crate) fn led_to(&self, top: &Targets) -> BTreeMap<String, Document<Targets>> {
        top.delegations.as_ref().map(|top| self.led_to_by(top)).unwrap_or_default()
    }

    /// The same of what is not signed yet.
    pub(crate) fn led_to_by(&self, top: &Delegations) -> BTreeMap<String, Document<Targets>> {
        let Ok(found) = delegated::walk(Some(top), |_, role| {
            Ok::<_, Infallible>(self.delegated.get(&role.name).cloned())
        });
        found
    }
}

/// How to sign.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// The time now.
    pub now: DateTime<Utc>,
    /// How long the documents are good for.
    pub terms: Terms,
    /// Make this role's document anew, though nothing calls for it; those below follow.
    pub renew: Option<Role>,
    /// Which keys must have signed when keys are rotated.
    pub rotation: Rotation,
}

/// How a rotation of targets, snapshot or timestamp keys is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// By the old and the new keys, so that hosts can read the repository at every moment.
    OldAndNew,
    /// By the new keys alone, because the old ones are lost: `publish` refuses unless it is told to accept the gap.
    NewOnly,
}

/// A closed draft: its contents are fixed, signatures are missing.
#[derive(Debug, Clone)]
pub struct Unsigned {
    papers: Papers,
    targets: BTreeMap<String, Target>,
    delegations: Option<Delegations>,
    order: Order,
}

/// What a run of signing came to.
#[derive(Debug)]
pub enum Signing {
    /// All is signed.
    Complete(Box<Signed>),
    /// Somebody else has to sign too.
    Waiting(Box<Unsigned>, Vec<Missing>),
}

/// Signatures that are missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The role.
    pub role: Role,
    /// The version of the root whose keys are meant.
    pub under_root: u64,
    /// How many more are needed.
    pub signatures: u64,
    /// The keys that could give them.
    pub keys: Vec<String>,
}

impl Unsigned {
    /// `delegations`: to whom targets leave what; `None`: as they were signed before.
    pub(crate) fn new(
        papers: Papers,
        targets: BTreeMap<String, Target>,
        delegations: Option<Delegations>,
        order: Order,
    ) -> Self {
        Self { papers, targets, delegations, order }
    }

    /// The documents as they are now, to be kept between two runs.
    pub fn papers(&self) -> &Papers {
        &self.papers
    }

    /// Signs everything that these keys may sign, in order; each document is made when the one it names is complete.
    pub async fn sign(mut self, signers: &[Signer]) -> Result<Signing> {
        self.refuse_strangers(signers)?;
        let missing = self.sign_root(signers).await?;
        if !missing.is_empty() {
            return Ok(self.waiting(missing));
        }
        self.papers.targets = Some(self.current_targets()?);
        let missing = self.sign_role(signers, Role::Targets).await?;
        if !missing.is_empty() {
            return Ok(self.waiting(missing));
        }
        // Hosts could not read what is left to a role that is not signed, so nothing lists it.
        self.papers.snapshot = Some(self.current_snapshot()?);
        let missing = self.sign_role(signers, Role::Snapshot).await?;
        if !missing.is_empty() {
            return Ok(self.waiting(missing));
        }
        self.papers.timestamp = Some(self.current_timestamp()?);
        let missing = self.sign_role(signers, Role::Timestamp).await?;
        if !missing.is_empty() {
            return Ok(self.waiting(missing));
        }
        Ok(Signing::Complete(Box::new(Signed::of(self.papers)?)))
    }

    /// Signs the next root and nothing else.
    pub async fn sign_root_alone(mut self, signers: &[Signer]) -> Result<(Papers, Vec<Missing>)> {
        self.refuse_strangers(signers)?;
        let missing = self.sign_root(signers).await?;
        Ok((self.papers, missing))
    }

    fn waiting(self, missing: Vec<Missing>) -> Signing {
        Signing::Waiting(Box::new(self), missing)
    }

    /// A key that no root knows is a wrong file, and is said so before anything is signed.
    fn refuse_strangers(&self, signers: &[Signer]) -> Result<()> {
        let next = self.papers.next_root.as_ref().map(|next| next.document().role());
        let roots: Vec<&Root> = self.required().into_iter().chain(next).collect();
        for signer in signers {
            let known = roots.iter().any(|root| {
                Role::ALL.into_iter().any(|role| listed_id(root, signer, role.of_tough()).is_some())
            });
            if !known {
                return Err(wrong_key(signer, Role::Targets, &roots));
            }
        }
        Ok(())
    }

    /// TUF 6.1: a new root is signed by a threshold of the old root's keys and of its own.
    async fn sign_root(&mut self, signers: &[Signer]) -> Result<Vec<Missing>> {
        let Some(mut next) = self.papers.next_root.take() else { return Ok(Vec::new()) };
        next.check(self.order.now)?;
        let own = next.document().role().clone();
        let old = self.papers.roots.last().map(|root| root.role().clone());
        let holders: Vec<&Root> = old.iter().chain([&own]).collect();
        for signer in signers {
            next.document_mut().sign(signer, &holders).await?;
        }
        let missing = missing(next.document(), Role::Root, &holders);
        if missing.is_empty() {
            self.papers.roots.push(next.into_document());
        } else {
            self.papers.next_root = Some(next);
        }
        Ok(missing)
    }

    async fn sign_role(&mut self, signers: &[Signer], role: Role) -> Result<Vec<Missing>> {
        let required: Vec<Root> = self.required().into_iter().cloned().collect();
        let holders: Vec<&Root> = required.iter().collect();
        match role {
            Role::Targets => sign_document(self.papers.targets.as_mut(), role, signers, &holders).await,
            Role::Snapshot => sign_document(self.papers.snapshot.as_mut(), role, signers, &holders).await,
            Role::Timestamp => sign_document(self.papers.timestamp.as_mut(), role, signers, &holders).await,
            Role::Root => Ok(Vec::new()),
        }
    }

    /// The roots under which hosts will read what is signed now: the one they see, and all that they do not see yet.
    fn required(&self) -> Vec<&Root> {
        required(&self.papers, self.order.rotation)
    }

    /// Whether a document can stay: it is good, or nobody has seen it yet and it only lacks signatures.
    fn keeps<T>(&self, document: &Document<T>, role: Role, shown: u64) -> bool
    where
        T: ToughRole + Serialize + DeserializeOwned + Clone,
    {
        self.order.renew != Some(role)
            && document.expires() > self.order.now
            // Below what hosts have seen nothing can stay.
            && document.version() >= shown
            && (document.version() > shown
                || self.required().iter().all(|root| document.verifies_under(root)))
    }

    fn current_targets(&self) -> Result<Document<Targets>> {
        let mut wanted = HashMap::new();
        for (name, target) in &self.targets {
            let name =
                TargetName::new(name.as_str()).map_err(|_| Error::TargetName { name: name.clone() })?;
            wanted.insert(name, target.clone());
        }
        let newest = self.papers.targets.as_ref();
        let before = newest.and_then(|document| document.role().delegations.as_ref());
        let delegations = self.delegations.as_ref().or(before);
        let delegations = delegations.filter(|delegations| !delegations.roles.is_empty());
        let is_wanted = |document: &&Document<Targets>| {
            document.role().targets == wanted && document.role().delegations.as_ref() == delegations
        };
        if let Some(document) = newest.filter(is_wanted)
            && self.keeps(document, Role::Targets, self.papers.shown.targets)
        {
            return Ok(document.clone());
        }
        let mut targets = Targets::new(
            SPEC_VERSION.into(),
            self.version(newest, self.papers.shown.targets),
            time::expiry(self.order.now, self.order.terms.targets),
        );
        targets.delegations = delegations.cloned();
        targets.targets = wanted;
        Document::unsigned(targets)
    }

    fn current_snapshot(&self) -> Result<Document<Snapshot>> {
        let targets = self.papers.targets.as_ref();
        let newest = self.papers.snapshot.as_ref();
        // TUF 5.5.5: what was listed once is listed for good, also a role that nobody leads to any more.
        let mut meta = newest.map(|snapshot| snapshot.role().meta.clone()).unwrap_or_default();
        if let Some(targets) = targets {
            for (name, document) in delegated::complete(targets.role(), &self.papers.delegated)? {
                meta.insert(delegated::listed_as(&name), document.metafile());
            }
            meta.insert("targets.json".to_owned(), targets.metafile());
        }
        if let Some(document) = newest
            && document.role().meta == meta
            && self.keeps(document, Role::Snapshot, self.papers.shown.snapshot)
        {
            return Ok(document.clone());
        }
        let mut snapshot = Snapshot::new(
            SPEC_VERSION.into(),
            self.version(newest, self.papers.shown.snapshot),
            time::expiry(self.order.now, self.order.terms.snapshot),
        );
        snapshot.meta = meta;
        Document::unsigned(snapshot)
    }

    fn current_timestamp(&self) -> Result<Document<Timestamp>> {
        let snapshot = self.papers.snapshot.as_ref();
        let newest = self.papers.timestamp.as_ref();
        let signed_at = newest.and_then(|newest| signed_at(newest.role()));
        let published = newest.is_some_and(|newest| newest.version() <= self.papers.shown.timestamp);
        // By a clock that was wrong; hosts have not seen it yet.
        let ahead = signed_at.is_some_and(|at| at > time::later(self.order.now, AHEAD));
        if let (Some(document), Some(snapshot)) = (newest, snapshot)
            && (published || !ahead)
            && snapshot.is(document.role().meta.get("snapshot.json"))
            && self.keeps(document, Role::Timestamp, self.papers.shown.timestamp)
        {
            return Ok(document.clone());
        }
        if let Some(signed_at) = signed_at.filter(|at| published && *at > self.order.now) {
            return Err(Error::ClockBehind { now: self.order.now, signed_at });
        }
        let mut timestamp = Timestamp::new(
            SPEC_VERSION.into(),
            self.version(newest, self.papers.shown.timestamp),
            time::expiry(self.order.now, self.order.terms.timestamp),
        );
        timestamp.meta.extend(snapshot.map(|snapshot| ("snapshot.json".to_owned(), snapshot.metafile())));
        // The hosts' time floor (design §7).
        timestamp._extra.insert("signed_at".into(), time::text(self.order.now).into());
        Document::unsigned(timestamp)
    }

    fn version<T>(&self, newest: Option<&Document<T>>, shown: u64) -> NonZeroU64
    where
        T: ToughRole + Serialize + DeserializeOwned + Clone,
    {
        time::next_version(self.order.now, newest.map_or(0, Document::version).max(shown))
    }
}

pub(crate) fn required(papers: &Papers, rotation: Rotation) -> Vec<&Root> {
    let first = match rotation {
        Rotation::OldAndNew => papers.shown.root.max(1),
        Rotation::NewOnly => papers.roots.last().map_or(1, Document::version),
    };
    papers.roots.iter().filter(|root| root.version() >= first).map(Document::role).collect()
}

async fn sign_document<T>(
    document: Option<&mut Document<T>>,
    role: Role,
    signers: &[Signer],
    holders: &[&Root],
) -> Result<Vec<Missing>>
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    let Some(document) = document else { return Ok(Vec::new()) };
    // Complete means finished: one signature more would change bytes that the role above, or a host, knows already.
    if missing(document, role, holders).is_empty() {
        return Ok(Vec::new());
    }
    for signer in signers {
        document.sign(signer, holders).await?;
    }
    Ok(missing(document, role, holders))
}

/// The signatures that a document lacks under each of these roots.
pub(crate) fn missing<T>(document: &Document<T>, role: Role, holders: &[&Root]) -> Vec<Missing>
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    let lacking = holders.iter().filter(|root| document.missing_under(root) > 0);
    lacking
        .map(|root| {
            let signed = document.signed_by(root);
            let listed =
                root.roles.get(&role.of_tough()).map(|keys| keys.keyids.as_slice()).unwrap_or_default();
            Missing {
                role,
                under_root: root.version.get(),
                signatures: document.missing_under(root),
                keys: listed.iter().map(hex::encode).filter(|id| !signed.contains(id)).collect(),
            }
        })
        .collect()
}

pub(crate) const SPEC_VERSION: &str = "1.0.0";
