//! The permit to restart that this host has of its group, in etcd.
//!
//! There is a key for each permit that a group has; whoever makes it first has it, and a lease keeps it. So that a host always
//! knows what it has taken, the lease is written down before anything is taken with it. A cut at any point leaves a lease that
//! this host finds in its record, or that ends by itself.

use std::process::{Command, Stdio};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use updater_core::records::{FORMAT, Taken};
use updater_core::{Group, Holder, Permit, Reason, Refusal, Strategy, Turn, again, held, plain, turn};

use crate::answer::chain;
use crate::etcd::{self, Created, Entry, Etcd};
use crate::state::file;
use crate::{Context, Error, Result};

/// What this host has, by its record alone.
pub(crate) fn noted(ctx: &Context<'_>, now: DateTime<Utc>) -> Permit {
    if ctx.config.reboot.strategy != Strategy::Etcd {
        return Permit::None;
    }
    let (taken, boot) = (ctx.state.taken(), ctx.machine.boot_id());
    held(taken.as_ref(), boot.as_deref(), ctx.config.reboot.max_hold, now)
}

/// Asks the group for a permit, `to` being the version that the restart is for: [`Permit::Held`] or [`Permit::Refused`]. One that
/// is held already is not renewed by it.
pub(crate) fn take(ctx: &Context<'_>, to: Option<&str>, now: DateTime<Utc>) -> Result<Permit> {
    let etcd = open(ctx)?;
    let mut kept = kept(ctx, &etcd, now)?;
    let mut refused = None;
    let again = again(&ctx.config.windows, now);
    // Whoever is beaten to a permit looks again; then another host has got on each time.
    for _ in 0..=ctx.config.reboot.slots {
        let holders = holders(ctx, &etcd)?;
        let reboot = &ctx.config.reboot;
        let lease = kept.as_ref().map(|taken| taken.lease);
        let group = Group { name: &reboot.group, places: reboot.slots, holders: &holders, lease };
        let place = match turn(&group, again) {
            Turn::Go => return Ok(Permit::Held),
            // It has ended in etcd.
            _ if kept.as_ref().is_some_and(|taken| taken.asked.is_some()) => return spend(ctx, now),
            Turn::Wait(refusal) => {
                refused = Some(refusal);
                break;
            }
            Turn::Take(place) => place,
        };
        let mine = unused(ctx, &etcd, &mut kept, now)?;
        let value = value(ctx, to, now)?;
        let key = format!("{}{place}", prefix(ctx));
        match etcd.create(&key, &value, mine).map_err(unasked(ctx))? {
            Created::Now => return Ok(Permit::Held),
            // The answer to an earlier question was lost.
            Created::Before(lease) if lease == mine => return Ok(Permit::Held),
            Created::Before(_) => {}
        }
    }
    if kept.is_some() {
        give_back(ctx)?;
    }
    let beaten = || {
        let detail = format!("others of group {:?} were quicker", ctx.config.reboot.group);
        Refusal::waiting(Reason::Coordinated, detail, again)
    };
    Ok(Permit::Refused(refused.unwrap_or_else(beaten)))
}

/// The last question before the restart: when it is asked for the first time, the whole of `reboot.max_hold` is left from here on, and
/// later what is left of it.
pub(crate) fn renew(ctx: &Context<'_>, now: DateTime<Utc>) -> Result<()> {
    let etcd = open(ctx)?;
    match ctx.state.taken().filter(|taken| is_of_this_boot(ctx, taken)) {
        Some(taken) if taken.asked.is_some() => {
            if holders(ctx, &etcd)?.iter().any(|holder| holder.lease == taken.lease) {
                return Ok(());
            }
        }
        Some(taken) if etcd.renew(taken.lease).map_err(unasked(ctx))? => {
            // Without its record the next turn would renew it again, and so would each.
            return ctx.state.write_taken(&Taken { asked: Some(now), ..taken });
        }
        Some(_) | None => {}
    }
    let limit = ctx.config.reboot.max_hold.as_secs();
    let detail = format!("the permit to restart has ended before the restart (reboot.max_hold = {limit}s)");
    let again = again(&ctx.config.windows, now);
    Err(Refusal::waiting(Reason::Coordinated, detail, again).into())
}

/// Whether the restart was asked for with it: it may be under way.
pub(crate) fn is_asked(ctx: &Context<'_>) -> bool {
    ctx.state.taken().is_some_and(|taken| is_of_this_boot(ctx, &taken) && taken.asked.is_some())
}

