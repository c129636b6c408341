//! A request, and the checks that make one.

use chrono::{DateTime, Utc};
use release::Digest;
use release::manifest::{self, Manifest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tough::schema::{Role as ToughRole, Root, Signature, Targets};

use super::fault::Fault;
use super::file::{self, Parts};
use super::text::text;
use crate::ceremony::NextRoot;
use crate::document::{Document, Merged};
use crate::error::{Error, Result};
use crate::keys::Signer;
use crate::role::Role;
use crate::unsigned::{Missing, missing};

/// One document that waits for signatures, with all that a signer needs to judge it.
#[derive(Debug, Clone)]
pub struct Request {
    subject: Subject,
    roots: Vec<Document<Root>>,
    signing: usize,
}

/// What is to be signed.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The next root.
    Root(Box<NextRoot>),
    /// Targets.
    Targets(Box<Listing>),
}

/// Targets, and the manifest in them.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The document.
    pub document: Document<Targets>,
    /// The bytes of `manifest.json`, which it names by digest.
    pub manifest: Vec<u8>,
    /// What hosts see until then; `None` when that is nothing, or not at hand.
    pub before: Option<Before>,
}

/// Targets that were signed before.
#[derive(Debug, Clone)]
pub struct Before {
    /// The document.
    pub document: Document<Targets>,
    /// Its manifest.
    pub manifest: Vec<u8>,
}

impl Request {
    /// Asks for signatures on `subject`. `roots` is the whole chain; the last `signing` of them are the ones whose keys
    /// must sign (a root signs itself too).
    pub fn new(subject: Subject, roots: Vec<Document<Root>>, signing: usize) -> Result<Self, Fault> {
        let mut request = Self { subject, roots, signing };
        request.check()?;
        // A signature by a key that has lost its right meanwhile is of no use to anybody, and would look like a forged one.
        let given = request.signatures().to_vec();
        request.unsign()?;
        for signature in given {
            request.take(&signature)?;
        }
        Ok(request)
    }

