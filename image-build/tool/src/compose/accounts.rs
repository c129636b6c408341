//! `/etc/passwd` and `/etc/group`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Tree;
use crate::{Error, Recipe};

/// Writes both: root and nobody, then the recipe's by number. Nobody logs in by a password, so there is no shadow file.
pub(super) fn write(tree: &Tree, recipe: &Recipe) -> Result<(), Error> {
    let mut passwd = String::from("root:x:0:0:root:/root:/usr/sbin/nologin\n");
    let mut users: Vec<_> = recipe.users.iter().collect();
    users.sort_by_key(|user| user.uid);
    for user in &users {
        // Writing to a string does not fail.
        let _ = writeln!(passwd, "{0}:x:{1}:{1}:{0}:{2}:/usr/sbin/nologin", user.name, user.uid, user.home);
    }
    passwd.push_str("nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");

    let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for user in &users {
        for group in &user.groups {
            members.entry(group).or_default().push(&user.name);
        }
    }
    let mut groups: Vec<(u32, &str)> = vec![(0, "root"), (65534, "nogroup")];
    groups.extend(users.iter().map(|user| (user.uid, &*user.name)));
    groups.extend(recipe.groups.iter().map(|group| (group.gid, &*group.name)));
    groups.sort_unstable();
    let line = |(gid, name): &(u32, &str)| {
        let members = members.get(name).map(|names| names.join(",")).unwrap_or_default();
        format!("{name}:x:{gid}:{members}\n")
    };
    let group: String = groups.iter().map(line).collect();
    tree.file("etc/passwd", 0o644, passwd.as_bytes())?;
    tree.file("etc/group", 0o644, group.as_bytes())
}
