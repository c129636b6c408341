//! One target into a file.

use std::io::Write;
use std::path::Path;

use trust_core::Target;

use crate::error::{Error, Result};
use crate::files::Partial;
use crate::parallel::Meter;
use crate::source::Source;
use crate::stream::{Fault, stream};

/// Partial name, bytes, digest, sync, final name: a file that has its name is whole. The name is durable when its folder
/// was synced. What is wrong at the source leaves no file.
pub(crate) fn fetch(
    mut new: Partial<'_>,
    source: &dyn Source,
    target: &Target,
    path: &Path,
    meter: &Meter<'_>,
) -> Result<Result<(), Fault>> {
    let write = |source| Error::WriteFile { path: path.to_owned(), source };
    let judged = stream(source, target, &mut |part| {
        meter.add(part.len());
        new.write_all(part).map_err(write)
    })?;
    if judged.is_ok() {
        new.finish(path).map_err(write)?;
    }
    Ok(judged)
}
