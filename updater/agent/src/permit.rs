//! The permit to restart that this host has of its group, in etcd.
//!
//! There is a key for each permit that a group has; whoever makes it first has it, and a lease keeps it. So that a host always
//! knows what it has taken, the lease is written down before anything is taken with it. A cut at any point leaves a lease that
//! this host finds in its record, or that ends by itself.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use updater_core::records::{FORMAT, Taken};
use updater_core::{Group, Holder, Permit, Reason, Refusal, Strategy, Turn, turn};

use crate::etcd::{Created, Entry, Etcd, clean};
use crate::{Context, Result};

/// What this host has, by its record alone.
pub(crate) fn noted(ctx: &Context<'_>) -> Permit {
    if ctx.config.reboot.strategy != Strategy::Etcd {
        return Permit::None;
    }
    match ctx.state.taken() {
        None => Permit::None,
        Some(taken) if is_of_this_boot(ctx, &taken) => Permit::Noted,
        Some(_) => Permit::Left,
    }
}

/// Asks the group for a permit, `to` being the version that the restart is for: [`Permit::Held`] or [`Permit::Refused`].
pub(crate) fn take(ctx: &Context<'_>, to: Option<&str>) -> Result<Permit> {
    let etcd = open(ctx)?;
    let mut lease = kept(ctx, &etcd)?;
    let mut refused = None;
    // Whoever is beaten to a permit looks again; then another host has got on each time.
    for _ in 0..=ctx.config.reboot.slots {
        let holders = holders(ctx, &etcd)?;
        let reboot = &ctx.config.reboot;
        let group = Group { name: &reboot.group, places: reboot.slots, holders: &holders, lease };
        let place = match turn(&group) {
            Turn::Go => return Ok(Permit::Held),
            Turn::Wait(refusal) => {
                refused = Some(refusal);
                break;
            }
            Turn::Take(place) => place,
        };
        let mine = match lease {
            Some(lease) => lease,
            None => *lease.insert(granted(ctx, &etcd)?),
        };
        let value = value(ctx, to)?;
        match etcd.create(&format!("{}{place}", prefix(ctx)), &value, mine)? {
            Created::Now => return Ok(Permit::Held),
            // The answer to an earlier question was lost.
            Created::Before(lease) if lease == mine => return Ok(Permit::Held),
            Created::Before(_) => {}
        }
    }
    if lease.is_some() {
        give_back(ctx)?;
    }
    let beaten = || {
        Refusal::new(
            Reason::Coordinated,
            format!("others of group {:?} were quicker", ctx.config.reboot.group),
        )
    };
    Ok(Permit::Refused(refused.unwrap_or_else(beaten)))
}

/// The last question before the restart: from here on the whole of `reboot.max_hold` is left.
pub(crate) fn renew(ctx: &Context<'_>) -> Result<()> {
    let etcd = open(ctx)?;
    let held = ctx.state.taken().filter(|taken| is_of_this_boot(ctx, taken));
    if held.map_or(Ok(false), |taken| etcd.renew(taken.lease))? {
        return Ok(());
    }
    let limit = ctx.config.reboot.max_hold.as_secs();
    let detail = format!("the permit to restart has ended before the restart (reboot.max_hold = {limit}s)");
    Err(Refusal::new(Reason::Coordinated, detail).into())
}

/// Gives back what is noted, of whichever boot; `false`: nothing is.
pub(crate) fn give_back(ctx: &Context<'_>) -> Result<bool> {
    let Some(taken) = ctx.state.taken() else { return Ok(false) };
    // A lease that has ended by itself is given back too.
    open(ctx)?.revoke(taken.lease)?;
    ctx.state.forget_taken(taken.lease)?;
    Ok(true)
}

