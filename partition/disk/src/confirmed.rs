//! Whether the running slot was confirmed in this boot: a note in a folder that does not outlive it.
//!
//! `updog confirm` and `signpost mark-successful-boot` write it, `updog stage` and `arm` ask for it (design §4).

use std::path::Path;
use std::{fs, io};

/// This boot, as the kernel names it; `None` where it cannot be read.
pub fn boot_id() -> Option<String> {
    fs::read_to_string(BOOT_ID).ok().map(|text| text.trim().to_owned())
}

/// Whether the note was written in the boot `boot_id`.
pub fn in_boot(boot_id: &str) -> bool {
    in_boot_under(Path::new(NOTE), boot_id)
}

/// Writes the note for the boot `boot_id`.
pub fn mark(boot_id: &str) -> io::Result<()> {
    mark_under(Path::new(NOTE), boot_id)
}

fn in_boot_under(note: &Path, boot_id: &str) -> bool {
    !boot_id.is_empty() && fs::read_to_string(note).is_ok_and(|then| then.trim() == boot_id)
}

fn mark_under(note: &Path, boot_id: &str) -> io::Result<()> {
    fs::create_dir_all(note.parent().unwrap_or(note))?;
    fs::write(note, boot_id)
}

const NOTE: &str = "/run/updog/confirmed";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_counts_in_its_own_boot_only() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("updog/confirmed");
        assert!(!in_boot_under(&note, "one"));
        mark_under(&note, "one").unwrap();
        assert!(in_boot_under(&note, "one") && !in_boot_under(&note, "two"));
        mark_under(&note, "").unwrap();
        assert!(!in_boot_under(&note, ""), "an unknown boot is nobody's");
    }
}
