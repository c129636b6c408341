//! Where a repository can be had.

use url::Url;

use crate::error::Error;
use crate::location::Location;

/// One place that serves a repository: a URL for metadata and one for targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    metadata: Url,
    targets: Url,
}

impl Mirror {
    /// A mirror from two URLs; the slash at the end may be left out.
    pub fn new(metadata: &str, targets: &str) -> Result<Self, Error> {
        Ok(Self { metadata: folder(metadata)?, targets: folder(targets)? })
    }

    /// Where metadata lies.
    pub fn metadata(&self) -> &Url {
        &self.metadata
    }

    /// Where targets lie.
    pub fn targets(&self) -> &Url {
        &self.targets
    }
}

/// Mirrors in order of preference, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrors {
    first: Mirror,
    others: Vec<Mirror>,
}

impl Mirrors {
    /// One mirror.
    pub fn one(metadata: &str, targets: &str) -> Result<Self, Error> {
        Ok(Self { first: Mirror::new(metadata, targets)?, others: Vec::new() })
    }

    /// With another mirror, to be asked when those before do not answer or cheat.
    #[must_use]
    pub fn or(mut self, mirror: Mirror) -> Self {
        self.others.push(mirror);
        self
    }

    /// All, in order of preference.
    pub fn iter(&self) -> impl Iterator<Item = &Mirror> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// All from number `from` on, then those before it; with their numbers. One that failed is not asked first again.
    pub(crate) fn iter_from(&self, from: usize) -> impl Iterator<Item = (usize, &Mirror)> {
        let numbered = || self.iter().enumerate();
        numbered().skip(from).chain(numbered().take(from))
    }
}

fn folder(text: &str) -> Result<Url, Error> {
    let bad = || Error::BadMirror { url: Location::new(text) };
    let mut url = Url::parse(text).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad());
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_starts_with_the_one_that_did() {
        let other = |n: u8| Mirror::new(&format!("http://{n}.example/m"), "http://t.example/").unwrap();
        let mirrors =
            Mirrors::one("http://0.example/m", "http://t.example/").unwrap().or(other(1)).or(other(2));
        let round = |from| mirrors.iter_from(from).map(|(number, _)| number).collect::<Vec<_>>();
        assert_eq!([round(0), round(1), round(2)], [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    }

    #[test]
    fn a_mirror_is_a_folder_on_http() {
        let mirror = Mirror::new("https://a.example/m/x86_64", "http://a.example/t/").unwrap();
        assert_eq!(mirror.metadata().as_str(), "https://a.example/m/x86_64/");
        assert_eq!(mirror.targets().as_str(), "http://a.example/t/");
        for bad in
            ["", "a.example/m", "file:///m", "ftp://u:secret@a.example/", "https://u:secret/x@a.example"]
        {
            let error = Mirror::new(bad, "http://a.example/").unwrap_err().to_string();
            assert!(error.contains("expected an http or https URL") && !error.contains("secret"), "{error}");
        }
    }
}
