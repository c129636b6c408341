//! casync as Debian has it: an index of chunks, the old image as seed, the rest over HTTP.

use anyhow::Result;

use super::device::Before;
use super::entrant::{After, Entrant, Family};
use super::ground::Ground;
use super::pair::{NEW, OLD};
use super::row::Sample;

pub(super) const DELTA: &str = "casync";

pub(super) const FAMILY: Family = Family {
    name: "casync",
    make,
    entrants: &[Entrant {
        name: DELTA,
        note: "chunks of 64 KiB, the old image as seed",
        before: Before::Older,
        after: After::New,
        run: extract,
    }],
};

fn make(ground: &Ground) -> Result<()> {
    ground.once("casync", "1", |ground| {
        for version in [OLD, NEW] {
            let image = ground.pair.image(version);
            let line =
                format!("cd casync && casync make --store=store.castr {version}.caibx {}", image.display());
            ground.shell.quiet(&line)?;
        }
        Ok(())
    })
}

fn extract(ground: &Ground) -> Result<Sample> {
    let (seed, to) = (ground.pair.image(OLD), ground.device.other());
    let (store, index) =
        (ground.server.url_of("casync/store.castr"), ground.server.url_of(&format!("casync/{NEW}.caibx")));
    ground.measure(&format!("casync extract --store={store} --seed={} {index} {to}", seed.display()))
}
