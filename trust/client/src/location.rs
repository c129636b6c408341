//! Where something lies, said without the secrets that may stand in it.

use std::fmt;

use url::Url;

/// A URL, a path or a name, as it was typed. What is shown of it, also by `Debug`, has no user info, query or fragment
/// of a URL: passwords and tokens stand there.
#[derive(Clone, PartialEq, Eq)]
pub struct Location(String);

impl Location {
    /// The place of this name.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A proxy, shown without its secrets. It may be typed without its scheme.
    pub fn of_proxy(text: &str) -> String {
        if text.contains("://") {
            return shown(text);
        }
        text.rsplit_once('@').map_or(text, |(_, host)| host).to_owned()
    }

    /// As it was typed, secrets too: to be opened, never to be shown.
    pub fn typed(&self) -> &str {
        &self.0
    }

    /// Whether it is an http or https URL, in whatever case it was typed.
    pub fn is_http(&self) -> bool {
        self.scheme()
            .is_some_and(|scheme| ["http", "https"].iter().any(|one| scheme.eq_ignore_ascii_case(one)))
    }

    /// What stands before `://`; paths and names have none. `http:host` is read as a URL too.
    pub fn scheme(&self) -> Option<&str> {
        let (scheme, rest) = self.0.split_once(':')?;
        let is_url = rest.starts_with("//") || Url::parse(&self.0).is_ok_and(|url| url.has_host());
        is_url.then_some(scheme)
    }

    /// `text`, with every URL in it shown as a location. For the words of others.
    pub fn cleaned(text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        for word in text.split_inclusive(|letter: char| letter.is_whitespace() || "\"'`<>()".contains(letter))
        {
            let end = word.char_indices().last().filter(|(_, letter)| !letter.is_alphanumeric());
            let (word, end) = word.split_at(end.map_or(word.len(), |(at, _)| at));
            // `aws-kms:///KEY?region=REGION`: without a host there is nobody to tell a secret to.
            let is_url = word.contains([':', '@']) && !word.contains(":///");
            clean.push_str(&if is_url { shown(word) } else { word.to_owned() });
            clean.push_str(end);
        }
        clean
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&shown(&self.0), f)
    }
}

impl From<&Url> for Location {
    fn from(url: &Url) -> Self {
        Self(url.as_str().to_owned())
    }
}

/// What has no secret stays as it is; of a URL that cannot be read nobody knows where the secret ends.
fn shown(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return without_scheme(text) };
    if !rest.contains(['@', '?', '#']) {
        return text.to_owned();
    }
    match Url::parse(text) {
        Ok(url) if url.has_host() => bare(url),
        _ => format!("{scheme}://…"),
    }
}

/// `http:user:secret@host` is read as a URL too, and `//user:secret@host` as one that lacks its scheme.
fn without_scheme(text: &str) -> String {
    if let Some(rest) = text.strip_prefix("//") {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        return match authority.rsplit_once('@') {
            Some((_, host)) => format!("//{host}{path}"),
            // A secret may have a slash in it.
            None if authority.contains(':') && path.contains('@') => "//…".to_owned(),
            None => text.to_owned(),
        };
    }
    match Url::parse(text) {
        Ok(url) if url.has_host() && text.contains(['@', '?', '#']) => bare(url),
        _ => text.to_owned(),
    }
}

fn bare(mut url: Url) -> String {
    // Both fail only for URLs that cannot have credentials.
    let _ = url.set_password(None).and_then(|()| url.set_username(""));
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        for (typed, seen) in [
            ("https://user:secret@a.example/x", "https://a.example/x"),
            ("HTTPS://user:secret@a.example/x", "https://a.example/x"),
            ("https://secret@a.example", "https://a.example/"),
            ("https://a.example/x?token=secret#secret", "https://a.example/x"),
            ("http:user:secret@a.example/", "http://a.example/"),
            ("s3://id:secret@bucket/prefix", "s3://bucket/prefix"),
            ("s3://bucket/prefix?token=secret", "s3://bucket/prefix"),
            ("https://user:se/secret@a.example/", "https://…"),
            ("https://user:secret@", "https://…"),
            ("--root=https://user:secret@a.example/", "--root=https://…"),
            ("//user:secret@a.example/x", "//a.example/x"),
            ("//secret@a.example", "//a.example"),
            ("//user:se@secret@a.example/", "//a.example/"),
            ("//user:se/secret@a.example/", "//…"),
        ] {
            let place = Location::new(typed);
            assert_eq!(place.to_string(), seen, "{typed}");
            assert_eq!(format!("{place:?}"), format!("{seen:?}"), "{typed}");
            assert_eq!(place.typed(), typed);
        }
    }

    #[test]
    fn what_has_no_secret_is_shown_as_typed() {
        for plain in [
            "",
            "public",
            "/srv/a@b",
            "//srv/a@b",
            "//a.example:8080/x",
            "what?",
            "https://a.example",
            "s3://bucket",
            "s3://",
            "stable",
            "a:b@c",
        ] {
            assert_eq!(Location::new(plain).to_string(), plain);
        }
        for (typed, scheme) in [
            ("https://a", Some("https")),
            ("HTTP:a", Some("HTTP")),
            ("s3://b", Some("s3")),
            ("s3:b", None),
            ("a:b@c", None),
            ("/x:y", None),
            ("public", None),
        ] {
            assert_eq!(Location::new(typed).scheme(), scheme, "{typed}");
        }
    }

    #[test]
    fn a_proxy_may_lack_its_scheme() {
        for (typed, seen) in [
            ("http://user:secret@proxy:3128", "http://proxy:3128/"),
            ("user:secret@proxy:3128", "proxy:3128"),
            ("user:se@secret@proxy", "proxy"),
            ("proxy:3128", "proxy:3128"),
            ("", ""),
        ] {
            assert_eq!(Location::of_proxy(typed), seen);
        }
    }

    #[test]
    fn the_words_of_others_lose_their_secrets() {
        let said = "failed for \"https://u:secret@a.example/x?t=secret\", and http://b.example: gone.";
        assert_eq!(
            Location::cleaned(said),
            "failed for \"https://a.example/x\", and http://b.example: gone."
        );
        for kept in ["nothing of it", "aws-kms:///alias/x?region=eu", "pkcs11:token=a?module-path=/x", ""] {
            assert_eq!(Location::cleaned(kept), kept);
        }
    }
}
