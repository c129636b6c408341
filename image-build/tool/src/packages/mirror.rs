//! Where Debian's archive and its security archive are.

use std::fs;
use std::path::{Path, PathBuf};

use trust_client::Location;
use url::Url;

use super::Error;
use super::sources::{self, Source};

/// Debian's archive and its security archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    archive: Url,
    security: Url,
    keyring: Option<PathBuf>,
}

impl Mirror {
    /// The mirror at `url`; without one, that of the machine's apt configuration.
    ///
    /// The security archive of `…/debian` is `…/debian-security`, also in the middle of a URL, as with a snapshot; where
    /// no part of the URL is called debian, both are one.
    pub fn from_machine_or(url: Option<&str>) -> Result<Mirror, Error> {
        match url {
            Some(url) => Mirror::at(url),
            None => Mirror::of_sources(&machine(Path::new("/etc/apt"))?),
        }
    }

    /// The same, with the archive's signatures checked by this keyring instead of the machine's.
    #[must_use]
    pub fn signed_by(self, keyring: PathBuf) -> Mirror {
        Mirror { keyring: Some(keyring), ..self }
    }

    /// The URL that a path of a lock is below.
    pub(super) fn base(&self, path: &str) -> &Url {
        if path.starts_with("pool/updates/") { &self.security } else { &self.archive }
    }

    pub(super) fn archive(&self) -> &Url {
        &self.archive
    }

    pub(super) fn security(&self) -> &Url {
        &self.security
    }

    pub(super) fn keyring(&self) -> Option<&Path> {
        self.keyring.as_deref()
    }

    fn at(url: &str) -> Result<Mirror, Error> {
        let archive = folder(url)?;
        let mut security = archive.clone();
        let parts =
            |part: &str| if part == "debian" { "debian-security".to_owned() } else { part.to_owned() };
        security.set_path(&archive.path().split('/').map(parts).collect::<Vec<_>>().join("/"));
        Ok(Mirror { archive, security, keyring: None })
    }

    /// The first source of a Debian release, and the first of its security updates.
    fn of_sources(sources: &[Source]) -> Result<Mirror, Error> {
        let first = |wanted: fn(&str) -> Option<&str>| {
            let debian =
                |source: &&Source| wanted(&source.suite).is_some_and(|suite| RELEASES.contains(&suite));
            sources.iter().filter(|source| source.uri.starts_with("http")).find(debian)
        };
        let archive = first(|suite| Some(suite)).ok_or(Error::NoMirror)?;
        let mirror = Mirror::at(&archive.uri)?;
        match first(|suite| suite.strip_suffix("-security")) {
            Some(security) => Ok(Mirror { security: folder(&security.uri)?, ..mirror }),
            None => Ok(mirror),
        }
    }
}

/// What the machine's apt is configured for, in the order in which apt reads it.
fn machine(etc: &Path) -> Result<Vec<Source>, Error> {
    let mut found = Vec::new();
    if let Ok(text) = fs::read_to_string(etc.join("sources.list")) {
        found.extend(sources::one_line(&text));
    }
    let Ok(folder) = fs::read_dir(etc.join("sources.list.d")) else { return Ok(found) };
    let mut paths: Vec<PathBuf> = folder.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let parse = match path.extension().and_then(|name| name.to_str()) {
            Some("list") => sources::one_line,
            Some("sources") => sources::deb822,
            _ => continue,
        };
        found.extend(parse(&fs::read_to_string(&path).map_err(|source| Error::Read { path, source })?));
    }
    Ok(found)
}

/// A URL with files below it.
fn folder(url: &str) -> Result<Url, Error> {
    let bad = || Error::BadMirror { url: Location::new(url) };
    let parsed = Url::parse(&format!("{}/", url.trim_end_matches('/'))).map_err(|_| bad())?;
    let http = matches!(parsed.scheme(), "http" | "https") && parsed.has_host();
    if http && parsed.query().is_none() && parsed.fragment().is_none() { Ok(parsed) } else { Err(bad()) }
}

/// By these names a source is known to be Debian's and not another's. Newer releases are added as they get names.
const RELEASES: &[&str] = &[
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn source(uri: &str, suite: &str) -> Source {
        Source { uri: uri.to_owned(), suite: suite.to_owned() }
    }

    #[test]
    fn the_security_archive_lies_beside_the_other() {
        for (archive, security) in [
            ("http://m/debian", "http://m/debian-security/"),
            ("https://m/debian/", "https://m/debian-security/"),
            (
                "http://m/archive/debian/20260101T000000Z",
                "http://m/archive/debian-security/20260101T000000Z/",
            ),
            ("http://m/all", "http://m/all/"),
        ] {
            let mirror = Mirror::at(archive).unwrap();
            assert_eq!(mirror.base("pool/updates/main/a/a.deb").as_str(), security);
            assert_eq!(
                mirror.base("pool/main/a/a.deb").as_str(),
                format!("{}/", archive.trim_end_matches('/'))
            );
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "",
            "m/debian",
            "ftp://m/debian",
            "file:///debian",
            "http://m/debian?secret",
            "http://",
            "ftp://u:secret@m/",
        ] {
            let error = Mirror::at(url).unwrap_err();
            assert!(matches!(error, Error::BadMirror { .. }), "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_machine_s_debian_sources_count_and_no_others() {
        let others = [source("http://other/x", "nodistro"), source("cdrom:[x]", "trixie")];
        assert!(matches!(Mirror::of_sources(&others), Err(Error::NoMirror)));
        let mut all = others.to_vec();
        all.push(source("http://s/sec", "bookworm-security"));
        all.push(source("http://m/debian", "bookworm"));
        all.push(source("http://n/debian", "bookworm"));
        let mirror = Mirror::of_sources(&all).unwrap();
        assert_eq!(mirror.archive().as_str(), "http://m/debian/");
        assert_eq!(mirror.security().as_str(), "http://s/sec/");
    }
}
