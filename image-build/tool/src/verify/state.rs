//! PRIVATE and DATA.

use super::disk::Partitions;
use super::extract::Extract;
use super::{Problems, empty};
use crate::{Error, Tool, tools};

/// Both are ext4 without a fault, and empty.
pub(super) fn check(
    partitions: &Partitions,
    extract: &Extract,
    problems: &mut Problems,
) -> Result<(), Error> {
    let layout = &partitions.layout;
    for (name, entry) in [("PRIVATE", &layout.private), ("DATA", &layout.data)] {
        let Some(entry) = entry else { continue };
        let (path, _) = extract.partition(entry, None, "state")?;
        match Tool::E2FSCK.run(0, &["-f".as_ref(), "-n".as_ref(), path.as_os_str()]) {
            Ok(_) => empty::file_system(name, &path, problems)?,
            Err(tools::Error::Failed { said, .. }) => problems.add(name, said),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
