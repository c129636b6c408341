//! Which systemd units start.

use super::Tree;
use crate::Error;
use crate::recipe::Units;

/// Links the units as `systemctl enable` and `systemctl mask` would, in the image's own layer (`/usr/lib`), so that `/etc` stays
/// the administrator's.
pub(super) fn write(tree: &Tree, units: &Units) -> Result<(), Error> {
    for unit in &units.enabled {
        // An instance is a link to its template.
        let template = template(unit);
        let folder = match unit.rsplit_once('.') {
            Some((_, "socket")) => "sockets.target.wants",
            Some((_, "timer")) => "timers.target.wants",
            _ => "multi-user.target.wants",
        };
        let target = template.as_deref().unwrap_or(unit);
        tree.link(&format!("{UNITS}/{folder}/{unit}"), &format!("../{target}"))?;
    }
    for unit in &units.masked {
        tree.link(&format!("etc/systemd/system/{unit}"), "/dev/null")?;
    }
    if let Some(default) = &units.default {
        tree.link(&format!("{UNITS}/default.target"), default)?;
    }
    Ok(())
}

/// The template of an instance.
pub(super) fn template(unit: &str) -> Option<String> {
    let (name, rest) = unit.split_once('@')?;
    let (_, kind) = rest.rsplit_once('.')?;
    Some(format!("{name}@.{kind}"))
}

const UNITS: &str = "usr/lib/systemd/system";
