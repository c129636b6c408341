//! The fleet: who asks when.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use release::manifest::{Halt, Manifest, Ours, Update};
use release::{Digest, Images, ReleaseId, Version};
use serde_json::Map;
use updater_core::{Health, Host, Policy};
use waves::{Rollout, SEEDS, Seed};

use super::cost::Cost;
use super::host::{VirtualHost, World};
use super::random::Random;
use super::tally::{Fleet, Tally};

/// What is simulated.
#[derive(Debug, Clone)]
pub struct Order {
    /// How many hosts.
    pub hosts: u32,
    /// For how long, in whole hours.
    pub hours: u32,
    /// The start, at which the release is published.
    pub start: DateTime<Utc>,
    /// Its waves.
    pub rollout: Rollout,
    /// On which share of the hosts the release fails its health checks, 0 to 1.
    pub failure_rate: f64,
    /// When the pause is published, if it is.
    pub pause: Option<Pause>,
    /// Seconds from one check to the next, at least.
    pub poll_secs: u32,
    /// Each check is up to so many seconds later, at random: `RandomizedDelaySec` of the timer.
    pub jitter_secs: u32,
    /// Other numbers give other hosts; the same give the same.
    pub seed: u64,
    /// What a visit costs.
    pub cost: Cost,
}

/// The rollout stands still from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Seconds after the start at which hosts can see it.
    pub after_secs: u32,
}

/// Runs the whole time for every host.
pub fn simulate(order: &Order) -> Fleet {
    let policy = Policy::default();
    let running = manifest(order, None);
    let halted = order.pause.map(|pause| manifest(order, Some(pause)));
    let worlds = Worlds { order, policy: &policy, running: &running, halted: halted.as_ref() };
    let seeds: Vec<Seed> = Seed::all().collect();
    let mut tally = Tally::new(order.hours);
    for number in 0..order.hosts {
        let mut random = Random::of_host(order.seed, number);
        // Drawn below their number, so there always is one.
        let Some(seed) = seeds.get(random.below(SEEDS) as usize).copied() else { continue };
        let next = if random.chance(order.failure_rate) { Health::Bad } else { Health::Good };
        let (variant, arch) = (VARIANT.to_owned(), ARCH.to_owned());
        let host = Host { variant, arch, version: Version::new(1, 0, 0), seed };
        worlds.live(VirtualHost::new(host, next), next, &mut random, &mut tally);
    }
    tally.fleet(order)
}

/// What is published, from first to last.
struct Worlds<'a> {
    order: &'a Order,
    policy: &'a Policy,
    running: &'a Manifest,
    halted: Option<&'a Manifest>,
}

impl Worlds<'_> {
    /// The whole time of one host.
    fn live(&self, mut host: VirtualHost, next: Health, random: &mut Random, tally: &mut Tally) {
        let order = self.order;
        let end = order.hours.saturating_mul(3600);
        let paused_from = order.pause.map_or(u32::MAX, |pause| pause.after_secs);
        // Hosts were started at any time before.
        let mut at = random.below(order.poll_secs.saturating_add(order.jitter_secs / 2).max(1));
        let (mut seen, mut ask_at) = (Publication::Before, 0);
        while at < end {
            tally.check(at);
            let live = if at < paused_from { Publication::Release } else { Publication::Pause };
            if seen != live {
                seen = live;
                ask_at = at;
                tally.changed(at);
            }
            if at < ask_at {
                // What the last answer waits for has not come, and nothing was published: it is the same answer.
                at = self.next_check(at, random);
                continue;
            }
            let manifest = self.halted.filter(|_| live == Publication::Pause).unwrap_or(self.running);
            let turn = host
                .turn(&World { manifest, policy: self.policy }, order.start + TimeDelta::seconds(at.into()));
            if turn.took {
                tally.took(at, next);
            }
            if turn.restarted {
                // The timer of the new boot.
                at = at.saturating_add(AFTER_BOOT_SECS).saturating_add(random.below(order.jitter_secs));
                ask_at = at;
                continue;
            }
            ask_at = turn.until.map_or(u32::MAX, |until| {
                let secs = until.signed_duration_since(order.start).num_seconds();
                u32::try_from(secs.max(0)).unwrap_or(u32::MAX)
            });
            at = self.next_check(at, random);
        }
    }

    fn next_check(&self, at: u32, random: &mut Random) -> u32 {
        at.saturating_add(self.order.poll_secs.max(1)).saturating_add(random.below(self.order.jitter_secs))
    }
}

/// What a host has seen of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Publication {
    Before,
    Release,
    Pause,
}

/// A manifest with the one release of which this is about.
fn manifest(order: &Order, pause: Option<Pause>) -> Manifest {
    let paused = pause.map(|pause| Halt {
        at: order.start + TimeDelta::seconds(pause.after_secs.into()),
        reason: "simulated".to_owned(),
        extra: Map::new(),
    });
    let update = Update {
        variant: VARIANT.to_owned(),
        arch: ARCH.to_owned(),
        version: Version::new(1, 1, 0),
        max_version: Version::new(1, 1, 0),
        waves: order.rollout.keys().clone(),
        images: Images::from_fn(|image| format!("{image}.img.zst")),
        updog: Some(Ours {
            release: ReleaseId::new(Digest::of(b"simulated")),
            index: Images::from_fn(|image| format!("{image}.idx")),
            deltas: Vec::new(),
            from: None,
            paused,
            yanked: None,
            notes: String::new(),
            extra_index: Map::new(),
            extra: Map::new(),
        }),
        extra_images: Map::new(),
        extra: Map::new(),
    };
    Manifest { updates: vec![update], migrations: BTreeMap::new(), ..Manifest::default() }
}

const VARIANT: &str = "simulated";
const ARCH: &str = "simulated";
/// `OnBootSec` of the timer.
const AFTER_BOOT_SECS: u32 = 120;
