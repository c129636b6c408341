//! The kernel's command line.

use alloc::string::String;
use core::fmt::Write as _;

use boot_manifest::Manifest;
use partition_core::{Set, Slot};

use crate::Skip;

/// The longest command line, in bytes, that kernels of both architectures take without cutting it.
pub const MAX_KERNEL_CMDLINE: usize = 2047;

/// What the command line says beside the manifest's own words.
#[derive(Clone, Copy, Debug)]
pub struct CommandLine<'a> {
    /// The slot that is started.
    pub slot: Slot,
    /// Its partitions.
    pub set: &'a Set,
    /// Its manifest, already believed.
    pub manifest: &'a Manifest,
    /// Whether the slot was never confirmed.
    pub trial: bool,
    /// Whether the other slot is next, unless this one is confirmed.
    pub last_try: bool,
    /// The slots that were left in this firmware run.
    pub skipped: &'a [Skip],
}

impl CommandLine<'_> {
    /// The text, or `None` when it is too long for a kernel: one that is cut would lose the root hash.
    pub fn text(&self) -> Option<String> {
        let CommandLine { slot, set, manifest, trial, last_try, skipped } = self;
        let mut text = manifest.cmdline.clone();
        // Writing to a string does not fail.
        let _ = write!(
            text,
            " updog.slot={slot} updog.boot={} updog.root={} updog.hash={}",
            set.boot.guid, set.root.guid, set.hash.guid
        );
        let _ =
            write!(text, " updog.root_hash={} updog.salt={}", Hex(&manifest.root_hash), Hex(&manifest.salt));
        let _ = write!(
            text,
            " updog.data_blocks={} updog.hash_offset={}",
            manifest.data_blocks, manifest.hash_offset
        );
        if *trial {
            text.push_str(" updog.trial=1");
        }
        if *last_try {
            text.push_str(" updog.last_try=1");
        }
        for Skip { slot, reason, .. } in *skipped {
            let _ = write!(text, " updog.skipped={slot}:{reason}");
        }
        (text.len() <= MAX_KERNEL_CMDLINE).then_some(text)
    }
}

struct Hex<'a>(&'a [u8]);

impl core::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
