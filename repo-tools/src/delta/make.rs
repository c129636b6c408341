//! Makes the deltas of one release and adds them to the draft.

use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use release::delta::{Between, BlockMap, DeltaWriter, WriteError};
use release::manifest::{Delta, Update};
use release::names::Names;
use release::payload::Index;
use release::{Digest, Image, Images, ReleaseId, Version};
use serde::Serialize;
use serde_json::Map;

use super::image::{Scratch, Stock};
use super::{Bases, Chosen, Refusal, Row, Same, bases, rows};
use crate::draft::{Blob, Choice, Draft, title};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::new_blob::NewBlob;
use crate::plain;
use crate::source::Source;
use crate::unsaved::{Fresh, Unsaved};

/// Which deltas to make, and how.
pub struct Adding<'a> {
    /// The release that they lead to.
    pub choice: Choice,
    /// The releases that they start from.
    pub bases: Bases,
    /// Level and threads.
    pub writer: DeltaWriter,
    /// The raw images of the release, where they are at hand.
    pub raw: Option<Images<PathBuf>>,
    /// A published copy, for frames that are not in the working folder.
    pub source: Option<&'a dyn Source>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Added {
    /// `variant arch version`.
    pub title: String,
    /// The deltas that were made now; none: all were there.
    pub made: Vec<String>,
    /// Every delta of the release from these bases.
    pub rows: Vec<Row>,
    /// Those that were looked for and are none, since full frames are as short.
    pub needless: Vec<Needless>,
    /// Bases that were left out.
    pub same: Vec<Same>,
}

/// A delta that would help nothing: the draft does not get it. Asked again, it is looked for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needless {
    /// Name of the image.
    pub image: String,
    /// The release that it would start from.
    pub from: ReleaseId,
    /// Its version.
    pub base: Version,
    /// Bytes that it would have, and the full frames that it leaves.
    pub length: u64,
    /// Bytes of all full frames.
    pub frames_length: u64,
}

impl std::fmt::Display for Needless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Needless { image, base, length, frames_length, .. } = self;
        write!(
            f,
            "{image} from {base}: no delta: full frames are as short, {frames_length} bytes against {length}"
        )
    }
}

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An image of a release is unpacked.
    Unpack(Image, Version),
    /// The blocks of a base are looked at, to be found again.
    Map(Image, Version),
    /// An image is compared with that of a base.
    Compare(Image, Version),
}

/// Told how far a step is: bytes done, bytes in all.
pub type Tell<'a> = dyn FnMut(&Step, u64, u64) + 'a;

/// Makes what is missing. What is there stays as it is, at whatever level it was made. The draft names the new ones when
/// all are whole; a failure before that takes back what was written.
///
/// On the disk it takes the room of two raw images of one kind, and of one delta or of the frames that are fetched; in
/// memory that of [`DeltaWriter`] and [`BlockMap`].
pub fn add(folder: &Folder, order: &Adding<'_>, tell: &mut Tell<'_>) -> Result<Added> {
    let mut unsaved = Unsaved::of(folder)?;
    let added = enter(folder, &mut unsaved, order, tell)?;
    if !added.made.is_empty() {
        unsaved.save(folder)?;
    }
    Ok(added)
}

/// [`add`] up to the commit point.
pub(crate) fn enter(
    folder: &Folder,
    Unsaved { draft, fresh }: &mut Unsaved,
    order: &Adding<'_>,
    tell: &mut Tell<'_>,
) -> Result<Added> {
    let place = draft.choose(&order.choice)?;
    let none = || Error::Choose { found: "there is none".into() };
    let update = draft.manifest.updates.get(place).ok_or_else(none)?.clone();
    let Chosen { bases, same } = bases(&draft.manifest, &update, &order.bases).map_err(Refusal::ends)?;
    let chosen: Vec<Update> = bases.into_iter().cloned().collect();
    let files = folder.files();
    let mut made = Making {
        stock: Stock { folder, files: &files, draft, source: order.source },
        order,
        new: &update,
        fresh,
        deltas: Vec::new(),
        needless: Vec::new(),
    };
    made.all(&chosen, tell)?;
    let Making { deltas, needless, .. } = made;
    let names = deltas.iter().map(|(delta, _)| delta.target.clone()).collect();
    insert(draft, place, deltas);
    let from: Vec<_> = chosen.iter().filter_map(|base| Some(base.updog.as_ref()?.release)).collect();
    let update = draft.manifest.updates.get(place).ok_or_else(none)?;
    let rows = rows(folder, draft, update)?;
    let rows = rows.into_iter().filter(|row| from.contains(&row.from)).collect();
    Ok(Added { title: title(update), made: names, rows, needless, same })
}

