//! Where an answer may send a reader: a redirect must not take away what the operator asked for.

use std::error::Error as StdError;

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::redirect::{Action, Attempt};
use url::Url;

use crate::error::{Error, shown};
use crate::location::Location;

/// At most five, never out of http and https, and never from https to http.
pub(crate) fn follow(attempt: Attempt<'_>) -> Action {
    let was_https = attempt.previous().iter().any(|url| url.scheme() == "https");
    let expected = match attempt.url().scheme() {
        "https" => None,
        "http" => was_https.then_some(HTTPS),
        _ => Some(if was_https { HTTPS } else { HTTP }),
    };
    if let Some(expected) = expected {
        let found = shown(attempt.url());
        attempt.error(Away { expected, found })
    } else if attempt.previous().len() > 5 {
        attempt.error("more than 5 redirects")
    } else {
        attempt.follow()
    }
}

/// What [`follow`] refused, if that is what ended the request for `url`.
pub(crate) fn refused(url: &Url, error: &reqwest::Error) -> Option<Error> {
    let mut chain = std::iter::successors(StdError::source(error), |error| StdError::source(*error));
    let away = chain.find_map(|error| error.downcast_ref::<Away>())?;
    Some(Error::RedirectAway { url: shown(url), expected: away.expected, found: away.found.clone() })
}

/// A redirect that the HTTP client hands back, since it leads to nothing that it could ask: `file:///x`, or nowhere.
pub(crate) fn unreadable(url: &Url, headers: &HeaderMap) -> Error {
    let found = headers.get(LOCATION).map_or_else(
        || "no Location".to_owned(),
        |location| match location.to_str() {
            Ok(location) => Location::new(location).to_string().chars().take(LONGEST).collect(),
            Err(_) => "a Location that is no URL".to_owned(),
        },
    );
    Error::RedirectAway {
        url: shown(url),
        expected: if url.scheme() == "https" { HTTPS } else { HTTP },
        found,
    }
}

/// Why a redirect is not followed, through the HTTP client and back.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected}, found {found}")]
struct Away {
    expected: &'static str,
    found: String,
}

const HTTP: &str = "an http or https URL";
const HTTPS: &str = "an https URL";
/// Letters of a Location that a message has room for.
const LONGEST: usize = 200;
