//! Where metadata and targets come from: mirrors on the network, or a bundle that somebody carried here. The rules are the same
//! for both.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use release::manifest::{self, Manifest};
use release::{Digest, Images};
use trust_client::{Mirror, Mirrors, Store, Target, TransportConfig, Trusted, refresh};
use trust_core::{Expiry, Freshness};
use url::Url;

use super::bundle::Bundle;
use super::error::Error;
use super::http::HttpFrames;
use super::online::Online;
use super::source::FrameSource;
use crate::config::Settings;
use crate::state::file;
use crate::{Context, Options, Result};

/// A repository whose metadata is trusted for this run.
#[derive(Debug)]
pub(super) struct Repository {
    /// The time that expiry and waves are measured with.
    pub(super) now: DateTime<Utc>,
    /// How far the clock is behind that, when it is worth a word.
    pub(super) clock_behind: Option<TimeDelta>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Mirrors(Box<(Online, Trusted)>),
    Carried(Box<Bundle>),
}

impl Repository {
    /// Brings the metadata up to date. What is trusted is kept in the store, so that no later run trusts less.
    pub(super) fn open(ctx: &Context<'_>, options: &Options) -> Result<Repository> {
        let settings = &ctx.config;
        let root = shipped_root(&settings.root)?;
        let store = Store::open(ctx.state.dir().join("trust")).map_err(Error::Refresh)?;
        let build_time = settings.build_time.unwrap_or(DateTime::UNIX_EPOCH);
        let time = trust_core::now(ctx.now, trust_core::floor(build_time, store.signed_at(&root)));
        if let Some(behind) = time.clock_behind {
            let hours = behind.num_hours();
            ctx.note(format!(
                "the clock is {hours} h behind what was signed last; going by the latter (clock_behind)"
            ));
        }
        let fresh = Freshness { now: time.at, expiry: Expiry::Enforce };
        let place = if let Some(path) = &options.bundle {
            Place::Carried(Box::new(Bundle::open(path, &store, &root, fresh)?))
        } else {
            let mirrors = mirrors(settings)?;
            let online = Online::new(transport(settings, options), ctx.interrupt.clone())?;
            let trusted = online.wait(refresh(online.transport(), &store, &mirrors, &root, fresh))?;
            Place::Mirrors(Box::new((online, trusted.map_err(Error::Refresh)?)))
        };
        Ok(Repository { now: time.at, clock_behind: time.clock_behind, place })
    }

    /// Versions and expiries of the top-level roles.
    pub(super) fn roles(&self) -> Option<trust_core::Trusted> {
        match &self.place {
            Place::Mirrors(place) => place.1.roles(),
            Place::Carried(bundle) => bundle.roles(),
        }
    }

    /// What the metadata says about a target.
    pub(super) fn target(&mut self, name: &str) -> Result<Target, Error> {
        match &mut self.place {
            Place::Mirrors(place) => {
                let (online, trusted) = place.as_mut();
                let target = online.wait(trusted.target(online.transport(), name))?;
                target.map_err(|source| Error::Target { name: name.to_owned(), source })
            }
            Place::Carried(bundle) => bundle.target(name),
        }
    }

    /// The digest of the manifest, where that is known without reading the targets role: nothing was published since this host
    /// has read both. A copy that was carried here is read.
    pub(super) fn known_manifest(&self) -> Option<Digest> {
        let Place::Mirrors(place) = &self.place else { return None };
        place.1.session().known(manifest::TARGET_NAME)?.sha256().map(Digest::from)
    }

    /// The manifest's bytes; their length and digest are right.
    pub(super) fn manifest(&mut self) -> Result<Vec<u8>, Error> {
        let (name, max) = (manifest::TARGET_NAME, manifest::MAX_LENGTH as u64);
        match &mut self.place {
            Place::Mirrors(place) => {
                let (online, trusted) = place.as_mut();
                let bytes = online.wait(trusted.kept_target_bytes(online.transport(), name, max))?;
                bytes.map(Vec::from).map_err(|source| Error::Target { name: name.to_owned(), source })
            }
            Place::Carried(bundle) => bundle.target_bytes(name, max),
        }
    }

    /// A whole target of at most `max` bytes; its length and digest are right.
    pub(super) fn bytes(&mut self, name: &str, max: u64) -> Result<Vec<u8>, Error> {
        match &mut self.place {
            Place::Mirrors(place) => {
                let (online, trusted) = place.as_mut();
                let bytes = online.wait(trusted.target_bytes(online.transport(), name, max))?;
                bytes.map(Vec::from).map_err(|source| Error::Target { name: name.to_owned(), source })
            }
            Place::Carried(bundle) => bundle.target_bytes(name, max),
        }
    }

    /// Takes out of the manifest the releases whose files are not here, and says how many they were: those that a bundle
    /// leaves out cannot be chosen.
    pub(super) fn keep_held(&mut self, manifest: &mut Manifest) -> usize {
        let Place::Carried(bundle) = &mut self.place else { return 0 };
        let before = manifest.updates.len();
        manifest.updates.retain(|update| bundle.holds(update));
        before.saturating_sub(manifest.updates.len())
    }

    /// Whether a target may be here: a bundle holds some, a mirror is to be asked.
    pub(super) fn may_hold(&mut self, name: &str) -> bool {
        match &mut self.place {
            Place::Mirrors(_) => true,
            Place::Carried(bundle) => bundle.has(name),
        }
    }

    /// Where these targets are, one for each image at most.
    pub(super) fn files(&self, targets: Images<Option<Target>>) -> Box<dyn FrameSource + '_> {
        match &self.place {
            Place::Mirrors(place) => {
                let (online, trusted) = place.as_ref();
                let mirrors: Vec<Url> = trusted.targets_urls().cloned().collect();
                Box::new(HttpFrames { online, mirrors, targets, turns: Mutex::default() })
            }
            Place::Carried(bundle) => Box::new(bundle.files(&targets)),
        }
    }
}

/// The root that came with the image: the start of all trust.
fn shipped_root(path: &Path) -> Result<Vec<u8>, Error> {
    file::whole(path, file::TEXT).map_err(|source| Error::ReadRoot { path: PathBuf::from(path), source })
}

fn mirrors(settings: &Settings) -> Result<Mirrors> {
    let mut mirrors = None;
    for place in settings.places()? {
        let (metadata, targets) = (place.metadata.as_str(), place.targets.as_str());
        mirrors = Some(match mirrors {
            None => Mirrors::one(metadata, targets).map_err(Error::Setup)?,
            Some(mirrors) => Mirrors::or(mirrors, Mirror::new(metadata, targets).map_err(Error::Setup)?),
        });
    }
    // `places` has at least one, or has failed.
    mirrors.ok_or_else(|| Error::Thread.into())
}

/// How the network is reached, as configured.
pub(super) fn transport(settings: &Settings, options: &Options) -> TransportConfig {
    let default = TransportConfig::default();
    TransportConfig {
        proxy: settings.https_proxy.clone(),
        no_proxy: settings.no_proxy.clone(),
        ca_bundle: settings.ca_bundle.clone(),
        stall: settings.stall,
        connect: settings.connect,
        retries: settings.retries,
        user_agent: settings.user_agent.clone().unwrap_or_else(|| default.user_agent.clone()),
        limit_rate: options.limit_rate.or(settings.limit_rate),
        ..default
    }
}
