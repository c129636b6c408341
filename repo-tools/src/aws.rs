//! What the `AWS_` variables say, for everything that asks one of Amazon's services.

use std::ffi::OsString;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::{BackoffConfig, ClientConfigKey, RetryConfig};

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
/// A credential that no request could carry; it is not repeated.
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
        match key {
            // Who writes http:// means it: what hosts believe is signed, and requests carry no secret.
            AmazonS3ConfigKey::Endpoint | AmazonS3ConfigKey::S3Endpoint => {
                plain_http |= value.starts_with("http://");
            }
            // The library puts them into headers and does not look before.
            AmazonS3ConfigKey::AccessKeyId
            | AmazonS3ConfigKey::SecretAccessKey
            | AmazonS3ConfigKey::Token
                if !is_carried(&value) =>
            {
                return Err(format!("{name} has a space, a line end or another sign that no credential has"));
            }
            _ => {}
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

/// Whether a header can carry a credential.
pub(crate) fn is_carried(credential: &str) -> bool {
    credential.bytes().all(|byte| byte.is_ascii_graphic())
}

/// No connection for so long: there is none.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);
