//! Keys on PKCS#11 tokens: HSMs, smart cards, `SoftHSM`. The private key never leaves the token.

mod public;
mod uri;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::rand::SecureRandom;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as TokenError, RvError};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::RawAuthPin;
use release::Digest;
use tough::schema::key::Key;
use tough::sign::Sign;

use crate::error::{Error, Result};
use crate::keys::proof::{PROOF, verifies};
use crate::keys::read::read_private;
use crate::keys::secret::{Purpose, Secret, Secrets};
use crate::keys::{KeyError, Signer};
use public::{Kind, ecdsa_der, listed, public_in, public_of};
pub use uri::TokenKey;

/// Finds the key and logs in. `origin` is the URI as typed; it holds no secret.
pub(super) fn open(key: &TokenKey, origin: &Path, secrets: &dyn Secrets) -> Result<Signer> {
    let refused = |reason: String| Error::Key(KeyError::Refused { key: origin.to_owned(), reason });
    let (session, token) = session(key).map_err(refused)?;
    if token.login_required() {
        let pin = match &key.pin_file {
            // The token asks for it on its own keys.
            None if token.protected_authentication_path() => None,
            None => Some(secrets.secret(Purpose::Pin, origin)?),
            Some(path) => Some(Secret::first_line(&read_private(path)?)),
        };
        log_in(&session, pin.as_ref()).map_err(refused)?;
    }
    let private = one(&session, key, ObjectClass::PRIVATE_KEY).map_err(refused)?;
    let (kind, public) = public_of(&session, private).map_err(refused)?;
    let on_token = OnToken { session: Mutex::new(session), private, kind, public, origin: origin.to_owned() };
    on_token.prove()?;
    Signer::over(Box::new(on_token), origin)
}

/// The public half that everybody can see: nobody logs in, so no PIN is asked for and no wrong one locks the token.
pub(super) fn see(key: &TokenKey, origin: &Path) -> Result<Key> {
    let seen = session(key).and_then(|(session, _)| {
        let object = one(&session, key, ObjectClass::PUBLIC_KEY)?;
        public_in(&session, object)
    });
    seen.map_err(|reason| Error::Key(KeyError::Refused { key: origin.to_owned(), reason }))
}

/// A private key on a token, with an open session.
struct OnToken {
    session: Mutex<Session>,
    private: ObjectHandle,
    kind: Kind,
    public: Key,
    origin: PathBuf,
}

impl OnToken {
    /// Ids and labels are what somebody typed once; that the two halves belong together is shown by a signature alone.
    fn prove(&self) -> Result<()> {
        if verifies(&self.public, PROOF, &self.signature(PROOF).map_err(Error::Key)?) {
            return Ok(());
        }
        let reason = "the public key with its id and label belongs to another private key".to_owned();
        Err(Error::Key(KeyError::Refused { key: self.origin.clone(), reason }))
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let signed = match self.kind {
            Kind::Rsa => session.sign(&Mechanism::Sha256RsaPkcsPss(PSS), self.private, message),
            Kind::Ecdsa => session.sign(&Mechanism::Ecdsa, self.private, Digest::of(message).bytes()),
            Kind::Ed25519 => {
                let plain = EddsaParams::new(EddsaSignatureScheme::Ed25519);
                session.sign(&Mechanism::Eddsa(plain), self.private, message)
            }
        };
        let refused = |reason: String| KeyError::Refused { key: self.origin.clone(), reason };
        let signature = signed.map_err(|error| refused(said(&error)))?;
        match self.kind {
            Kind::Rsa | Kind::Ed25519 => Ok(signature),
            Kind::Ecdsa => {
                ecdsa_der(&signature).ok_or_else(|| refused("the token gave no P-256 signature".into()))
            }
        }
    }
}

