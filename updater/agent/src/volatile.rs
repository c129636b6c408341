//! Folders that do not outlive this boot: the initramfs puts a tmpfs where PRIVATE or DATA could not be mounted.

use serde_json::{Map, Value};

use crate::Context;
use crate::state::file;

/// Holds the state folder.
pub(crate) const PRIVATE: &str = "private";
/// Holds `/var`.
pub(crate) const VAR: &str = "var";

/// Why this one does not outlive the boot; `None`: it does.
pub(crate) fn reason(ctx: &Context<'_>, name: &str) -> Option<String> {
    let path = ctx.machine.file("run/updog/volatile")?.join(name);
    let bytes = file::whole(&path, file::TEXT).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line: String = text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    Some(if line.is_empty() { "it could not be mounted".to_owned() } else { line })
}

/// All of them with their reasons, for `--json`.
pub(crate) fn all(ctx: &Context<'_>) -> Map<String, Value> {
    let found =
        [PRIVATE, VAR].into_iter().filter_map(|name| Some((name.to_owned(), reason(ctx, name)?.into())));
    found.collect()
}

/// Says so, where it is so.
pub(crate) fn note(ctx: &Context<'_>) {
    if let Some(reason) = reason(ctx, PRIVATE) {
        ctx.note(format!(
            "PRIVATE is a tmpfs for this boot ({reason}): what updog remembers is lost at the restart"
        ));
    }
    if let Some(reason) = reason(ctx, VAR) {
        ctx.note(format!(
            "/var is a tmpfs for this boot ({reason}): what is written there is lost at the restart"
        ));
    }
}
