//! The text on top of a request: what changes, who may sign, who must. Made of the bytes, byte for byte the same each time;
//! another word here is another format.

use release::Digest;
use serde_json::{Value, json};
use tough::schema::Root;

use super::changes::{ids, root_changes, threshold};
use super::fault::Fault;
use super::file::TITLE;
use super::files::{file_changes, manifest_changes};
use super::leaves::plain;
use super::subject::{Listing, Request, Subject};
use crate::document::Document;
use crate::names::called;
use crate::role::Role;

pub(super) fn text(request: &Request) -> Result<String, Fault> {
    let mut text = format!(
        "{TITLE}\n\nRead it with \"updog-repo {role} sign FILE --key KEY\", which makes this text anew from the bytes \
         below\nand refuses the file when the text says anything else. Nothing is signed before you agree.\n",
        role = request.role()
    );
    let mut section = |title: &str, lines: &[String]| {
        text.extend(["\n", title, "\n"]);
        for line in lines {
            text.extend(["  ", line, "\n"]);
        }
    };
    let version = request.version();
    match request.subject() {
        Subject::Root(next) => {
            let (old, new) = (request.roots().last().map(Document::role), next.document().role());
            let place = match old {
                Some(old) => format!("Root {version}, to take the place of root {}.", old.version),
                None => format!("Root {version}, the first."),
            };
            section(&place, &[]);
            section("What changes:", &or_nothing(root_changes(old, new)));
            section(&format!("Who may sign under root {version}:"), &table(old, new));
        }
        Subject::Targets(listing) => describe_targets(listing, &mut section),
    }
    section("Who must sign this, all of:", &demands(request));
    let mut digests = vec![format!("bytes to be signed: sha256 {}", Digest::of(&request.message()?))];
    if let Some(root) = request.roots().last() {
        digests.push(format!("root {}: sha256 {}", root.version(), Digest::of(root.bytes())));
    }
    section("To be compared by word of mouth:", &digests);
    Ok(text)
}

fn describe_targets(listing: &Listing, section: &mut impl FnMut(&str, &[String])) {
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    let version = listing.document.version();
    let before = listing.before.as_ref();
    let place = match before {
        Some(before) => {
            format!("Targets {version}, to take the place of targets {}.", before.document.version())
        }
        None => format!("Targets {version}, compared with nothing: all that they hold is listed."),
    };
    section(&place, &[]);
    let old = before.map_or_else(|| json!({}), |before| json(&before.manifest));
    section("What hosts will see:", &or_nothing(manifest_changes(&old, &json(&listing.manifest))));
    let files = file_changes(before.map(|before| before.document.role()), listing.document.role());
    section("What changes in the targets role:", &or_nothing(files));
}

/// Each role: how many of which keys.
fn table(old: Option<&Root>, new: &Root) -> Vec<String> {
    let roots: Vec<&Root> = [Some(new), old].into_iter().flatten().collect();
    let mut lines = Vec::new();
    for role in Role::ALL {
        let ids = ids(new, role);
        lines.push(format!("{role}: {} of {}", threshold(new, role), ids.len()));
        lines.extend(ids.iter().map(|id| format!("  {}", plain(&called(&roots, id)))));
    }
    lines
}

/// Each root whose keys must sign: how many of which keys.
fn demands(request: &Request) -> Vec<String> {
    let holders = request.holders();
    let mut lines = Vec::new();
    for root in &holders {
        let ids = ids(root, request.role());
        lines.push(format!(
            "{} of {}, by root {}:",
            threshold(root, request.role()),
            ids.len(),
            root.version
        ));
        lines.extend(ids.iter().map(|id| format!("  {}", called(&holders, id))));
    }
    lines
}

fn or_nothing(lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() { vec!["nothing".to_owned()] } else { lines }
}
