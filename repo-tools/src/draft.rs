//! The draft: what the release engineer means. It can be edited; nothing of it is signed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use release::manifest::{self, Difference, Manifest, Update};
use release::{Digest, Images, Version};
use serde::{Deserialize, Serialize};
use tough::schema::{Delegations, Hashes, Target, Targets};

use crate::document::Document;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::host_check::wrong_id;
use crate::listing::Listing;
use crate::metadata::blob_name;
use crate::unsigned::{Order, Papers, Unsigned};

/// The updates, and the targets they are made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// The updates.
    pub manifest: Manifest,
    /// Every target but the manifest itself, by name.
    pub targets: BTreeMap<String, Blob>,
    /// To whom some names are left; `None`: as it was signed before.
    pub delegations: Option<Delegations>,
    /// Releases that were taken out while they stood still or were yanked. One that comes again stands as it stood.
    pub withdrawn: Vec<Update>,
}

/// A target's length and digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// Bytes.
    pub length: u64,
    /// Their digest.
    pub sha256: Digest,
}

impl Blob {
    /// Of bytes at hand.
    pub fn of(bytes: &[u8]) -> Self {
        Self { length: u64::try_from(bytes.len()).unwrap_or(u64::MAX), sha256: Digest::of(bytes) }
    }

    /// The name of its file.
    pub fn file_name(&self, name: &str) -> String {
        blob_name(&self.sha256.to_string(), name)
    }

    pub(crate) fn target(&self) -> Target {
        Target {
            length: self.length,
            hashes: Hashes { sha256: self.sha256.bytes().to_vec().into(), _extra: HashMap::new() },
            custom: HashMap::new(),
            _extra: HashMap::new(),
        }
    }
}

/// Which release a verb means; what is not said must be unambiguous.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// This version.
    pub version: Option<Version>,
    /// This variant.
    pub variant: Option<String>,
    /// This architecture.
    pub arch: Option<String>,
}

