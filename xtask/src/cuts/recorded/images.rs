//! Whether a slot's images are whole: each sector of them compared with the release folders once, when it changes.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use partition_core::{Layout, Part, Slot};
use release::Image;
use release::folder::{FILE_NAME, ReleaseJson};

use super::disk::Before;

/// The images of one release, as they were built.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    boot: Vec<u8>,
    root: Vec<u8>,
    hash: Vec<u8>,
}

/// Where the parts of both slots lie, and what they may hold.
#[derive(Debug)]
pub(super) struct Expected {
    sector_size: usize,
    sources: Vec<Source>,
    regions: Vec<Region>,
}

/// One part of one slot.
#[derive(Debug)]
struct Region {
    slot: Slot,
    part: Part,
    first: u64,
    sectors: u64,
}

/// The sectors in which each region differs from each source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Differing(Vec<Vec<u64>>);

/// A sector in one of the regions, and the sources that it agrees with, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreement {
    region: usize,
    sources: u32,
}

impl Source {
    /// Reads a release folder; lengths are those that `release.json` says.
    pub(super) fn load(folder: &Path) -> Result<Source> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
        };
        let json = ReleaseJson::parse(&read(FILE_NAME)?)
            .with_context(|| format!("failed to accept {}", folder.display()))?;
        let image = |image| -> Result<Vec<u8>> {
            let said = json.images.get(image);
            let bytes = read(&said.file)?;
            ensure!(
                bytes.len() as u64 == said.length,
                "{} has another length than {FILE_NAME} says",
                said.file
            );
            Ok(bytes)
        };
        let (boot, root, hash) = (image(Image::Boot)?, image(Image::Root)?, image(Image::Hash)?);
        Ok(Source { name: json.version.to_string(), boot, root, hash })
    }

    fn part(&self, part: Part) -> &[u8] {
        match part {
            Part::Boot => &self.boot,
            Part::Root => &self.root,
            Part::Hash => &self.hash,
        }
    }
}

impl Expected {
    /// `scale` is how many of the log's sectors make one of the table's.
    pub(super) fn new(
        layout: &Layout,
        scale: u64,
        sector_size: usize,
        sources: Vec<Source>,
    ) -> Result<Expected> {
        ensure!((1..=32).contains(&sources.len()), "expected 1 to 32 releases, found {}", sources.len());
        let mut regions = Vec::new();
        for slot in Slot::ALL {
            for part in Part::ALL {
                let entry =
                    layout.part(slot, part).with_context(|| format!("the disk has no slot {slot}"))?;
                let (first, sectors) = (entry.first_lba * scale, entry.sectors() * scale);
                for source in &sources {
                    let length = source.part(part).len() as u64;
                    ensure!(
                        length <= sectors * sector_size as u64 && length.is_multiple_of(sector_size as u64),
                        "the {part} image of {} does not fit into slot {slot}",
                        source.name
                    );
                }
                regions.push(Region { slot, part, first, sectors });
            }
        }
        Ok(Expected { sector_size, sources, regions })
    }

    /// Compares all of both slots once.
    pub(super) fn compare(&self, before: &Before) -> Result<Differing> {
        let mut differing = Differing(vec![vec![0; self.sources.len()]; self.regions.len()]);
        let mut sector = vec![0; self.sector_size];
        for region in &self.regions {
            let longest = self.sources.iter().map(|source| source.part(region.part).len()).max();
            for n in 0..longest.unwrap_or(0) / self.sector_size {
                let place = region.first + n as u64;
                before.read(place * self.sector_size as u64, &mut sector)?;
                if let Some(agreement) = self.agreement(place, &sector) {
                    differing.0[agreement.region]
                        .iter_mut()
                        .enumerate()
                        .for_each(|(n, count)| *count += u64::from(agreement.sources >> n & 1 == 0));
                }
            }
        }
        Ok(differing)
    }

    /// What this sector would agree with; `None` outside the images of both slots. Behind the end of an image anything
    /// agrees with it.
    pub(super) fn agreement(&self, sector: u64, bytes: &[u8]) -> Option<Agreement> {
        let inside = |region: &Region| sector.checked_sub(region.first).filter(|&n| n < region.sectors);
        let (region, n) = self.regions.iter().enumerate().find_map(|(at, one)| Some((at, inside(one)?)))?;
        let at = usize::try_from(n).ok()?.checked_mul(self.sector_size)?;
        let part = self.regions.get(region)?.part;
        let agrees =
            |source: &Source| source.part(part).get(at..at + self.sector_size).is_none_or(|own| own == bytes);
        let sources =
            self.sources.iter().enumerate().fold(0, |all, (n, source)| all | u32::from(agrees(source)) << n);
        Some(Agreement { region, sources })
    }

    /// The release that a slot holds whole.
    pub(super) fn whole(&self, slot: Slot, differing: &Differing) -> Option<&Source> {
        let regions = || self.regions.iter().zip(&differing.0).filter(|(region, _)| region.slot == slot);
        let same = |n: usize| regions().all(|(_, counts)| counts.get(n) == Some(&0));
        self.sources.iter().enumerate().find(|(n, _)| same(*n)).map(|(_, source)| source)
    }
}

impl Differing {
    /// A sector changes from what it agreed with to something else.
    pub(super) fn change(&mut self, was: Agreement, is: Agreement) {
        let (lost, won) = (was.sources & !is.sources, is.sources & !was.sources);
        for (n, count) in self.0.get_mut(is.region).into_iter().flatten().enumerate() {
            *count += u64::from(lost >> n & 1);
            *count -= u64::from(won >> n & 1);
        }
    }
}
