//! Files that nothing names.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tough::schema::{Role as ToughRole, Snapshot, Targets};

use super::{Kind, Report};
use crate::document::Document;
use crate::error::{Error, Result, chain};
use crate::files::{self, Files};
use crate::metadata::{blob_name, read_document, version_in};

/// Adds what only somebody who can list the folder sees: files that nothing names. A target counts as named when any
/// targets role that is still there names it: hosts may be half-way through an older one.
pub fn orphans(files: &dyn Files, dir: &Path, report: &mut Report) -> Result<()> {
    let (metadata, targets) = (dir.join("metadata"), dir.join("targets"));
    let list =
        |path: &Path| files.names(path).map_err(|source| Error::ReadFile { path: path.to_owned(), source });
    let names = list(&metadata)?;
    let roles = listed_roles(files, &metadata, &names, report)?;
    let mut listed_targets = BTreeSet::new();
    for name in &names {
        if roles.iter().any(|role| version_in(name, role).is_some()) {
            let document = read::<Targets>(files, &metadata, name, report)?;
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
    for name in list(&targets)?.into_iter().filter(|name| !listed_targets.contains(name)) {
        report.add(Kind::Orphan, format!("targets/{name} is named by nothing"));
    }
    Ok(())
}

/// The targets roles that any snapshot lists, the top one always among them.
fn listed_roles(
    files: &dyn Files,
    dir: &Path,
    names: &[String],
    report: &mut Report,
) -> Result<BTreeSet<String>> {
    let mut roles = BTreeSet::from(["targets".to_owned()]);
    for name in names.iter().filter(|name| version_in(name, "snapshot").is_some()) {
        let document = read::<Snapshot>(files, dir, name, report)?;
        let listed = document.iter().flat_map(|document| document.role().meta.keys());
        roles.extend(listed.map(|file| file.strip_suffix(".json").unwrap_or(file).to_owned()));
    }
    Ok(roles)
}

/// A document, if it can be parsed; a problem if not.
fn read<T>(files: &dyn Files, dir: &Path, name: &str, report: &mut Report) -> Result<Option<Document<T>>>
where
    T: ToughRole + Serialize + DeserializeOwned + Clone,
{
    match read_document::<T>(files, &dir.join(name)) {
        Err(error @ Error::ParseRole { .. }) => {
            report.add(Kind::Metadata, format!("{name}: {}", chain(&error)));
            Ok(None)
        }
        other => other,
    }
}

fn is_above(name: &str) -> bool {
    name == "timestamp.json" || ["root", "snapshot"].iter().any(|role| version_in(name, role).is_some())
}
