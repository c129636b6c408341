//! What no image may hold, and how its programs must be linked.
//!
//! Every file of the composed root is looked at: no shell, interpreter, package manager or SSH under any name that gives
//! it away, no script, no set-user-ID file; every ELF file a position independent one with a read-only relocation table, a
//! stack that cannot be run and, where that can be seen, stack protection. What a package cannot do better is excepted in
//! the recipe, with the reason; an exception that nothing needs is a finding itself.

mod check;
mod elf;
mod error;
mod except;
mod name;
mod walk;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

pub use check::{Check, ParseCheckError};
pub use error::Error;

use crate::packages::Owners;
use crate::recipe::AuditException;
use walk::{Node, walk};

/// Something that may not be in an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from `/`.
    pub path: String,
    /// The package that brought it.
    pub package: Option<String>,
    /// The rule it breaks.
    pub check: Check,
    /// What was found.
    pub found: String,
}

/// Everything that may not be in the root below `tree`, sorted by path; empty for a good one.
///
/// # Errors
/// A file cannot be read, or an exception cannot be meant.
pub fn audit(tree: &Path, owners: &Owners, exceptions: &[AuditException]) -> Result<Vec<Finding>, Error> {
    let nodes = walk(tree)?;
    let mut findings = Vec::new();
    let mut add = |node: &Node, check, found| {
        let package = owners.of(&node.path).map(str::to_owned);
        findings.push(Finding { path: format!("/{}", node.path), package, check, found });
    };
    let mut needed = Vec::new();
    for node in &nodes {
        for (check, found) in name::problems(node) {
            add(node, check, found);
        }
        let Some(bytes) = node.elf(tree)? else { continue };
        match elf::Facts::read(&bytes) {
            Ok(facts) => {
                for (check, found) in facts.problems(&node.path) {
                    add(node, check, found);
                }
                needed.extend(facts.needed.into_iter().map(|library| (node, library)));
            }
            Err(problem) => add(node, Check::Elf, problem),
        }
    }
    let names: BTreeSet<&str> = nodes.iter().map(Node::name).collect();
    for (node, library) in needed {
        if !names.contains(&*library) {
            add(node, Check::Library, format!("needs {library}, which is not in the root"));
        }
    }
    let mut findings = except::apply(findings, exceptions)?;
    findings.sort();
    Ok(findings)
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { path, package, check, found } = self;
        match package {
            Some(package) => write!(f, "{path} ({package}): {check}: {found}"),
            None => write!(f, "{path}: {check}: {found}"),
        }
    }
}
