//! What the `AWS_` variables say, for everything that asks one of Amazon's services.

use std::ffi::OsString;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::HttpRequest;
use object_store::{BackoffConfig, ClientConfigKey, RetryConfig};
use url::Url;

use crate::store::Patience;

/// The variables of this process, as text: what is no UTF-8 names nothing that we ask for.
pub(crate) fn variables() -> Vec<(String, String)> {
    let pair =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(pair).collect()
}

/// The variables that are understood, in the library's form. Credentials come from variables, a web identity, or the
/// role of a container or machine, in this order.
///
/// # Errors
/// A value that the library would stumble over in the middle of a request: it names the variable, and repeats only what
/// cannot be a secret.
pub(crate) fn builder(
    variables: impl IntoIterator<Item = (String, String)>,
    patience: Patience,
) -> Result<AmazonS3Builder, String> {
    let mut builder = AmazonS3Builder::new();
    let mut plain_http = false;
    for (name, value) in variables {
        let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() else { continue };
        if !name.starts_with("AWS_") {
            continue;
        }
        check(key, &value)
            .map_err(|(expected, found)| format!("expected {expected} in {name}, found {found}"))?;
        // Who writes http:// means it: what hosts believe is signed, and requests carry no secret.
        if matches!(key, AmazonS3ConfigKey::Endpoint | AmazonS3ConfigKey::S3Endpoint) {
            plain_http |= value.starts_with("http://");
        }
        builder = builder.with_config(key, value);
    }
    let client = |key| AmazonS3ConfigKey::Client(key);
    if plain_http {
        builder = builder.with_config(client(ClientConfigKey::AllowHttp), "true");
    }
    let millis = |time: Duration| format!("{}ms", time.as_millis());
    Ok(builder
        .with_config(client(ClientConfigKey::Timeout), millis(patience.answer))
        .with_config(client(ClientConfigKey::ConnectTimeout), millis(patience.answer.min(CONNECT)))
        .with_retry(RetryConfig {
            backoff: BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() },
            max_retries: patience.retries,
            retry_timeout: patience.in_all,
        }))
}

/// What was expected of this value and what was found; the library puts values into URLs and headers and does not look
/// before.
fn check(key: AmazonS3ConfigKey, value: &str) -> Result<(), (&'static str, String)> {
    use AmazonS3ConfigKey as Name;
    let (is_right, expected) = match key {
        Name::Endpoint | Name::S3Endpoint | Name::StsEndpoint | Name::MetadataEndpoint => {
            (is_url(value) && !value.contains(['?', '#']), "https://HOST or http://HOST")
        }
        Name::ContainerCredentialsFullUri => (is_url(value), "an http:// or https:// URL"),
        Name::ContainerCredentialsRelativeUri => {
            (value.starts_with('/') && is_url(&format!("http://host{value}")), "a path that begins with /")
        }
        Name::Region | Name::DefaultRegion => (is_region(value), "the name of a region"),
        Name::AccessKeyId | Name::SecretAccessKey | Name::Token => {
            let found = "a space, a line end or another sign that no credential has";
            return if is_carried(value) { Ok(()) } else { Err(("a credential", found.into())) };
        }
        Name::ImdsV1Fallback
        | Name::VirtualHostedStyleRequest
        | Name::S3Express
        | Name::UnsignedPayload
        | Name::SkipSignature
        | Name::DisableTagging
        | Name::DisableBulkDelete
        | Name::RequestPayer
        | Name::Client(ClientConfigKey::AllowHttp) => {
            let known = |known: &str| value.eq_ignore_ascii_case(known);
            (SWITCHES.iter().any(|one| known(one)), "true or false")
        }
        _ => (!value.chars().any(char::is_control), "one line"),
    };
    if is_right { Ok(()) } else { Err((expected, found(value))) }
}