impl Draft {
    /// Ends editing: checks the manifest, keeps its bytes as a blob, and says what has to be signed.
    ///
    /// # Errors
    /// All problems of the manifest, when it has any.
    pub fn close(&self, folder: &Folder, papers: Papers, order: Order) -> Result<Unsigned> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(Error::ManifestProblems { problems });
        }
        let bytes = self.manifest_bytes(papers.targets.as_ref().map(Document::role))?;
        let blob = folder.save_blob(manifest::TARGET_NAME, &bytes)?;
        let mut targets = self.signed_targets();
        targets.insert(manifest::TARGET_NAME.to_owned(), blob.target());
        Ok(Unsigned::new(papers, targets, self.delegations.clone(), order))
    }

    /// The manifest as hosts fetch it: without blanks, but as `signed` lists it where only blanks are other, so that nothing
    /// is signed and fetched again for them.
    pub(crate) fn manifest_bytes(&self, signed: Option<&Targets>) -> Result<Vec<u8>> {
        let encode = |source| Error::Manifest { source };
        let listed = signed
            .and_then(|signed| signed.targets.iter().find(|(name, _)| name.raw() == manifest::TARGET_NAME));
        if let Some((_, listed)) = listed
            && let Ok(pretty) = self.manifest.encode_pretty()
            && Blob::of(&pretty).target() == *listed
        {
            return Ok(pretty);
        }
        self.manifest.encode().map_err(encode)
    }

    /// Refuses a manifest that is longer than hosts read; with its line breaks it may be.
    pub(crate) fn fits(&self) -> Result<()> {
        self.manifest.encode().map(drop).map_err(|source| Error::Manifest { source })
    }

    /// What hosts will see otherwise than of `before`.
    pub fn differences(&self, before: &Self) -> Vec<Difference> {
        let mut found = self.manifest.differences(&before.manifest);
        let [was, is] = [before, self].map(|draft| Listing::of_draft(draft, &Papers::default()));
        found.extend(is.differences(&was, [&before.manifest, &self.manifest]));
        found
    }

    /// Everything that is wrong with the manifest, targets that are not there among it.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.manifest.check();
        problems.extend(self.manifest.missing_targets(|name| self.targets.contains_key(name)));
        let problems = problems.iter().map(ToString::to_string);
        problems.chain(self.manifest.updates.iter().filter_map(|update| self.wrong_id(update))).collect()
    }

    /// A target that is not there is a problem of its own.
    fn wrong_id(&self, update: &Update) -> Option<String> {
        let ours = update.updog.as_ref()?;
        let index = Images::try_from_fn(|image| {
            self.targets.get(ours.index.get(image)).map(|blob| blob.sha256).ok_or(())
        });
        wrong_id(update, &index.ok()?)
    }

    /// Whether these targets are what this draft would sign.
    pub fn is_signed_by(&self, targets: &Targets) -> Result<bool> {
        let bytes = self.manifest_bytes(Some(targets))?;
        let mut wanted = self.signed_targets();
        wanted.insert(manifest::TARGET_NAME.to_owned(), Blob::of(&bytes).target());
        let same = |name: &tough::TargetName, target: &Target| wanted.get(name.raw()) == Some(target);
        let signed = targets.delegations.as_ref();
        let delegated = self
            .delegations
            .as_ref()
            .is_none_or(|meant| Some(meant).filter(|meant| !meant.roles.is_empty()) == signed);
        Ok(delegated
            && wanted.len() == targets.targets.len()
            && targets.targets.iter().all(|(name, target)| same(name, target)))
    }

    /// The one update that is meant. Without a version, the newest of its variant and architecture.
    pub fn choose(&self, choice: &Choice) -> Result<usize> {
        let fits = |update: &Update| {
            choice.version.as_ref().is_none_or(|version| *version == update.version)
                && choice.variant.as_ref().is_none_or(|variant| *variant == update.variant)
                && choice.arch.as_ref().is_none_or(|arch| *arch == update.arch)
        };
        let found: Vec<(usize, &Update)> =
            self.manifest.updates.iter().enumerate().filter(|(_, update)| fits(update)).collect();
        let newest = found.iter().max_by(|a, b| a.1.version.cmp(&b.1.version));
        let Some((place, update)) = newest else {
            return Err(Error::Choose { found: self.unknown(choice) });
        };
        let kinds =
            found.iter().filter(|(_, other)| other.variant != update.variant || other.arch != update.arch);
        let others: Vec<String> = kinds.map(|(_, update)| title(update)).collect();
        if others.is_empty() {
            return Ok(*place);
        }
        Err(Error::Choose { found: format!("{} and {} fit", title(update), others.join(", ")) })
    }

    /// Which word of a choice that nothing fits is the wrong one.
    fn unknown(&self, choice: &Choice) -> String {
        let updates = &self.manifest.updates;
        if updates.is_empty() {
            return "the draft has no release".to_owned();
        }
        let unknown = |what: &str, wanted: Option<&String>, known: BTreeSet<&str>| {
            let wanted = wanted.filter(|wanted| !known.contains(wanted.as_str()))?;
            let known: Vec<&str> = known.into_iter().collect();
            Some(format!("the draft has no {what} {wanted:?}, it has {}", known.join(", ")))
        };
        let variants = updates.iter().map(|update| update.variant.as_str()).collect();
        let archs = updates.iter().map(|update| update.arch.as_str()).collect();
        unknown("variant", choice.variant.as_ref(), variants)
            .or_else(|| unknown("architecture", choice.arch.as_ref(), archs))
            .unwrap_or_else(|| match &choice.version {
                Some(version) => format!("the draft has no release {version} for what was named"),
                None => "no release in the draft fits".to_owned(),
            })
    }

    fn signed_targets(&self) -> BTreeMap<String, Target> {
        self.targets.iter().map(|(name, blob)| (name.clone(), blob.target())).collect()
    }
}

/// `tiny x86_64 1.1.0`
pub fn title(update: &Update) -> String {
    format!("{} {} {}", update.variant, update.arch, update.version)
}