    /// Reads a request. All of it is checked, but for time: nothing in the file can say other than its bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let Parts { signed, earlier, signing, manifest, targets_before, manifest_before, signatures } =
            file::read(bytes)?;
        let under = signing.len();
        let roots = earlier.into_iter().chain(signing).map(|root| part("root", Document::parse(root)));
        let roots = roots.collect::<Result<Vec<Document<Root>>, Fault>>()?;
        let value = of_canonical(&signed)?;
        let subject = match value.get("_type").and_then(Value::as_str) {
            Some("root") => Subject::Root(Box::new(NextRoot::of(exact(value, &signed)?))),
            Some("targets") => {
                let before = match (targets_before, manifest_before) {
                    (Some(targets), Some(manifest)) => {
                        Some(Before { document: part("targets before", Document::parse(targets))?, manifest })
                    }
                    _ => None,
                };
                let document = exact(value, &signed)?;
                let manifest = manifest.ok_or(Fault::OtherManifest)?;
                Subject::Targets(Box::new(Listing { document, manifest, before }))
            }
            _ => return Err(Fault::NotARequest),
        };
        let mut request = Self::new(subject, roots, under)?;
        for (key, sig) in signatures {
            let key_id = hex::encode(&key);
            match request.take(&Signature { keyid: key.into(), sig: sig.into() })? {
                Merged::Added => {}
                Merged::Known => return Err(Fault::Altered),
                Merged::Wrong => return Err(Fault::WrongSignature { key: key_id }),
                Merged::Stranger => return Err(Fault::Stranger { key: key_id }),
            }
        }
        // The text last: what it is compared with is made of what has been checked.
        if request.encode()? == bytes { Ok(request) } else { Err(Fault::Altered) }
    }

    /// The file.
    pub fn encode(&self) -> Result<Vec<u8>, Fault> {
        let (earlier, signing) = self.roots.split_at(self.roots.len().saturating_sub(self.signing));
        let bytes = |roots: &[Document<Root>]| roots.iter().map(|root| root.bytes().to_vec()).collect();
        let mut parts = Parts {
            signed: self.message()?,
            earlier: bytes(earlier),
            signing: bytes(signing),
            ..Parts::default()
        };
        if let Subject::Targets(listing) = &self.subject {
            parts.manifest = Some(listing.manifest.clone());
            parts.targets_before = listing.before.as_ref().map(|before| before.document.bytes().to_vec());
            parts.manifest_before = listing.before.as_ref().map(|before| before.manifest.clone());
        }
        let signatures = self.signatures().iter();
        parts.signatures = signatures.map(|given| (given.keyid.to_vec(), given.sig.to_vec())).collect();
        Ok(file::write(&text(self)?, &parts))
    }

    /// What is to be signed.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The role.
    pub fn role(&self) -> Role {
        match self.subject {
            Subject::Root(_) => Role::Root,
            Subject::Targets(_) => Role::Targets,
        }
    }

    /// The version that is to be signed.
    pub fn version(&self) -> u64 {
        match &self.subject {
            Subject::Root(next) => next.document().version(),
            Subject::Targets(listing) => listing.document.version(),
        }
    }

    /// The chain of roots, 1 first.
    pub fn roots(&self) -> &[Document<Root>] {
        &self.roots
    }

    /// The roots whose keys must sign.
    pub fn holders(&self) -> Vec<&Root> {
        let (_, signing) = self.roots.split_at(self.roots.len().saturating_sub(self.signing));
        let own = match &self.subject {
            // TUF 6.1: a new root is signed by its own keys too.
            Subject::Root(next) => Some(next.document().role()),
            Subject::Targets(_) => None,
        };
        signing.iter().map(Document::role).chain(own).collect()
    }

    /// The bytes that each key signs.
    pub fn message(&self) -> Result<Vec<u8>, Fault> {
        let message = match &self.subject {
            Subject::Root(next) => next.document().message(),
            Subject::Targets(listing) => listing.document.message(),
        };
        part("bytes to be signed", message)
    }

    /// The text, made of the bytes.
    pub fn text(&self) -> Result<String, Fault> {
        text(self)
    }

    /// The signatures so far; all of them are right.
    pub fn signatures(&self) -> &[Signature] {
        match &self.subject {
            Subject::Root(next) => next.document().given(),
            Subject::Targets(listing) => listing.document.given(),
        }
    }

    /// Who must sign still.
    pub fn missing(&self) -> Vec<Missing> {
        match &self.subject {
            Subject::Root(next) => missing(next.document(), Role::Root, &self.holders()),
            Subject::Targets(listing) => missing(&listing.document, Role::Targets, &self.holders()),
        }
    }

    /// Why it is too late to sign: what is signed now must be good tomorrow.
    pub fn check_time(&self, now: DateTime<Utc>) -> Result<()> {
        match &self.subject {
            Subject::Root(next) => next.check(now),
            Subject::Targets(listing) if listing.document.expires() <= now => {
                Err(Error::ExpiresAtOnce { role: Role::Targets, expires: listing.document.expires() })
            }
            Subject::Targets(_) => Ok(()),
        }
    }

    /// Whether one of the roots in it is this file.
    pub fn check_root(&self, trusted: &Document<Root>) -> Result<(), Fault> {
        let known = self.roots.iter().any(|root| root.bytes() == trusted.bytes());
        if known { Ok(()) } else { Err(Fault::NotYourRoot { version: trusted.version() }) }
    }

    /// Signs; `false` when this key has signed already.
    pub async fn sign(&mut self, signer: &Signer) -> Result<bool> {
        let holders: Vec<Root> = self.holders().into_iter().cloned().collect();
        let holders: Vec<&Root> = holders.iter().collect();
        let listed = |role: Role| {
            holders.iter().any(|root| crate::document::listed_id(root, signer, role.of_tough()).is_some())
        };
        if !listed(self.role()) {
            return Err(crate::document::wrong_key(signer, self.role(), &holders));
        }
        match &mut self.subject {
            Subject::Root(next) => next.document_mut().sign(signer, &holders).await,
            Subject::Targets(listing) => listing.document.sign(signer, &holders).await,
        }
    }

    /// Whether both ask the same of the same people, whoever has signed which.
    pub fn asks_what(&self, other: &Self) -> Result<bool, Fault> {
        let bare = |request: &Self| {
            let mut bare = request.clone();
            bare.unsign()?;
            bare.encode()
        };
        Ok(bare(self)? == bare(other)?)
    }

    /// Takes over the signatures that `other`, which asks the same, has already.
    pub fn join(&mut self, other: &Self) -> Result<(), Fault> {
        other.signatures().iter().try_for_each(|signature| self.take(signature).map(|_| ()))
    }

    fn take(&mut self, signature: &Signature) -> Result<Merged, Fault> {
        let holders: Vec<Root> = self.holders().into_iter().cloned().collect();
        let holders: Vec<&Root> = holders.iter().collect();
        let merged = match &mut self.subject {
            Subject::Root(next) => next.document_mut().merge(signature, &holders),
            Subject::Targets(listing) => listing.document.merge(signature, &holders),
        };
        part("signatures", merged)
    }

    fn unsign(&mut self) -> Result<(), Fault> {
        match &mut self.subject {
            Subject::Root(next) => {
                let root = next.document().role().clone();
                **next = NextRoot::of(part("root", Document::unsigned(root))?);
            }
            Subject::Targets(listing) => {
                let targets = listing.document.role().clone();
                listing.document = part("targets", Document::unsigned(targets))?;
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Fault> {
        let newest = check_roots(&self.roots)?;
        match &self.subject {
            Subject::Root(next) => {
                let (expected, found) = (newest.saturating_add(1), next.document().version());
                if found != expected {
                    return Err(Fault::NotNext { expected, found });
                }
                part("root", next.check_keys())?;
                let signing = usize::from(newest > 0);
                if self.signing == signing { Ok(()) } else { Err(Fault::Altered) }
            }
            Subject::Targets(listing) => {
                if self.signing == 0 || self.signing > self.roots.len() {
                    return Err(Fault::Altered);
                }
                check_listing(listing, &self.roots)
            }
        }
    }
}

/// The whole chain, from root 1; the version of its end.
fn check_roots(roots: &[Document<Root>]) -> Result<u64, Fault> {
    if let Some(first) = roots.first().filter(|first| first.version() != 1) {
        return Err(Fault::NotNext { expected: 1, found: first.version() });
    }
    crate::metadata::check_chain(roots).map_err(|error| Fault::Chain { reason: error.to_string() })?;
    Ok(roots.last().map_or(0, Document::version))
}

fn check_listing(listing: &Listing, roots: &[Document<Root>]) -> Result<(), Fault> {
    if !names_manifest(listing.document.role(), &listing.manifest) {
        return Err(Fault::OtherManifest);
    }
    let manifest = part("manifest", Manifest::parse(&listing.manifest))?;
    // As we write it: another reader could take a name that is there twice for the other one.
    if part("manifest", manifest.encode())? != listing.manifest
        && part("manifest", manifest.encode_pretty())? != listing.manifest
    {
        return Err(Fault::OtherManifest);
    }
    let problems = manifest.check();
    if !problems.is_empty() {
        return Err(Fault::Manifest { problems: problems.iter().map(ToString::to_string).collect() });
    }
    let Some(before) = &listing.before else { return Ok(()) };
    if !roots.iter().any(|root| before.document.verifies_under(root.role())) {
        return Err(Fault::BeforeNotSigned);
    }
    if !names_manifest(before.document.role(), &before.manifest) {
        return Err(Fault::OtherManifest);
    }
    let (expected, found) = (before.document.version(), listing.document.version());
    if found > expected {
        return Ok(());
    }
    Err(Fault::Part {
        part: "targets",
        reason: format!("expected a version above {expected}, found {found}"),
    })
}

fn names_manifest(targets: &Targets, manifest: &[u8]) -> bool {
    targets.targets.iter().any(|(name, target)| {
        name.raw() == manifest::TARGET_NAME
            && u64::try_from(manifest.len()) == Ok(target.length)
            && *target.hashes.sha256 == Digest::of(manifest).bytes()[..]
    })
}

/// Canonical JSON has line breaks in its strings, where JSON has none.
fn of_canonical(bytes: &[u8]) -> Result<Value, Fault> {
    let mut json = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if *byte < 0x20 {
            json.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            json.push(*byte);
        }
    }
    part("bytes to be signed", serde_json::from_slice(&json))
}

/// The document whose bytes to be signed are exactly these.
fn exact<T>(value: Value, signed: &[u8]) -> Result<Document<T>, Fault>
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    const PART: &str = "bytes to be signed";
    let role: T = part(PART, serde_json::from_value(value))?;
    let document = part(PART, Document::unsigned(role))?;
    if part(PART, document.message())? == signed {
        return Ok(document);
    }
    Err(Fault::Part { part: PART, reason: "expected canonical JSON".into() })
}

fn part<T, E: std::fmt::Display>(part: &'static str, result: Result<T, E>) -> Result<T, Fault> {
    result.map_err(|error| Fault::Part { part, reason: error.to_string() })
}
