//! What the last boot left behind: gathered here, judged by [`updater_core::cause()`].

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use partition_core::Slot;
use updater_core::records::Intent;
use updater_core::{Cause, Evidence, Settled, cause};

use crate::state::file::open;
use crate::{Context, volatile};

/// Why `left` was left, as far as anything tells; nothing is changed.
pub(crate) fn why(ctx: &Context<'_>, left: Slot, settled: Settled, intent: Option<&Intent>) -> Cause {
    let cmdline = cmdline(ctx);
    let panics = panics(ctx).iter().filter_map(|path| text(path)).collect();
    cause(&Evidence {
        left,
        settled,
        armed_in: intent.filter(|intent| intent.target == left).and_then(|intent| intent.boot_id.as_deref()),
        cmdline: &cmdline,
        trial: ctx.state.trial(),
        mark: ctx.state.mark(),
        panics,
    })
}

/// The slot that the selector started on trial, by its own words.
pub(crate) fn on_trial(ctx: &Context<'_>) -> Option<Slot> {
    let cmdline = cmdline(ctx);
    let slot = word(&cmdline, "updog.slot=")?.parse().ok()?;
    (word(&cmdline, "updog.trial=") == Some("1")).then_some(slot)
}

/// Whether the selector asked for a root that verity checks.
pub(crate) fn root_is_to_be_checked(ctx: &Context<'_>) -> bool {
    word(&cmdline(ctx), "updog.root_hash=").is_some()
}

/// What stands behind `key`. The selector appends its words, so the last ones count.
fn word<'a>(cmdline: &'a str, key: &str) -> Option<&'a str> {
    cmdline.split_ascii_whitespace().rev().find_map(|word| word.strip_prefix(key))
}

fn cmdline(ctx: &Context<'_>) -> String {
    ctx.machine.file("proc/cmdline").and_then(|path| text(&path)).unwrap_or_default()
}

/// Removes the kernel's last words, after what they say is durable: the next trial must not be judged by them. Their text
/// goes into the state folder first; where it would not outlive this boot either, they stay.
pub(crate) fn forget_panics(ctx: &Context<'_>) {
    let paths = panics(ctx);
    if paths.is_empty() || volatile::reason(ctx, volatile::PRIVATE).is_some() {
        return;
    }
    let texts: Vec<String> = paths.iter().filter_map(|path| text(path)).collect();
    if let Err(error) = ctx.state.write_panic(&texts.join("\n")) {
        ctx.state.tolerate(Err(error));
        return;
    }
    for path in paths {
        if let Err(error) = fs::remove_file(&path) {
            ctx.note(format!("{} stays ({error})", path.display()));
        }
    }
}

/// The entries of pstore that the kernel's log went into, in the order of their names.
fn panics(ctx: &Context<'_>) -> Vec<PathBuf> {
    let Some(folder) = ctx.machine.file("sys/fs/pstore") else { return Vec::new() };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let dmesg = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("dmesg-"));
    let mut paths: Vec<PathBuf> = dmesg.map(|entry| entry.path()).take(ENTRIES).collect();
    paths.sort();
    paths
}

/// A file of the kernel as text; what is no text in it is replaced, what is too much is left out.
fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    open(path).ok()?.take(LIMIT).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// EFI keeps a kernel log in up to some tens of entries of 1 KiB.
const ENTRIES: usize = 256;
/// ramoops keeps records of up to some hundred KiB.
const LIMIT: u64 = 1 << 20;
