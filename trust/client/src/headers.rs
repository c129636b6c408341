//! What headers mean, as functions of their text.

use std::ops::Range;
use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
    RETRY_AFTER,
};

/// `bytes a-b/total`, and nothing else: no unknown total, no spaces to argue about.
pub(crate) fn content_range(range: &Range<u64>, total: u64) -> String {
    format!("bytes {}-{}/{total}", range.start, range.end.saturating_sub(1))
}

/// `bytes=a-b`.
pub(crate) fn range(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end.saturating_sub(1))
}

/// The answer to a range request in the words of [`content_range`], for comparing and for errors.
pub(crate) fn found_range(status: u16, headers: &HeaderMap) -> String {
    let encoding = text(headers, &CONTENT_ENCODING).filter(|encoding| *encoding != "identity");
    match (status, text(headers, &CONTENT_RANGE), encoding) {
        (206, Some(range), None) => range.trim().to_owned(),
        (206, _, Some(encoding)) => format!("206 with Content-Encoding {encoding}"),
        (206, None, None) => "206 without Content-Range".to_owned(),
        _ => format!("status {status}"),
    }
}

/// Whether and how long the server asks to wait. A date is measured against the server's own `Date`, so that the
/// host's clock does not matter.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let wish = text(headers, &RETRY_AFTER)?.trim();
    if let Ok(secs) = wish.parse() {
        return Some(Duration::from_secs(secs));
    }
    let until = DateTime::parse_from_rfc2822(wish).ok()?;
    let date = DateTime::parse_from_rfc2822(text(headers, &DATE)?).ok()?;
    Some((until - date).to_std().unwrap_or(Duration::ZERO))
}

/// What says that two answers are parts of the same file: a strong `ETag`, else `Last-Modified`.
pub(crate) fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    let strong = headers.get(ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/"));
    strong.or_else(|| headers.get(LAST_MODIFIED)).cloned()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_the_exact_range_counts() {
        let want = content_range(&(10..20), 100);
        assert_eq!(range(&(10..20)), "bytes=10-19");
        assert_eq!(found_range(206, &headers(&[(CONTENT_RANGE, "bytes 10-19/100")])), want);
        for (status, pairs) in [
            (200, vec![(CONTENT_RANGE, "bytes 10-19/100")]),
            (206, vec![]),
            (206, vec![(CONTENT_RANGE, "bytes 10-19/*")]),
            (206, vec![(CONTENT_RANGE, "bytes 10-19/101")]),
            (206, vec![(CONTENT_RANGE, "bytes 0-9/100")]),
            (206, vec![(CONTENT_RANGE, "bytes 10-19/100"), (CONTENT_ENCODING, "gzip")]),
        ] {
            assert_ne!(found_range(status, &headers(&pairs)), want, "{status} {pairs:?}");
        }
    }

    #[test]
    fn retry_after_in_seconds_and_as_a_date() {
        let date = (DATE, "Wed, 25 Nov 2026 10:00:00 GMT");
        for (wish, secs) in [
            ("120", Some(120)),
            ("Wed, 25 Nov 2026 10:00:30 GMT", Some(30)),
            ("Wed, 25 Nov 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            let found = retry_after(&headers(&[(RETRY_AFTER, wish), date.clone()]));
            assert_eq!(found, secs.map(Duration::from_secs), "{wish}");
        }
    }

    #[test]
    fn a_weak_tag_does_not_join_parts() {
        assert_eq!(validator(&headers(&[(ETAG, "\"a\"")])), Some(HeaderValue::from_static("\"a\"")));
        assert_eq!(validator(&headers(&[(ETAG, "W/\"a\"")])), None);
    }
}
