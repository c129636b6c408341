//! What targets roles list, compared by digest: a name that stays can get other bytes.

use std::collections::{BTreeMap, BTreeSet};

use release::manifest::{Difference, Manifest, TARGET_NAME};
use serde_json::{Value, json};
use tough::schema::Targets;

use crate::document::Document;
use crate::draft::Draft;
use crate::metadata::Online;
use crate::unsigned::Papers;

/// The SHA-256 of each target by its name, for each role by its name; "": the targets role itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing(BTreeMap<String, BTreeMap<String, String>>);

impl Listing {
    /// Of what hosts see, or will see.
    pub fn of(online: &Online) -> Self {
        Self::of_roles(&online.targets, &online.delegated)
    }

    /// Of a draft, and of what the roles that it leads to have signed.
    pub fn of_draft(draft: &Draft, papers: &Papers) -> Self {
        let top = draft.targets.iter().map(|(name, blob)| (name.clone(), blob.sha256.to_string())).collect();
        let delegated = papers.led_to_by(&crate::delegate::meant(draft, papers));
        let mut all = delegated_roles(&delegated);
        all.insert(String::new(), top);
        Self(all)
    }

    /// Of what was signed last.
    pub fn signed(papers: &Papers) -> Self {
        let Some(targets) = papers.targets.as_ref().filter(|targets| targets.signatures() > 0) else {
            return Self::default();
        };
        Self::of_roles(targets, &papers.led_to(targets.role()))
    }

    fn of_roles(targets: &Document<Targets>, delegated: &BTreeMap<String, Document<Targets>>) -> Self {
        let mut all = delegated_roles(delegated);
        all.insert(String::new(), digests(targets));
        Self(all)
    }

    /// What is listed otherwise than `before`. What comes and goes with one of `manifests` stands in their differences.
    pub fn differences(&self, before: &Self, manifests: [&Manifest; 2]) -> Vec<Difference> {
        let mut told: BTreeSet<String> = manifests.into_iter().flat_map(named_by).collect();
        told.insert(TARGET_NAME.to_owned());
        let none = BTreeMap::new();
        let roles: BTreeSet<&String> = self.0.keys().chain(before.0.keys()).collect();
        let mut found = Vec::new();
        for role in roles {
            let (old, new) = (before.0.get(role).unwrap_or(&none), self.0.get(role).unwrap_or(&none));
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let both = [old.get(name), new.get(name)];
                let what = match both {
                    [Some(was), Some(is)] if was != is && (!role.is_empty() || name != TARGET_NAME) => {
                        format!("other bytes, SHA-256 {is} (before: {was})")
                    }
                    [None, Some(_)] if !role.is_empty() || !told.contains(name) => "added".to_owned(),
                    [Some(_), None] if !role.is_empty() || !told.contains(name) => "removed".to_owned(),
                    _ => continue,
                };
                let of = title(role, name);
                let text = format!("target {of}: {what}");
                let both = both.map(|digest| digest.map_or(Value::Null, |digest| json!(digest)));
                found.push(Difference::of_target(of, both, text));
            }
        }
        found
    }
}

/// `mig`, or `tools.tar of role tools`.
pub(crate) fn title(role: &str, name: &str) -> String {
    if role.is_empty() { name.to_owned() } else { format!("{name} of role {role}") }
}

/// Every target that a manifest names.
pub(crate) fn named_by(manifest: &Manifest) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    manifest.missing_targets(|name| {
        names.insert(name.to_owned());
        true
    });
    names
}

fn delegated_roles(
    documents: &BTreeMap<String, Document<Targets>>,
) -> BTreeMap<String, BTreeMap<String, String>> {
    documents.iter().map(|(role, document)| (role.clone(), digests(document))).collect()
}

/// The digest of each target of a role.
pub(crate) fn digests(document: &Document<Targets>) -> BTreeMap<String, String> {
    let targets = document.role().targets.iter();
    targets.map(|(name, target)| (name.raw().to_owned(), hex::encode(&target.hashes.sha256))).collect()
}
