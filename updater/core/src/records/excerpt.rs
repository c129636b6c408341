//! The part of the manifest that matters to this host, so that a look that finds nothing new reads no more than that.

use release::Digest;
use release::manifest::Manifest;
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{FORMAT, Record};
use crate::{Host, excerpt};

/// `excerpt.json`. Losing it costs one reading of the whole manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Excerpt {
    /// 1, or higher when a later version wrote it.
    pub format: u64,
    /// SHA-256 of the manifest that it is made from.
    of: Digest,
    variant: String,
    arch: String,
    /// The version that runs.
    version: Version,
    /// A manifest.
    text: String,
    /// Its SHA-256: a changed byte is noticed.
    sha256: Digest,
    /// Keys that this version does not know.
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl Excerpt {
    /// The longest excerpt that is kept, in bytes of its manifest. That of a host which is up to date has a kilobyte or two; one that is
    /// far behind needs most of the manifest, which is kept beside it, and would fill the state folder for nothing.
    pub const LONGEST: usize = 64 << 10;

    /// Of the manifest with this digest, for this host; `None`: it needs all of it, or more than is worth keeping.
    pub fn of(of: Digest, manifest: &Manifest, host: &Host) -> Option<Excerpt> {
        let text = String::from_utf8(excerpt(manifest, host)?.encode().ok()?).ok()?;
        if text.len() > Excerpt::LONGEST {
            return None;
        }
        let Host { variant, arch, version, seed: _ } = host.clone();
        let sha256 = Digest::of(text.as_bytes());
        Some(Excerpt { format: FORMAT, of, variant, arch, version, text, sha256, extra: Map::new() })
    }

    /// What this host needs of the manifest with this digest; `None`: this was made for another one, or is damaged.
    pub fn manifest(&self, of: Digest, host: &Host) -> Option<Manifest> {
        let Excerpt { variant, arch, version, .. } = self;
        let same = (self.format, self.of) == (FORMAT, of)
            && (variant, arch, version) == (&host.variant, &host.arch, &host.version)
            && self.sha256 == Digest::of(self.text.as_bytes());
        if same { Manifest::parse(self.text.as_bytes()).ok() } else { None }
    }
}

impl Record for Excerpt {
    fn format(&self) -> u64 {
        self.format
    }
}