/// Replaces or adds them, in the order of images and bases, so that the same deltas make the same manifest.
fn insert(draft: &mut Draft, place: usize, made: Vec<(Delta, Blob)>) {
    let Some(update) = draft.manifest.updates.get_mut(place) else { return };
    let Some(ours) = update.updog.as_mut() else { return };
    for (delta, blob) in made {
        draft.targets.insert(delta.target.clone(), blob);
        ours.deltas.retain(|other| (&other.image, other.from) != (&delta.image, delta.from));
        ours.deltas.push(delta);
    }
    let image = |delta: &Delta| Image::ALL.iter().position(|image| image.name() == delta.image);
    // Images of a later version come last.
    ours.deltas.sort_by_key(|delta| (image(delta).unwrap_or(usize::MAX), delta.from));
}

struct Making<'a> {
    stock: Stock<'a>,
    order: &'a Adding<'a>,
    new: &'a Update,
    fresh: &'a mut Fresh,
    deltas: Vec<(Delta, Blob)>,
    needless: Vec<Needless>,
}

/// The two indexes of a delta that is to be made.
struct Pair<'a> {
    image: Image,
    base: &'a Update,
    new: (Index, Digest),
    old: (Index, Digest),
}

impl Making<'_> {
    fn all(&mut self, bases: &[Update], tell: &mut Tell<'_>) -> Result<()> {
        let mut pairs = Vec::new();
        for image in Image::ALL {
            for base in bases {
                if !self.is_whole(image, base)? {
                    // All of them before the first long step.
                    pairs.push(self.pair(image, base)?);
                }
            }
        }
        for image in Image::ALL {
            let mut pairs = pairs.iter().filter(|pair| pair.image == image).peekable();
            let Some(first) = pairs.peek() else { continue };
            let raw = self.new_image(first, tell)?;
            for pair in pairs {
                self.one(pair, &raw, tell)?;
            }
        }
        Ok(())
    }

    /// The delta that the draft names; it stays named, whether it helps or not.
    fn listed(&self, image: Image, from: ReleaseId) -> Option<&Delta> {
        let mut deltas = self.new.updog.iter().flat_map(|ours| &ours.deltas);
        deltas.find(|delta| delta.image == image.name() && delta.from == from)
    }

    /// Whether this delta is listed and its blob lies there.
    fn is_whole(&self, image: Image, base: &Update) -> Result<bool> {
        let from = base.updog.as_ref().map(|ours| ours.release);
        let Some(delta) = from.and_then(|from| self.listed(image, from)) else { return Ok(false) };
        let Some(blob) = self.stock.draft.targets.get(&delta.target) else { return Ok(false) };
        let path = self.stock.folder.blobs_dir().join(blob.file_name(&delta.target));
        let length = self.stock.files.length(&path);
        Ok(length.map_err(|source| Error::ReadFile { path, source })? == Some(blob.length))
    }

    fn pair<'b>(&self, image: Image, base: &'b Update) -> Result<Pair<'b>> {
        let index = |update: &Update| {
            let none = || Refusal::NotOurs { release: title(update) }.ends();
            let ours = update.updog.as_ref().ok_or_else(none)?;
            self.stock.index(ours.index.get(image))
        };
        let (new, old) = (index(self.new)?, index(base)?);
        if new.0.piece_size() != old.0.piece_size() {
            return Err(Refusal::PieceSize {
                release: title(self.new),
                base: base.version.clone(),
                expected: new.0.piece_size(),
                found: old.0.piece_size(),
            }
            .ends());
        }
        Ok(Pair { image, base, new, old })
    }

    /// The new image: the raw one that is at hand, else its frames unpacked.
    fn new_image(&self, pair: &Pair<'_>, tell: &mut Tell<'_>) -> Result<Raw> {
        match &self.order.raw {
            Some(raw) => Ok(Raw::File(raw.get(pair.image).clone())),
            None => Ok(Raw::Unpacked(self.unpack(self.new, pair.image, &pair.new.0, tell)?)),
        }
    }

    fn unpack(&self, of: &Update, image: Image, index: &Index, tell: &mut Tell<'_>) -> Result<Scratch> {
        let step = Step::Unpack(image, of.version.clone());
        self.stock.unpack(of.images.get(image), index, &mut |done| tell(&step, done, index.raw_length()))
    }

    fn one(&mut self, pair: &Pair<'_>, raw: &Raw, tell: &mut Tell<'_>) -> Result<()> {
        let ours =
            pair.base.updog.as_ref().ok_or_else(|| Refusal::NotOurs { release: title(pair.base) }.ends())?;
        let base = self.unpack(pair.base, pair.image, &pair.old.0, tell)?;
        let length = pair.old.0.raw_length();
        let step = Step::Map(pair.image, pair.base.version.clone());
        let map = BlockMap::read(&base, length, |done| tell(&step, done, length));
        let map = map.map_err(|source| base.unread(source))?;
        let between = Between { new: (&pair.new.0, pair.new.1), base: (&pair.old.0, pair.old.1), map: &map };
        let step = Step::Compare(pair.image, pair.base.version.clone());
        let total = pair.new.0.raw_length();
        let piece = u64::from(pair.new.0.piece_size());
        let records = self.stock.scratch()?;
        let mut progress = |done: usize| tell(&step, (done as u64).saturating_mul(piece).min(total), total);
        let mut source = raw.reader()?;
        let written = self
            .order
            .writer
            .write(&between, &base, (&mut source, &mut records.writer()), &mut progress)
            .map_err(|error| match error {
                WriteError::Base(source) => base.unread(source),
                WriteError::Write(source) => records.unwritten(source),
                WriteError::Read(source) => Error::ReadFile { path: raw.path(), source },
                source => Error::Delta { path: raw.path(), source },
            })?;
        // Its room is for the delta, which is there twice until it has its name.
        drop((base, map));
        let (length, spared) = (written.table.delta_length(), written.table.frames_spared(&pair.new.0));
        let frames = pair.new.0.frames_length();
        if length >= spared && self.listed(pair.image, ours.release).is_none() {
            self.needless.push(Needless {
                image: pair.image.name().to_owned(),
                from: ours.release,
                base: pair.base.version.clone(),
                length: frames.saturating_sub(spared).saturating_add(length),
                frames_length: frames,
            });
            return Ok(());
        }
        let header = written.table.encode();
        let names = Names::new(&self.new.variant, &self.new.arch, &self.new.version)
            .map_err(|source| Error::Usage { reason: source.to_string() })?;
        let target = names.delta(pair.image, &ours.release);
        let blob = self.put(&target, &header, &records)?;
        let delta = Delta {
            image: pair.image.name().to_owned(),
            from: ours.release,
            target,
            header_length: header.len() as u64,
            header_sha256: Digest::of(&header),
            extra: Map::new(),
        };
        self.deltas.push((delta, blob));
        Ok(())
    }

    /// Table and records as one blob.
    fn put(&mut self, target: &str, header: &[u8], records: &Scratch) -> Result<Blob> {
        let files = Arc::clone(self.stock.files);
        let mut new = NewBlob::begin(self.stock.folder, &files, target)?;
        let path = new.coming();
        let write = |source| Error::WriteFile { path: path.clone(), source };
        new.write_all(header).map_err(write)?;
        io::copy(&mut records.reader()?, &mut new).map_err(write)?;
        Ok(self.fresh.take(new.finish()?))
    }
}

/// The new image, to be read from its start as often as there are bases.
enum Raw {
    File(PathBuf),
    Unpacked(Scratch),
}

impl Raw {
    fn reader(&self) -> Result<Box<dyn Read + '_>> {
        match self {
            Self::Unpacked(scratch) => Ok(Box::new(scratch.reader()?)),
            Self::File(path) => match plain::open(path) {
                Ok(file) => Ok(Box::new(BufReader::with_capacity(1 << 20, file))),
                Err(source) => Err(Error::ReadFile { path: path.clone(), source }),
            },
        }
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Unpacked(scratch) => scratch.path(),
        }
    }
}

impl std::fmt::Debug for Adding<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adding")
            .field("choice", &self.choice)
            .field("bases", &self.bases)
            .finish_non_exhaustive()
    }
}
