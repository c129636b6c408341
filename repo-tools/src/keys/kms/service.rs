//! Asks AWS KMS: JSON over HTTPS, signed with the credentials that S3 takes too.

use std::fmt;
use std::time::{Duration, Instant};

use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};
use object_store::client::HttpRequest;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, redirect};
use serde_json::Value;
use url::{Host, Url};

use super::KmsKey;
use super::fault::{KmsFault, KmsFaultKind};
use super::name::is_region;
use crate::aws;
use crate::store::Patience;

/// Where to ask, and as whom.
pub(super) struct Service {
    client: Client,
    credentials: AwsCredentialProvider,
    region: String,
    endpoint: Url,
    patience: Patience,
}

impl Service {
    /// By the key's region and the usual variables. Nothing is asked yet.
    pub(super) fn of(
        key: &KmsKey,
        variables: &[(String, String)],
        patience: Patience,
    ) -> Result<Self, KmsFault> {
        let settings = |reason: &str| KmsFault::new(KmsFaultKind::Settings, reason);
        let variable = |names: &[&str]| {
            let of = |name: &&str| variables.iter().find(|(known, value)| known == name && !value.is_empty());
            names.iter().find_map(of).map(|(name, value)| (name.clone(), value.clone()))
        };
        let region = if let Some(region) = &key.region {
            region.clone()
        } else {
            let named = variable(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
            let (name, region) = named.ok_or_else(|| settings("no region is named"))?;
            if !is_region(&region) {
                return Err(settings(&format!("expected the name of a region in {name}, found other signs")));
            }
            region
        };
        let endpoint = if let Some((name, text)) = variable(&["AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL"]) {
            endpoint(&text)
                .map_err(|expected| settings(&format!("expected {expected} in {name}, found another form")))?
        } else {
            let china = if region.starts_with("cn-") { ".cn" } else { "" };
            let text = format!("https://kms.{region}.amazonaws.com{china}/");
            Url::parse(&text).map_err(|_| settings("the region names no host"))?
        };
        // The store is never opened: it knows where credentials come from.
        let said = variables.iter().filter(|(_, value)| !value.is_empty()).cloned();
        let store = aws::builder(said, patience).map_err(|reason| settings(&reason))?;
        let store = store.with_region(&region).with_bucket_name("none").build();
        let store = store.map_err(|_| settings("the AWS_ variables do not fit together"))?;
        let client = Client::builder()
            .timeout(patience.answer)
            .connect_timeout(patience.answer.min(aws::CONNECT))
            // A request is signed for one host, and an answer of another host is nobody's.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|_| settings("there is no TLS on this machine"))?;
        let credentials = store.credentials().clone();
        Ok(Self { client, credentials, region, endpoint, patience })
    }

    /// One call, again where that can help: both calls that we make may be made twice.
    pub(super) async fn ask(&self, action: &'static str, body: &Value) -> Result<Value, KmsFault> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(200);
        for _ in 0..self.patience.retries {
            match self.ask_once(action, body).await {
                Err(fault) if fault.kind.is_transient() && began.elapsed() + pause < self.patience.in_all => {
                    tokio::time::sleep(pause).await;
                }
                other => return other,
            }
            pause = (pause * 3).min(Duration::from_secs(5));
        }
        self.ask_once(action, body).await
    }

    async fn ask_once(&self, action: &'static str, body: &Value) -> Result<Value, KmsFault> {
        let body = body.to_string();
        let headers = self.signed(action, &body).await?;
        let sent = self.client.post(self.endpoint.clone()).headers(headers).body(body).send().await;
        let mut response = sent.map_err(|error| KmsFault::of_transport(&error))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| KmsFault::of_transport(&error))? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(KmsFault::new(KmsFaultKind::Answer, "the answer has no end"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let answer = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
        let status = response.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let words = text("message").or_else(|| text("Message")).unwrap_or_default();
        Err(KmsFault::of_answer(status.as_u16(), text("__type").unwrap_or_default(), words))
    }

    /// The headers of a request, with the signature in them.
    async fn signed(&self, action: &'static str, body: &str) -> Result<HeaderMap, KmsFault> {
        let credential = self.credentials.get_credential().await;
        let credential = credential.map_err(|error| KmsFault::of_credentials(&error))?;
        // The library puts them into headers and does not look before; from variables they have been looked at.
        let carried = [Some(&credential.key_id), credential.token.as_ref()];
        if !carried.into_iter().flatten().all(|text| aws::is_carried(text)) {
            let reason = "failed to get credentials: found signs in them that no request can carry";
            return Err(KmsFault::new(KmsFaultKind::Credentials, reason));
        }
        let mut request = HttpRequest::new(body.to_owned().into());
        *request.method_mut() = Method::POST;
        let no_form = || KmsFault::new(KmsFaultKind::Settings, "the request to AWS KMS has no form");
        *request.uri_mut() = self.endpoint.as_str().parse().map_err(|_| no_form())?;
        let target = HeaderValue::from_str(&format!("TrentService.{action}")).map_err(|_| no_form())?;
        request.headers_mut().insert("x-amz-target", target);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        AwsAuthorizer::new(&credential, "kms", &self.region)
            .try_authorize(&mut request, None)
            .map_err(|_| no_form())?;
        Ok(request.into_parts().0.headers)
    }
}

/// Nothing of who signs.
impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("region", &self.region).finish_non_exhaustive()
    }
}

/// A server by its URL. Whoever stands on the way could answer with a key pair of his own, so that way is encrypted, or
/// leads nowhere.
fn endpoint(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "a URL")?;
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return Err("a URL with a host"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL without a user");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if here => Ok(url),
        _ => Err("https://, or http:// to this machine,"),
    }
}

/// Far above a public key of RSA 4096 in base64.
const MAX_ANSWER: usize = 64 << 10;
