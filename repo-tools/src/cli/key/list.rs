//! `updog-repo key list`

use serde_json::json;

use super::super::{Answer, Context};
use crate::error::Result;
use crate::keyring::{keyring, thresholds};
use crate::role::Role;

pub(super) fn run(context: &Context) -> Result<Answer> {
    let papers = context.folder()?.papers()?;
    let (keys, roles) = (keyring(&papers), thresholds(&papers));
    let mut lines = Vec::new();
    for key in &keys {
        lines.push(format!("{} {}", key.id, key.kind));
        lines.push(match (names(&key.roles), names(&key.next_roles)) {
            (now, next) if now == next => format!("  may sign {now}"),
            (now, next) => format!("  may sign {now}; {next} by the next root"),
        });
        lines.push(match key.signed.as_slice() {
            [] => "  not in use: no newest document carries its signature".to_owned(),
            signed => format!("  has signed the newest {}", names(signed)),
        });
    }
    for need in &roles {
        lines.push(format!("{} needs {} of {} keys", need.role, need.threshold, need.keys));
    }
    lines.push(format!("{} keys", keys.len()));
    Ok(Answer::done(lines, json!({ "keys": keys, "roles": roles })))
}

pub(super) fn names(roles: &[Role]) -> String {
    if roles.is_empty() {
        return "nothing".to_owned();
    }
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}