/// The same beside this run, which does not wait for it: by another process, which is told which permit, so that it cannot take
/// away a later one. Where it comes to nothing, the next turn of `auto` does it.
pub(crate) fn give_back_aside(ctx: &Context<'_>, config: Option<&std::path::Path>, kept_in_this_boot: bool) {
    if ctx.config.reboot.strategy != Strategy::Etcd {
        return;
    }
    let Some(taken) = ctx.state.taken() else { return };
    if kept_in_this_boot && is_of_this_boot(ctx, &taken) {
        return;
    }
    let mut command = Command::new("/proc/self/exe");
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    command.arg("--state").arg(ctx.state.dir()).args(["return-permit", &taken.lease.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.spawn() {
        tracing::debug!(%error, "the permit stays until the next turn");
    }
}

fn open(ctx: &Context<'_>) -> Result<Etcd> {
    Ok(Etcd::new(&ctx.config, ctx.interrupt.clone())?)
}

/// The lease of this boot, when it lives; one of an earlier boot is ended.
fn kept(ctx: &Context<'_>, etcd: &Etcd) -> Result<Option<i64>> {
    let Some(taken) = ctx.state.taken() else { return Ok(None) };
    if is_of_this_boot(ctx, &taken) && etcd.renew(taken.lease)? {
        return Ok(Some(taken.lease));
    }
    etcd.revoke(taken.lease)?;
    ctx.state.forget_taken(taken.lease)?;
    Ok(None)
}

/// A new lease, written down.
fn granted(ctx: &Context<'_>, etcd: &Etcd) -> Result<i64> {
    let lease = etcd.grant(ctx.config.reboot.max_hold)?;
    let (boot, at) = (ctx.machine.boot_id(), ctx.now);
    let taken = Taken { format: FORMAT, lease, boot, at, extra: serde_json::Map::new() };
    // Without its record it would be nobody's once it has a permit.
    ctx.state.write_taken(&taken)?;
    Ok(lease)
}

fn is_of_this_boot(ctx: &Context<'_>, taken: &Taken) -> bool {
    taken.boot == ctx.machine.boot_id()
}

fn prefix(ctx: &Context<'_>) -> String {
    format!("{}/{}/slot/", ctx.config.reboot.prefix, ctx.config.reboot.group)
}

/// Who has a permit now. A key that cannot be read is somebody's too.
fn holders(ctx: &Context<'_>, etcd: &Etcd) -> Result<Vec<Holder>> {
    let prefix = prefix(ctx);
    Ok(etcd.below(&prefix)?.iter().map(|entry| holder(entry, &prefix)).collect())
}

fn holder(entry: &Entry, prefix: &str) -> Holder {
    let number = entry.key.strip_prefix(prefix.as_bytes()).and_then(|rest| std::str::from_utf8(rest).ok());
    let said: Value = serde_json::from_slice(&entry.value).unwrap_or_default();
    let text = |key: &str| said.get(key).and_then(Value::as_str).map(|text| clean(text, 64));
    let host = match (text("name"), text("host")) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "a host unknown".to_owned(),
    };
    Holder {
        place: number.and_then(|number| number.parse().ok()).unwrap_or(u32::MAX),
        lease: entry.lease,
        host,
        since: text("since").and_then(|text| text.parse().ok()),
    }
}

/// What others of the group may know: a name, a number that was drawn for it, and what the restart is for.
fn value(ctx: &Context<'_>, to: Option<&str>) -> Result<Vec<u8>> {
    let name =
        ctx.machine.file("proc/sys/kernel/hostname").and_then(|path| std::fs::read_to_string(path).ok());
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let value = json!({
        "format": FORMAT,
        "host": ctx.state.host_id()?,
        "name": name,
        "boot": ctx.machine.boot_id(),
        "since": ctx.now,
        "version": to,
    });
    Ok(value.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_lies_below_the_prefix_is_somebodys() {
        let entry = |key: &str, value: &str| Entry {
            key: key.as_bytes().to_vec(),
            value: value.as_bytes().to_vec(),
            lease: 7,
        };
        let cases = [
            ("p/0", r#"{"host":"ab","name":"web-1","since":"2026-01-02T03:04:05Z"}"#, 0, "web-1 (ab)"),
            ("p/3", r#"{"host":"ab"}"#, 3, "ab"),
            ("p/x", "\u{1b}[2J", u32::MAX, "a host unknown"),
            ("p/1", r#"{"host":"a\u001b[2Jb","name":7,"since":"soon"}"#, 1, "a[2Jb"),
            ("q", "{}", u32::MAX, "a host unknown"),
        ];
        for (key, value, place, host) in cases {
            let holder = holder(&entry(key, value), "p/");
            assert_eq!((holder.place, &*holder.host), (place, host), "{key} {value}");
        }
    }
}
