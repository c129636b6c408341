//! What hosts will see otherwise when one working folder becomes another: who may sign, and which documents.

use std::collections::BTreeSet;

use release::manifest::Difference;
use tough::schema::Root;

use crate::against::signed_manifest;
use crate::ceremony::NextRoot;
use crate::error::Result;
use crate::expirations::of_papers;
use crate::folder::Folder;
use crate::listing::Listing;
use crate::role::Role;
use crate::time;
use crate::unsigned::Papers;

/// One line a difference; empty: hosts will see the same. `now` is `None` where there is no working folder yet.
pub fn outlook(now: Option<&Folder>, then: &Folder) -> Result<Vec<String>> {
    let (now, then) = (now.map(Folder::papers).transpose()?.unwrap_or_default(), then.papers()?);
    let mut lines = Vec::new();
    if let Some((version, root)) = newest(&then) {
        let before = newest(&now).map(|(_, root)| root);
        let signers = Role::ALL.into_iter().filter_map(|role| signers(before, root, role));
        lines.extend(signers.map(|line| format!("root {version}: {line}")));
    }
    let before = of_papers(&now);
    for document in of_papers(&then).into_iter().filter(|document| !before.contains(document)) {
        let end = time::text(document.expires);
        lines.push(format!("{} {}, good until {end}", document.role, document.version));
    }
    Ok(lines)
}

/// What the targets that are signed tell hosts otherwise: releases, waves, floors, `max_version`, migrations, and other bytes
/// under a name.
pub fn differences(now: Option<&Folder>, then: &Folder) -> Result<Vec<Difference>> {
    let before = now.map(signed_manifest).transpose()?.flatten().unwrap_or_default();
    let Some(after) = signed_manifest(then)? else { return Ok(Vec::new()) };
    let was = now.map(Folder::papers).transpose()?.as_ref().map(Listing::signed).unwrap_or_default();
    let mut found = after.differences(&before);
    found.extend(Listing::signed(&then.papers()?).differences(&was, [&before, &after]));
    Ok(found)
}

/// The root that is being made, or the newest one that is signed.
fn newest(papers: &Papers) -> Option<(u64, &Root)> {
    let next = papers.next_root.as_ref().map(NextRoot::document);
    next.or(papers.roots.last()).map(|root| (root.version(), root.role()))
}

fn signers(before: Option<&Root>, after: &Root, role: Role) -> Option<String> {
    let of = |root: &Root| {
        let keys = root.roles.get(&role.of_tough())?;
        let ids: BTreeSet<String> = keys.keyids.iter().map(hex::encode).collect();
        Some((keys.threshold.get(), ids))
    };
    let (was, had) = before.and_then(of).unwrap_or_default();
    let (needs, has) = of(after)?;
    if (was, &had) == (needs, &has) {
        return None;
    }
    let come = has.difference(&had).map(|id| format!(" +{id}"));
    let go = had.difference(&has).map(|id| format!(" -{id}"));
    let keys: String = come.chain(go).collect();
    Some(format!("{role} needs {needs} of {} keys{keys}", has.len()))
}
