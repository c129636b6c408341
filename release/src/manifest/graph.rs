//! Hops between versions as a graph: the way from one to another, circles, dead ends.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::{Hop, Manifest};

/// There is no way between two versions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no migrations lead from {from} to {to}")]
pub struct NoPath {
    /// The version to leave.
    pub from: Version,
    /// The version to reach.
    pub to: Version,
}

impl Manifest {
    /// The target names of the migrations from one version to another, in the order in which they run. Going down they
    /// are those of the way up, in reverse.
    ///
    /// The largest step comes first, as in Bottlerocket. But where that leads nowhere the next smaller one is tried,
    /// so that a way is found whenever there is one; where Bottlerocket finds one, this is the same.
    pub fn find_migrations(&self, from: &Version, to: &Version) -> Result<Vec<&str>, NoPath> {
        let (low, high) = if from <= to { (from, to) } else { (to, from) };
        let hops = upward(&self.migrations, low, high)
            .ok_or_else(|| NoPath { from: from.clone(), to: to.clone() })?;
        let names = hops.into_iter().filter_map(|hop| self.migrations.get(hop)).flatten().map(String::as_str);
        let mut names: Vec<&str> = names.collect();
        if from > to {
            names.reverse();
        }
        Ok(names)
    }
}

type Hops = BTreeMap<Hop, Vec<String>>;

/// Depth first, largest step first, each version once: no more steps than there are hops.
fn upward<'a>(hops: &'a Hops, from: &'a Version, to: &'a Version) -> Option<Vec<&'a Hop>> {
    let mut steps = Graph::of(hops.keys().filter(|hop| hop.from < hop.to && hop.to <= *to));
    let mut path: Vec<&Hop> = Vec::new();
    let mut seen: BTreeSet<&Version> = BTreeSet::new();
    let mut at = from;
    while at != to {
        match steps.take_largest(at) {
            Some(hop) if seen.insert(&hop.to) => path.push(hop),
            Some(_) => {}
            // A dead end: back to where the last step began.
            None => {
                path.pop()?;
            }
        }
        at = path.last().map_or(from, |hop| &hop.to);
    }
    Some(path)
}

/// Hops from which no way leads up to one of these versions.
pub(super) fn dangling<'a>(hops: &'a Hops, versions: &BTreeSet<&'a Version>) -> Vec<&'a Hop> {
    let mut into: BTreeMap<&Version, Vec<&Version>> = BTreeMap::new();
    for hop in hops.keys() {
        let (low, high) = ends(hop);
        into.entry(high).or_default().push(low);
    }
    let mut reach = versions.clone();
    let mut open: Vec<&Version> = versions.iter().copied().collect();
    while let Some(version) = open.pop() {
        for low in into.remove(version).unwrap_or_default() {
            if reach.insert(low) {
                open.push(low);
            }
        }
    }
    hops.keys().filter(|hop| !reach.contains(ends(hop).1)).collect()
}

/// Groups of versions, each of which can be reached from each other of its group, lowest first.
pub(super) fn circles(hops: &Hops) -> Vec<Vec<Version>> {
    let forward = || hops.keys().map(|hop| (&hop.from, &hop.to));
    let backward = || hops.keys().map(|hop| (&hop.to, &hop.from));
    // Kosaraju: in reverse order of finishing, what can be reached backward is the group.
    let mut seen = BTreeSet::new();
    let mut finished = Vec::new();
    let mut steps = Edges::of(forward());
    for (version, _) in forward() {
        steps.walk(version, &mut seen, &mut finished);
    }
    let mut seen = BTreeSet::new();
    let mut steps = Edges::of(backward());
    let mut groups = Vec::new();
    for version in finished.into_iter().rev() {
        let mut group = Vec::new();
        steps.walk(version, &mut seen, &mut group);
        if group.len() > 1 {
            group.sort_unstable();
            groups.push(group.into_iter().cloned().collect::<Vec<_>>());
        }
    }
    groups.sort_unstable();
    groups
}

fn ends(hop: &Hop) -> (&Version, &Version) {
    if hop.from <= hop.to { (&hop.from, &hop.to) } else { (&hop.to, &hop.from) }
}

/// Hops by where they begin, each to be taken once.
struct Graph<'a>(BTreeMap<&'a Version, Vec<&'a Hop>>);

impl<'a> Graph<'a> {
    /// `hops` come sorted, so the last of each list leads highest.
    fn of(hops: impl Iterator<Item = &'a Hop>) -> Graph<'a> {
        let mut lists: BTreeMap<&Version, Vec<&Hop>> = BTreeMap::new();
        for hop in hops {
            lists.entry(&hop.from).or_default().push(hop);
        }
        Graph(lists)
    }

    fn take_largest(&mut self, from: &Version) -> Option<&'a Hop> {
        self.0.get_mut(from)?.pop()
    }
}

/// Edges by where they begin, each to be taken once.
struct Edges<'a>(BTreeMap<&'a Version, Vec<&'a Version>>);

impl<'a> Edges<'a> {
    fn of(edges: impl Iterator<Item = (&'a Version, &'a Version)>) -> Edges<'a> {
        let mut lists: BTreeMap<&Version, Vec<&Version>> = BTreeMap::new();
        for (from, to) in edges {
            lists.entry(from).or_default().push(to);
        }
        Edges(lists)
    }

    /// Appends to `finished` all that was not seen before and can be reached, each after what it leads to.
    fn walk(&mut self, from: &'a Version, seen: &mut BTreeSet<&'a Version>, finished: &mut Vec<&'a Version>) {
        let mut path = Vec::new();
        if seen.insert(from) {
            path.push(from);
        }
        while let Some(&at) = path.last() {
            match self.0.get_mut(at).and_then(Vec::pop) {
                Some(next) if seen.insert(next) => path.push(next),
                Some(_) => {}
                None => {
                    path.pop();
                    finished.push(at);
                }
            }
        }
    }
}
