//! Configuration in three layers: fragments as typed in each file, merged with where each value came from, settings as
//! meant.

mod error;
mod fragment;
mod health;
mod hooks;
mod keys;
mod merged;
mod reader;
mod reboot;
mod seen;
mod serve;
mod settings;
mod units;
mod windows;

use std::io;
use std::path::{Path, PathBuf};

pub use error::{Error, Words};
pub use fragment::{Fragment, MirrorFragment};
pub use health::{ASKING, Health};
pub use hooks::Hooks;
pub use merged::{Merged, Origin, Shown};
pub use reboot::Reboot;
pub use seen::{Metrics, Report};
pub use serve::{Readers, Serve};
pub use settings::{Mirror, Settings};
pub use units::parse_rate;
pub use windows::WindowFragment;

/// The files, the later one wins. A file that is not there says nothing.
pub const FILES: [&str; 3] = ["/usr/share/updog/updog.toml", "/etc/updog.toml", "/var/lib/updog/updog.toml"];

/// How a problem in the configuration is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// It ends the run.
    Strict,
    /// `arm`, `auto`, `serve`: an unknown key is noted, since a later version may know it; everything else ends the run.
    Known,
    /// Local verbs (P8): it is noted, and the value, or the file, is left out.
    Lenient,
}

/// What was read, and what was left out.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the files mean together.
    pub settings: Settings,
    /// Each value with its origin.
    pub merged: Merged,
    /// Problems that were tolerated, one sentence each without its period.
    pub notes: Vec<String>,
}

/// Reads `file`, or the three standard ones when it is `None`. A file that was named must be there.
pub fn load(file: Option<&Path>, strictness: Strictness) -> Result<Loaded, Error> {
    let named = file.is_some();
    let files: Vec<PathBuf> = match file {
        Some(file) => vec![file.to_owned()],
        None => FILES.iter().map(PathBuf::from).collect(),
    };
    let mut merged = Merged::default();
    let mut notes = Vec::new();
    for path in files {
        match crate::state::file::whole(&path, crate::state::file::TEXT) {
            Ok(bytes) => match fragment::parse(&path, &bytes, strictness) {
                Ok((fragment, problems)) => {
                    notes.extend(problems.iter().map(error::chain));
                    merged.add(fragment, &path);
                }
                Err(error) => tolerate(error, strictness, &mut notes)?,
            },
            Err(source) if source.kind() == io::ErrorKind::NotFound && !named => {}
            Err(source) => tolerate(Error::Read { path, source }, strictness, &mut notes)?,
        }
    }
    let (settings, problems) = Settings::mean(&merged, strictness, notes.len())?;
    notes.extend(problems.iter().map(error::chain));
    Ok(Loaded { settings, merged, notes })
}

fn tolerate(error: Error, strictness: Strictness, notes: &mut Vec<String>) -> Result<(), Error> {
    match strictness {
        Strictness::Strict | Strictness::Known => Err(error),
        Strictness::Lenient => {
            notes.push(error::chain(&error));
            Ok(())
        }
    }
}