/// Gives back what is over in the boot in which it was taken, and says until when no other is asked for.
pub(crate) fn spend(ctx: &Context<'_>, now: DateTime<Utc>) -> Result<Permit> {
    let Some(taken) = ctx.state.taken() else { return Ok(Permit::None) };
    let taken = Taken { over: Some(now), ..taken };
    // First, since a cut in between leaves a lease that nobody renews.
    ctx.state.write_taken(&taken)?;
    if let Err(error) = connect(ctx).and_then(|etcd| etcd.revoke(taken.lease)) {
        ctx.note(format!("the permit to restart ends by itself: {}", chain(&error)));
    }
    let boot = ctx.machine.boot_id();
    Ok(held(Some(&taken), boot.as_deref(), ctx.config.reboot.max_hold, now))
}

/// Gives back what is noted, of whichever boot; `false`: nothing is.
pub(crate) fn give_back(ctx: &Context<'_>) -> Result<bool> {
    let Some(taken) = ctx.state.taken() else { return Ok(false) };
    // A lease that has ended by itself is given back too.
    open(ctx)?.revoke(taken.lease).map_err(unasked(ctx))?;
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
    connect(ctx).map_err(unasked(ctx))
}

fn connect(ctx: &Context<'_>) -> Result<Etcd, etcd::Error> {
    Etcd::new(&ctx.config, ctx.interrupt.clone())
}

/// For every failure of the group's store: nobody knows how long it lasts, so it is asked again as a group without a permit is.
fn unasked(ctx: &Context<'_>) -> impl Fn(etcd::Error) -> Error {
    let until = ctx.again();
    move |failed| match failed {
        etcd::Error::Interrupted => Error::Interrupted,
        failed => Error::Group { done: String::new(), failed, until },
    }
}

/// What this host took in this boot and may use; anything else is ended.
fn kept(ctx: &Context<'_>, etcd: &Etcd, now: DateTime<Utc>) -> Result<Option<Taken>> {
    let Some(taken) = ctx.state.taken() else { return Ok(None) };
    if matches!(noted(ctx, now), Permit::Noted | Permit::Asked) {
        return Ok(Some(taken));
    }
    etcd.revoke(taken.lease).map_err(unasked(ctx))?;
    ctx.state.forget_taken(taken.lease)?;
    Ok(None)
}

/// A lease that lives and keeps nothing yet, written down. In place of one that has ended unused it counts from when that began: who
/// is killed between this and the restart, over and over, does not begin anew each time.
fn unused(ctx: &Context<'_>, etcd: &Etcd, kept: &mut Option<Taken>, now: DateTime<Utc>) -> Result<i64> {
    if let Some(taken) = kept
        && etcd.renew(taken.lease).map_err(unasked(ctx))?
    {
        return Ok(taken.lease);
    }
    let at = kept.as_ref().map_or(now, |taken| taken.at);
    let lease = etcd.grant(ctx.config.reboot.max_hold).map_err(unasked(ctx))?;
    let boot = ctx.machine.boot_id();
    let taken =
        Taken { format: FORMAT, lease, boot, at, asked: None, over: None, extra: serde_json::Map::new() };
    // Without its record it would be nobody's once it has a permit.
    ctx.state.write_taken(&taken)?;
    *kept = Some(taken);
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
    let entries = etcd.below(&prefix).map_err(unasked(ctx))?;
    Ok(entries.iter().map(|entry| holder(entry, &prefix)).collect())
}

fn holder(entry: &Entry, prefix: &str) -> Holder {
    let number = entry.key.strip_prefix(prefix.as_bytes()).and_then(|rest| std::str::from_utf8(rest).ok());
    let said: Value = serde_json::from_slice(&entry.value).unwrap_or_default();
    let text = |key: &str| said.get(key).and_then(Value::as_str).map(|text| plain(text, 64));
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
fn value(ctx: &Context<'_>, to: Option<&str>, now: DateTime<Utc>) -> Result<Vec<u8>> {
    let name =
        ctx.machine.file("proc/sys/kernel/hostname").and_then(|path| file::text(&path, file::TEXT).ok());
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let value = json!({
        "format": FORMAT,
        "host": ctx.state.host_id()?,
        "name": name,
        "boot": ctx.machine.boot_id(),
        "since": now,
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
            // What turns a line around is no part of a name.
            ("p/2", r#"{"host":"a\u202eb"}"#, 2, "ab"),
        ];
        for (key, value, place, host) in cases {
            let holder = holder(&entry(key, value), "p/");
            assert_eq!((holder.place, &*holder.host), (place, host), "{key} {value}");
        }
    }
}
