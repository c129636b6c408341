//! How far a boot on trial has come: the other slot reads it after a restart, to say why this one was left.

use std::fs;
use std::io;
use std::path::Path;

use partition_core::Slot;

use crate::plain;

/// What is about to happen; the health gate goes on with stages of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// PRIVATE is mounted; verity comes next.
    Init,
    /// The root is about to be mounted through verity.
    Root,
    /// The root's init is about to start.
    Userland,
}

impl Stage {
    const fn as_str(self) -> &'static str {
        match self {
            Stage::Init => "init",
            Stage::Root => "root",
            Stage::Userland => "userland",
        }
    }
}

/// The line of the file.
pub(crate) fn line(boot_id: &str, slot: Slot, stage: Stage) -> String {
    let stage = stage.as_str();
    format!("{{\"format\":1,\"boot\":\"{boot_id}\",\"slot\":\"{slot}\",\"stage\":\"{stage}\"}}\n")
}

/// Writes it durably into the state folder: a cut leaves the mark before this one, or this one.
pub(crate) fn write(state: &Path, line: &str) -> io::Result<()> {
    fs::create_dir_all(state)?;
    plain::write(state, FILE, line.as_bytes())
}

/// In the state folder.
const FILE: &str = "boot-stage";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("updog");
        for stage in [Stage::Init, Stage::Root, Stage::Userland] {
            write(&state, &line("a-b", Slot::B, stage)).unwrap();
        }
        assert_eq!(
            fs::read_to_string(state.join(FILE)).unwrap(),
            "{\"format\":1,\"boot\":\"a-b\",\"slot\":\"B\",\"stage\":\"userland\"}\n"
        );
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1);
    }
}