#[async_trait]
impl Sign for OnToken {
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

/// What TUF's rsassa-pss-sha256 means: the digest for the mask too, a salt as long as the digest.
const PSS: PkcsPssParams = PkcsPssParams {
    hash_alg: MechanismType::SHA256,
    mgf: PkcsMgfType::MGF1_SHA256,
    s_len: cryptoki::types::Ulong::new(32),
};

fn session(key: &TokenKey) -> Result<(Session, TokenInfo), String> {
    let library = library(key)?;
    let context = Pkcs11::new(&library)
        .map_err(|error| format!("failed to load {}: {}", library.display(), said(&error)))?;
    match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // Another key of this run is on a token of the same library.
        Ok(()) | Err(TokenError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(said(&error)),
    }
    let (slot, token) = slot(&context, key)?;
    let session = context.open_ro_session(slot).map_err(|error| said(&error))?;
    Ok((session, token))
}

fn library(key: &TokenKey) -> Result<PathBuf, String> {
    let named = key.module.clone().or_else(|| std::env::var_os(MODULE).map(PathBuf::from));
    let path = named.ok_or_else(|| format!("expected module-path in the URI, or {MODULE}, found neither"))?;
    // A bare name would be searched for in places that others may write to.
    if path.is_absolute() { Ok(path) } else { Err("expected an absolute path to the PKCS#11 library".into()) }
}

/// The one token that fits; two that fit are as bad as none.
fn slot(context: &Pkcs11, key: &TokenKey) -> Result<(Slot, TokenInfo), String> {
    let mut fitting = Vec::new();
    for slot in context.get_slots_with_token().map_err(|error| said(&error))? {
        let Ok(token) = context.get_token_info(slot) else { continue };
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found.trim_end())
        };
        if token.token_initialized()
            && is(&key.token, token.label())
            && is(&key.serial, token.serial_number())
            && is(&key.manufacturer, token.manufacturer_id())
            && is(&key.model, token.model())
            && key.slot.is_none_or(|wanted| wanted == slot.id())
        {
            fitting.push((slot, token));
        }
    }
    match fitting.len() {
        1 => fitting.pop().ok_or_else(String::new),
        0 => Err("no such token is there".into()),
        count => Err(format!("{count} tokens fit; name one by token= or serial=")),
    }
}

fn log_in(session: &Session, pin: Option<&Secret>) -> Result<(), String> {
    let result = match pin {
        Some(pin) => {
            let pin = RawAuthPin::new(Box::new(pin.expose().to_vec()));
            session.login_with_raw(UserType::User, &pin)
        }
        None => session.login(UserType::User, None),
    };
    match result {
        // By the session of another key of this run.
        Ok(()) | Err(TokenError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(TokenError::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _)) => {
            Err("the PIN is wrong; a token locks itself after a few wrong ones".into())
        }
        Err(TokenError::Pkcs11(RvError::PinLocked, _)) => Err("the PIN is locked".into()),
        Err(error) => Err(said(&error)),
    }
}

/// The one key of this class that the URI names. Any other number is an error that lists what is there to choose from.
fn one(session: &Session, key: &TokenKey, class: ObjectClass) -> Result<ObjectHandle, String> {
    let kind = if class == ObjectClass::PUBLIC_KEY { "public" } else { "private" };
    let class = Attribute::Class(class);
    let mut wanted = vec![class.clone()];
    wanted.extend(key.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
    wanted.extend(key.id.as_ref().map(|id| Attribute::Id(id.clone())));
    let found = session.find_objects(&wanted).map_err(|error| said(&error))?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => {
            let all = session.find_objects(&[class]).map_err(|error| said(&error))?;
            Err(format!("the token has no such {kind} key, it has {}", listed(session, &all)))
        }
        several => {
            let list = listed(session, several);
            Err(format!("{} {kind} keys fit, name one by object= and id=: {list}", several.len()))
        }
    }
}

/// What the library says, in one line.
fn said(error: &TokenError) -> String {
    match error {
        TokenError::Pkcs11(value, function) => format!("{function} failed: {value:?}"),
        other => other.to_string().replace('\n', " "),
    }
}

/// Names the PKCS#11 library where the URI does not.
const MODULE: &str = "UPDOG_PKCS11_MODULE";