/// A value for people: what may have a secret in it, or has no end, is not repeated.
fn found(value: &str) -> String {
    if value.is_empty() {
        "nothing".to_owned()
    } else if value.len() > 200 || value.contains(['@', '?', '#', '=']) {
        "another form".to_owned()
    } else {
        format!("{value:?}")
    }
}

/// A URL as it stands, for the library that makes URLs of it and for the one that sends them.
fn is_url(value: &str) -> bool {
    let has_scheme = value.starts_with("https://") || value.starts_with("http://");
    let mut request = HttpRequest::new(String::new().into());
    has_scheme
        && value.bytes().all(|byte| byte.is_ascii_graphic())
        && Url::parse(value).is_ok_and(|url| url.has_host())
        && value.parse().map(|uri| *request.uri_mut() = uri).is_ok()
}

/// It becomes part of a host's name, or of a header; other servers than Amazon's have names like `RegionOne`.
fn is_region(value: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&value.len()) && value.bytes().all(known)
}

/// Whether a header can carry a credential.
pub(crate) fn is_carried(credential: &str) -> bool {
    credential.bytes().all(|byte| byte.is_ascii_graphic())
}

/// No connection for so long: there is none.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);
/// What the library takes for yes and no.
const SWITCHES: [&str; 10] = ["1", "true", "on", "yes", "y", "0", "false", "off", "no", "n"];

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, value: &str) -> Option<String> {
        builder([(name.to_owned(), value.to_owned())], Patience::default()).err()
    }

    #[test]
    fn a_value_that_cannot_be_meant_is_named() {
        let urls =
            ["", "localhost:9000", "http://host:port", "https://a.example ", "\"http://a\"", "ht tp://a"];
        let more = ["http://[::1", "http://", "ftp://a", "https://a\n", "http://a/?x=1", "http:a"];
        for value in urls.into_iter().chain(more) {
            for name in [
                "AWS_ENDPOINT_URL",
                "AWS_ENDPOINT",
                "AWS_ENDPOINT_URL_S3",
                "AWS_ENDPOINT_URL_STS",
                "AWS_METADATA_ENDPOINT",
            ] {
                let said = refusal(name, value).unwrap_or_default();
                assert!(said.contains(&format!("in {name}, found ")), "{name}={value:?}: {said}");
            }
        }
        for (name, value) in [
            ("AWS_REGION", "eu central"),
            ("AWS_REGION", "eu-central-1\n"),
            ("AWS_REGION", "../x"),
            ("AWS_REGION", ""),
            ("AWS_DEFAULT_REGION", "a.b/c"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "x"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/a b"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "x"),
            ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "maybe"),
            ("AWS_SKIP_SIGNATURE", ""),
            ("AWS_ACCESS_KEY_ID", "AKIA "),
            ("AWS_SECRET_ACCESS_KEY", "secret\n"),
            ("AWS_ROLE_ARN", "arn\n"),
        ] {
            let said = refusal(name, value).unwrap_or_default();
            assert!(
                said.starts_with("expected ") && said.contains(&format!("in {name}, found ")),
                "{name}: {said}"
            );
        }
        for value in ["user:secret@host", "http://user:secret@ho st", "https://a?token=secret", "a=secret"] {
            let said = refusal("AWS_ENDPOINT_URL", value).unwrap_or_default();
            assert!(said.ends_with("found another form"), "{value}: {said}");
        }
    }

    #[test]
    fn what_is_meant_is_taken() {
        for (name, value) in [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9000"),
            ("AWS_ENDPOINT_URL", "http://[::1]:9000/"),
            ("AWS_ENDPOINT_URL", "https://user:secret@s3.example/base"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_REGION", "RegionOne"),
            ("AWS_ALLOW_HTTP", "True"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials?x=1"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials?id=1"),
            ("AWS_PROFILE", "two words"),
            ("aws_region", "not ours"),
        ] {
            assert_eq!(refusal(name, value), None, "{name}={value}");
        }
    }
}
