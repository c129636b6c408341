//! Why a manifest was refused.

/// Why a manifest was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Longer than any manifest is.
    #[error("manifest has {found} bytes: expected at most {most}")]
    Length {
        /// Its length.
        found: usize,
        /// The longest that is read.
        most: usize,
    },
    /// More in it than is read again.
    #[error("manifest would have {found} bytes: expected at most {most}")]
    Full {
        /// Its length.
        found: usize,
        /// The longest that is read.
        most: usize,
    },
    /// No JSON of the expected shape.
    #[error("failed to parse manifest")]
    Parse(#[source] serde_json::Error),
    /// Cannot be written as JSON.
    #[error("failed to write manifest")]
    Encode(#[source] serde_json::Error),
}
