//! Keys in AWS KMS: the service signs a digest, the private key never leaves it.

mod fault;
mod name;
mod service;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::rand::SecureRandom;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use release::Digest;
use serde_json::{Value, json};
use tough::schema::key::Key;
use tough::sign::Sign;

use crate::aws::variables;
use crate::error::{Error, Result};
use crate::keys::proof::{PROOF, verifies};
use crate::keys::public::key_of_spki;
use crate::keys::{KeyError, Signer};
use crate::store::Patience;
use crate::worker::Worker;
pub use fault::{KmsFault, KmsFaultKind};
pub use name::KmsKey;
use service::Service;

impl KmsKey {
    /// Asks for the public half and has the key sign a fixed sentence, by which the two belong together. `origin` is the
    /// URI as typed; the variables are those of an environment.
    pub fn open(&self, origin: &Path, variables: &[(String, String)], patience: Patience) -> Result<Signer> {
        let in_kms = InKms::ask(self, origin, variables, patience).map_err(Error::Key)?;
        in_kms.prove().map_err(Error::Key)?;
        Signer::over(Box::new(in_kms), origin)
    }

    /// The public half, unproven: nothing is signed.
    pub(super) fn see(&self, origin: &Path) -> Result<Key> {
        let in_kms = InKms::ask(self, origin, &variables(), PATIENCE).map_err(Error::Key)?;
        Ok(in_kms.public)
    }
}

/// With the variables of this process.
pub(super) fn open(key: &KmsKey, origin: &Path) -> Result<Signer> {
    key.open(origin, &variables(), PATIENCE)
}

struct InKms {
    service: Arc<Service>,
    worker: Worker,
    id: String,
    algorithm: &'static str,
    public: Key,
    origin: PathBuf,
}

impl InKms {
    fn ask(
        key: &KmsKey,
        origin: &Path,
        variables: &[(String, String)],
        patience: Patience,
    ) -> Result<Self, KeyError> {
        let failed = |fault| KeyError::Service { key: origin.to_owned(), fault };
        let service = Arc::new(Service::of(key, variables, patience).map_err(failed)?);
        let worker = Worker::start().map_err(|error| failed(no_thread(&error)))?;
        let answer = call(&worker, &service, "GetPublicKey", json!({ "KeyId": key.id })).map_err(failed)?;
        let (public, algorithm) = public_of(&answer).map_err(failed)?;
        Ok(Self { service, worker, id: key.id.clone(), algorithm, public, origin: origin.to_owned() })
    }

    fn prove(&self) -> Result<(), KeyError> {
        if verifies(&self.public, PROOF, &self.signature(PROOF)?) {
            return Ok(());
        }
        Err(self.failed("the public key that AWS KMS shows belongs to another private key"))
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        // A digest, since metadata is often longer than the 4096 bytes that the service takes.
        let request = json!({
            "KeyId": self.id,
            "Message": BASE64_STANDARD.encode(Digest::of(message).bytes()),
            "MessageType": "DIGEST",
            "SigningAlgorithm": self.algorithm,
        });
        let answer = call(&self.worker, &self.service, "Sign", request)
            .map_err(|fault| KeyError::Service { key: self.origin.clone(), fault })?;
        let signature = answer.get("Signature").and_then(Value::as_str);
        let signature = signature.and_then(|text| BASE64_STANDARD.decode(text).ok());
        signature.ok_or_else(|| self.failed("the answer of AWS KMS holds no signature"))
    }

    fn failed(&self, reason: &str) -> KeyError {
        KeyError::Service { key: self.origin.clone(), fault: KmsFault::new(KmsFaultKind::Answer, reason) }
    }
}

#[async_trait]
impl Sign for InKms {
    fn tuf_key(&self) -> Key {
        self.public.clone()
    }

    async fn sign(
        &self,
        message: &[u8],
        _: &(dyn SecureRandom + Sync),
    ) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.signature(message)?)
    }
}

/// The public half, and how the private one has to sign for it.
fn public_of(answer: &Value) -> Result<(Key, &'static str), KmsFault> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let der = BASE64_STANDARD.decode(text("PublicKey")).ok().filter(|der| !der.is_empty());
    let none = || KmsFault::new(KmsFaultKind::Answer, "the answer of AWS KMS holds no public key");
    let der = der.ok_or_else(none)?;
    let other = |reason: &str| KmsFault::new(KmsFaultKind::OtherKey, reason);
    if text("KeyUsage") != "SIGN_VERIFY" {
        return Err(other("expected a key that signs, found one for another use"));
    }
    match key_of_spki(&der) {
        // The salt is as long as the digest, as TUF's rsassa-pss-sha256 wants it.
        Some(key @ Key::Rsa { .. }) => Ok((key, "RSASSA_PSS_SHA_256")),
        Some(key @ Key::Ecdsa { .. }) => Ok((key, "ECDSA_SHA_256")),
        _ => Err(other("expected an RSA or P-256 key, found another kind")),
    }
}

/// Calls and waits.
fn call(
    worker: &Worker,
    service: &Arc<Service>,
    action: &'static str,
    body: Value,
) -> Result<Value, KmsFault> {
    let service = Arc::clone(service);
    let answer = worker.run(async move { service.ask(action, &body).await });
    answer.unwrap_or_else(|panicked| Err(KmsFault::new(KmsFaultKind::Bug, panicked.to_string())))
}

fn no_thread(error: &std::io::Error) -> KmsFault {
    KmsFault::new(KmsFaultKind::Unreachable, format!("no thread for the network: {error}"))
}

/// A person waits for each signature.
const PATIENCE: Patience =
    Patience { at_once: 1, retries: 3, answer: Duration::from_secs(10), in_all: Duration::from_secs(45) };
