//! Where to publish to, as it is typed: a folder or `s3://bucket/prefix`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use trust_client::Location;

use super::{FolderStore, Patience, S3, Store};
use crate::error::Result;
use crate::files::Files;

/// A place for a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder.
    Folder(PathBuf),
    /// A bucket that speaks the S3 protocol.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// What comes before `metadata/` and `targets/` in its keys; empty: nothing. No slash at either end.
        prefix: String,
    },
}

impl Place {
    /// Opens it. Nothing is written; a bucket's credentials, region and endpoint come from the `AWS_` variables.
    pub fn open<'a>(&self, files: &'a dyn Files, at_once: usize) -> Result<Box<dyn Store + 'a>> {
        Ok(match self {
            Self::Folder(dir) => Box::new(FolderStore::new(files, dir)),
            Self::S3 { bucket, prefix } => {
                Box::new(S3::from_env(bucket, prefix, Patience { at_once, ..Patience::default() })?)
            }
        })
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = Location::new(text);
        let Some((scheme, rest)) = text.split_once("://") else {
            // What is shown otherwise than typed is a URL that lacks its scheme: no folder is made of a secret.
            return if place.scheme().is_some() || place.to_string() != text {
                Err(format!("expected a folder or s3://bucket/prefix, found {place:?}"))
            } else if text.is_empty() {
                Err("expected a folder or s3://bucket/prefix, found nothing".into())
            } else if let Some(scheme) = half_scheme(text) {
                Err(format!(
                    "expected a folder or s3://bucket/prefix, found {scheme}: without //; a folder of such a name is typed with ./"
                ))
            } else {
                Ok(Self::Folder(text.into()))
            };
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        let named = |text: &str| {
            text.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter))
                && !text.is_empty()
                && text != "."
                && text != ".."
        };
        if scheme != "s3" || !named(bucket) {
            return Err(format!("expected a folder or s3://bucket/prefix, found {place:?}"));
        }
        if !prefix.is_empty() && !prefix.split('/').all(named) {
            return Err(format!("expected a prefix of letters, digits and ._-/, found {place:?}"));
        }
        Ok(Self::S3 { bucket: bucket.into(), prefix: prefix.into() })
    }
}

/// The scheme of what looks like a URL and is none: `s3:bucket/prefix`, `s3:/bucket`. What follows is not repeated, it may
/// be a password.
pub(crate) fn half_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte);
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.bytes().all(known);
    (is_scheme && !rest.starts_with("//")).then_some(scheme)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(dir) => write!(f, "{}", dir.display()),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_or_a_bucket() {
        let bucket =
            |bucket: &str, prefix: &str| Ok(Place::S3 { bucket: bucket.into(), prefix: prefix.into() });
        for (text, place) in [
            ("/srv/updates", Ok(Place::Folder("/srv/updates".into()))),
            ("s3", Ok(Place::Folder("s3".into()))),
            ("./s3:a", Ok(Place::Folder("./s3:a".into()))),
            ("a/b:c", Ok(Place::Folder("a/b:c".into()))),
            ("s3://updates", bucket("updates", "")),
            ("s3://updates/", bucket("updates", "")),
            ("s3://my.updates/a/b-1/", bucket("my.updates", "a/b-1")),
        ] {
            assert_eq!(text.parse::<Place>(), place, "{text}");
        }
        for wrong in [
            "",
            "s3://",
            "s3:///x",
            "gs://b/x",
            "az://b",
            "https://s3.amazonaws.com/b",
            "s3://b/a//c",
            "s3://b/../c",
            "s3://b/a b",
            "s3://key:secret@b/x",
            "S3://b",
            "//user:secret@host/x",
            "s3:updates/a",
            "s3:/updates/a",
            "public:old",
        ] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
