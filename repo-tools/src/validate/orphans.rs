//! What only somebody sees who can list the folder: files that nothing names, and files that others cannot read.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tough::schema::{Role as ToughRole, Snapshot, Targets};

use super::{Kind, Report};
use crate::document::Document;
use crate::error::{Error, Result, chain};
use crate::files::{self, Files};
use crate::for_hosts;
use crate::metadata::{MAX_METADATA, blob_name, version_in};
use crate::store::{Part, Store};

/// Adds what only somebody who can list the folder sees: files that nothing names. A target counts as named when any
/// targets role that is still there names it: hosts may be half-way through an older one.
pub fn orphans(store: &dyn Store, report: &mut Report) -> Result<()> {
    let list = |part| Ok(store.list(part)?.into_iter().map(|entry| entry.name).collect::<Vec<String>>());
    let names = list(Part::Metadata)?;
    let roles = listed_roles(store, &names, report)?;
    let mut listed_targets = BTreeSet::new();
    for name in &names {
        if roles.iter().any(|role| version_in(name, role).is_some()) {
            let document = read::<Targets>(store, name, report)?;
            let listed = document.iter().flat_map(|document| &document.role().targets);
            for (name, target) in listed {
                let path = match name.resolved().rsplit_once('/') {
                    None => blob_name(&hex::encode(&target.hashes.sha256), name.resolved()),
                    // Of a folder only the first is listed here; what lies in it is not looked at.
                    Some((folder, _)) => folder.split('/').next().unwrap_or(folder).to_owned(),
                };
                listed_targets.insert(path);
            }
        } else if files::is_partial(name) || !is_above(name) {
            report.add(Kind::Orphan, format!("metadata/{name} is named by nothing"));
        }
    }
    let is_named = |name: &String| listed_targets.contains(name.split('/').next().unwrap_or(name));
    for name in list(Part::Targets)?.into_iter().filter(|name| !is_named(name)) {
        report.add(Kind::Orphan, format!("targets/{name} is named by nothing"));
    }
    Ok(())
}

/// Adds what hosts cannot read though it is right: a web server is somebody else on the machine where the folder `dir` is.
pub fn closed(files: &dyn Files, dir: &Path, report: &mut Report) -> Result<()> {
    let closed = for_hosts::closed(files, dir)?;
    if let Some(said) = for_hosts::say_closed(&closed, &dir.display().to_string()) {
        report.add(Kind::Closed, said);
    }
    Ok(())
}

/// The targets roles that any snapshot lists, the top one always among them.
fn listed_roles(store: &dyn Store, names: &[String], report: &mut Report) -> Result<BTreeSet<String>> {
    let mut roles = BTreeSet::from(["targets".to_owned()]);
    for name in names.iter().filter(|name| version_in(name, "snapshot").is_some()) {
        let document = read::<Snapshot>(store, name, report)?;
        let listed = document.iter().flat_map(|document| document.role().meta.keys());
        roles.extend(listed.map(|file| file.strip_suffix(".json").unwrap_or(file).to_owned()));
    }
    Ok(roles)
}

/// A document, if it can be parsed; a problem if not.
fn read<T>(store: &dyn Store, name: &str, report: &mut Report) -> Result<Option<Document<T>>>
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    let found = store.read(Part::Metadata, name, MAX_METADATA)?;
    match found.map(|found| Document::parse_from(found.bytes, &name)).transpose() {
        Err(error @ Error::ParseRole { .. }) => {
            report.add(Kind::Metadata, chain(&error));
            Ok(None)
        }
        other => other,
    }
}

fn is_above(name: &str) -> bool {
    name == "timestamp.json" || ["root", "snapshot"].iter().any(|role| version_in(name, role).is_some())
}
