//! A lock's packages, downloaded and checked.

use std::path::PathBuf;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use release::Digest;
use trust_client::{Location, Transport, TransportConfig};
use url::Url;

use super::{Cache, Deb, Error, Fetched, Mirror};
use crate::lock::{Lock, Locked};

/// Every package of the lock: from the cache, else from the mirror. Nothing opens a package before its length and digest
/// are those of the lock. What came whole before an error is kept. `say` gets a line per download.
pub fn fetch(lock: &Lock, mirror: &Mirror, cache: &Cache, say: &dyn Fn(&str)) -> Result<Fetched, Error> {
    let missing = missing(lock, cache)?;
    if !missing.is_empty() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| Error::Run { program: "the downloads", source })?;
        runtime.block_on(download(&missing, mirror, cache, say))?;
    }
    let here = |locked: &Locked| match cache.find(locked)? {
        Some(file) => Ok(Deb { locked: locked.clone(), file }),
        None => Err(differs(locked, "found other bytes in the cache".to_owned())),
    };
    let all = |list: &[Locked]| list.iter().map(here).collect::<Result<Vec<Deb>, Error>>();
    Ok(Fetched { root: all(&lock.root)?, kernel: all(&lock.kernel)? })
}

fn missing<'a>(lock: &'a Lock, cache: &Cache) -> Result<Vec<&'a Locked>, Error> {
    let mut missing = Vec::new();
    for locked in lock.all() {
        if cache.find(locked)?.is_none() {
            missing.push(locked);
        }
    }
    Ok(missing)
}

async fn download(
    missing: &[&Locked],
    mirror: &Mirror,
    cache: &Cache,
    say: &dyn Fn(&str),
) -> Result<(), Error> {
    let config = TransportConfig { user_agent: USER_AGENT.to_owned(), ..TransportConfig::default() };
    let transport = match Transport::new(config) {
        Ok(transport) => transport,
        Err(error) => return Err(fetch_error(missing[0], error)),
    };
    let one = |(at, locked): (usize, &&Locked)| {
        let transport = transport.clone();
        let locked: Locked = (**locked).clone();
        async move {
            let Locked { package, version, size, .. } = &locked;
            say(&format!("download {} of {}: {package} {version}, {size} bytes", at + 1, missing.len()));
            one(&transport, &locked, mirror, cache).await
        }
    };
    stream::iter(missing.iter().enumerate().map(one))
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<PathBuf>>()
        .await?;
    Ok(())
}

async fn one(
    transport: &Transport,
    locked: &Locked,
    mirror: &Mirror,
    cache: &Cache,
) -> Result<PathBuf, Error> {
    let base = mirror.base(&locked.path);
    let bytes = match transport.get(base, &locked.path, locked.size).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let (package, version) = (locked.package.clone(), locked.version.clone());
            return Err(Error::Gone { package, version, mirror: shown(base) });
        }
        Err(trust_client::Error::TooLong { .. }) => {
            return Err(differs(locked, "found more bytes".to_owned()));
        }
        Err(error) => return Err(fetch_error(locked, error)),
    };
    let digest = Digest::of(&bytes);
    if u64::try_from(bytes.len()) != Ok(locked.size) || digest != locked.sha256 {
        return Err(differs(locked, format!("found {} bytes with SHA-256 {digest}", bytes.len())));
    }
    cache.keep(locked, &bytes)
}

/// A mirror without the password that it may be asked with.
pub(super) fn shown(mirror: &Url) -> String {
    Location::from(mirror).to_string()
}

fn fetch_error(locked: &Locked, source: trust_client::Error) -> Error {
    let (package, version) = (locked.package.clone(), locked.version.clone());
    Error::Fetch { package, version, source: Box::new(source) }
}

fn differs(locked: &Locked, found: String) -> Error {
    let Locked { package, version, size, sha256, .. } = locked.clone();
    Error::Differs { package, version, found, size, sha256 }
}

/// Mirrors are polite to few connections.
const AT_ONCE: usize = 4;
const USER_AGENT: &str = concat!("updog-image/", env!("CARGO_PKG_VERSION"));
