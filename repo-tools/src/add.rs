//! `release add`: a release folder becomes frames, indexes and one update of the draft.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use release::folder::{self, RawImage, ReleaseJson};
use release::manifest::{Ours, Update};
use release::names::Names;
use release::payload::{FrameWriter, Index, PackError, Progress};
use release::{Digest, Image, Images, ReleaseId};
use serde_json::Map;

use crate::against::signed_manifest;
use crate::change::{same_line, stands_still};
use crate::draft::{Blob, Choice, Draft, title};
use crate::error::{Error, Result};
use crate::files;
use crate::folder::Folder;
use crate::listing::named_by;
use crate::new_blob::NewBlob;
use crate::plain;
use crate::store::Hashing;
use crate::unsaved::{Fresh, Unsaved};

/// What adding came to.
#[derive(Debug, Clone)]
pub struct Added {
    /// `variant arch version`.
    pub title: String,
    /// The id of the release.
    pub release: ReleaseId,
    /// Which release of the draft it is.
    pub choice: Choice,
    /// Where its raw images lie.
    pub raw: Images<PathBuf>,
    /// Whether the draft is another one now.
    pub changed: bool,
    /// Whether it was stopped before, and so stands still again.
    pub stopped: bool,
    /// Length of the three raw images in bytes.
    pub raw_length: u64,
    /// Length of their frames in bytes.
    pub frames_length: u64,
}

/// Adds the release in `dir` to the draft. The same release again changes nothing; other images under the same
/// version are refused. `progress` gets the image and how far it is.
///
/// Memory is bounded by [`FrameWriter`], whatever the length of the images.
pub fn add(
    folder: &Folder,
    dir: &Path,
    writer: &FrameWriter,
    progress: &mut dyn FnMut(Image, &RawImage, Progress),
) -> Result<Added> {
    let mut unsaved = Unsaved::of(folder)?;
    let added = enter(folder, &mut unsaved, (dir, writer), progress)?;
    if added.changed {
        unsaved.save(folder)?;
    }
    Ok(added)
}

/// [`add`] up to the commit point.
pub(crate) fn enter(
    folder: &Folder,
    Unsaved { draft, fresh }: &mut Unsaved,
    (dir, writer): (&Path, &FrameWriter),
    progress: &mut dyn FnMut(Image, &RawImage, Progress),
) -> Result<Added> {
    let path = dir.join(folder::FILE_NAME);
    let bytes = plain::read(&path, MAX_RELEASE)?;
    let release =
        ReleaseJson::parse(&bytes).map_err(|source| Error::ReadRelease { path: dir.to_owned(), source })?;
    if let Some(update) = same_version(draft, &release) {
        return readd((folder, dir), draft, update, &release);
    }

    let names = Names::new(&release.variant, &release.arch, &release.version)
        .map_err(|source| Error::Usage { reason: source.to_string() })?;
    refuse_taken(draft, &release, &names)?;
    let mut packing = Packing { folder, dir, writer, fresh };
    let mut made = BTreeMap::new();
    let mut frames_length: u64 = 0;
    let digests = Images::try_from_fn(|image| {
        let raw = release.images.get(image);
        let (frames, index) =
            packing.frames(&names.frames(image), raw, &mut |at| progress(image, raw, at))?;
        let index = packing.index(&names.index(image), &index)?;
        frames_length = frames_length.saturating_add(frames.length);
        made.insert(names.frames(image), frames);
        made.insert(names.index(image), index);
        Ok(index.sha256)
    })?;

    let id = ReleaseId::of(&digests);
    let raw_length = release.images.iter().fold(0, |sum: u64, (_, raw)| sum.saturating_add(raw.length));
    let mut update = new_update(draft, &release, &names, id);
    refuse_reused(folder, draft, &title(&update), id)?;
    let stopped = stopped(folder, draft, id)?;
    if let Some(stopped) = &stopped {
        stand_still(draft, &mut update, stopped);
    }
    let title = title(&update);
    insert(draft, update);
    draft.withdrawn.retain(|gone| !is_release(gone, id));
    draft.targets.extend(made);
    let (choice, raw) = (choice(&release), raw_paths(dir, &release));
    Ok(Added {
        title,
        release: id,
        choice,
        raw,
        changed: true,
        stopped: stopped.is_some(),
        raw_length,
        frames_length,
    })
}

/// Images on their way into the working folder.
struct Packing<'a> {
    folder: &'a Folder,
    dir: &'a Path,
    writer: &'a FrameWriter,
    fresh: &'a mut Fresh,
}

impl Packing<'_> {
    /// Frames of one image, under their digest, while the raw image is checked against what release.json says.
    fn frames(
        &mut self,
        name: &str,
        raw: &RawImage,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Blob, Index)> {
        let path = self.dir.join(&raw.file);
        let file = plain::open(&path).map_err(|source| Error::ReadFile { path: path.clone(), source })?;
        let mut source = Hashing::over(BufReader::with_capacity(1 << 20, file));
        let files = self.folder.files();
        let mut out = NewBlob::begin(self.folder, &files, name)?;
        let index = self.writer.write(&mut source, &mut out, progress);
        let index = index.map_err(|error| match error {
            PackError::Write(source) => Error::WriteFile { path: out.coming(), source },
            PackError::Read(source) => Error::ReadFile { path: path.clone(), source },
            source => Error::Pack { path: path.clone(), source },
        })?;
        if source.length() != raw.length {
            let (expected, found) = (format!("{} bytes", raw.length), source.length().to_string());
            return Err(Error::ImageDiffers { path, expected, found });
        }
        if index.raw() != raw.sha256 {
            let (expected, found) = (format!("SHA-256 {}", raw.sha256), index.raw().to_string());
            return Err(Error::ImageDiffers { path, expected, found });
        }
        Ok((self.fresh.take(out.finish()?), index))
    }

    fn index(&mut self, name: &str, index: &Index) -> Result<Blob> {
        let files = self.folder.files();
        let mut out = NewBlob::begin(self.folder, &files, name)?;
        let path = out.coming();
        out.write_all(&index.encode()).map_err(|source| Error::WriteFile { path, source })?;
        Ok(self.fresh.take(out.finish()?))
    }
}

fn same_version<'a>(draft: &'a Draft, release: &ReleaseJson) -> Option<&'a Update> {
    draft.manifest.updates.iter().find(|update| {
        update.variant == release.variant && update.arch == release.arch && update.version == release.version
    })
}

/// Names are flat, so `edge` for `arm-x86_64` is called as `edge-arm` for `x86_64` is: which is meant, no host could tell.
fn refuse_taken(draft: &Draft, release: &ReleaseJson, names: &Names) -> Result<()> {
    let own = || Image::ALL.into_iter().flat_map(|image| [names.frames(image), names.index(image)]);
    let refused = |target: String, holder: String| {
        let release = format!("{} {} {}", release.variant, release.arch, release.version);
        Err(Error::NameTaken { release, name: target, holder })
    };
    for other in &draft.manifest.updates {
        let index = other.updog.iter().flat_map(|ours| ours.index.iter());
        let theirs: BTreeSet<&String> = other.images.iter().chain(index).map(|(_, name)| name).collect();
        if let Some(name) = own().find(|name| theirs.contains(name)) {
            return refused(name, title(other));
        }
    }
    let taken = named_by(&draft.manifest);
    own().find(|name| taken.contains(name)).map_or(Ok(()), |name| refused(name, "a migration".to_owned()))
}

/// A version is given out once: hosts that have it would never ask for what came under it later.
fn refuse_reused(folder: &Folder, draft: &Draft, release: &str, id: ReleaseId) -> Result<()> {
    let other = |update: &Update| {
        let theirs = update.updog.as_ref().map(|ours| ours.release);
        theirs.filter(|theirs| title(update) == release && *theirs != id)
    };
    let published = folder.known()?.release(release).filter(|theirs| *theirs != id);
    let before = published.or_else(|| draft.withdrawn.iter().find_map(other));
    match before {
        Some(before) => Err(Error::VersionUsed { release: release.to_owned(), before, found: id }),
        None => Ok(()),
    }
}

/// The indexes say which raw images were added; frames by another zstd would have other digests.
fn readd(
    (folder, dir): (&Folder, &Path),
    draft: &Draft,
    update: &Update,
    release: &ReleaseJson,
) -> Result<Added> {
    let taken = || Error::ReleaseExists { release: title(update) };
    let ours = update.updog.as_ref().ok_or_else(taken)?;
    let mut frames_length: u64 = 0;
    for image in Image::ALL {
        let index = read_index(folder, draft, ours.index.get(image))?;
        let raw = release.images.get(image);
        if index.raw() != raw.sha256 || index.raw_length() != raw.length {
            return Err(taken());
        }
        frames_length = frames_length.saturating_add(index.frames_length());
    }
    let raw_length = release.images.iter().fold(0, |sum: u64, (_, raw)| sum.saturating_add(raw.length));
    let (title, release_id) = (title(update), ours.release);
    let (choice, raw) = (choice(release), raw_paths(dir, release));
    Ok(Added {
        title,
        release: release_id,
        choice,
        raw,
        changed: false,
        stopped: false,
        raw_length,
        frames_length,
    })
}

fn choice(release: &ReleaseJson) -> Choice {
    let (variant, arch) = (release.variant.clone(), release.arch.clone());
    Choice { version: Some(release.version.clone()), variant: Some(variant), arch: Some(arch) }
}

fn raw_paths(dir: &Path, release: &ReleaseJson) -> Images<PathBuf> {
    Images::from_fn(|image| dir.join(&release.images.get(image).file))
}

/// An index of the draft.
pub fn read_index(folder: &Folder, draft: &Draft, name: &str) -> Result<Index> {
    let blob = draft.targets.get(name).ok_or_else(|| Error::TargetName { name: name.to_owned() })?;
    let path: PathBuf = folder.blobs_dir().join(blob.file_name(name));
    let bytes = files::read(folder.files().as_ref(), &path, blob.length)
        .map_err(|source| Error::ReadFile { path: path.clone(), source })?
        .ok_or_else(|| Error::Absent { path: path.clone() })?;
    if Digest::of(&bytes) != blob.sha256 {
        return Err(Error::BlobDiffers { path });
    }
    Index::parse(&bytes)
        .map_err(|error| Error::HostTarget { name: name.to_owned(), reason: error.to_string() })
}

fn new_update(draft: &Draft, release: &ReleaseJson, names: &Names, id: ReleaseId) -> Update {
    let same_line = draft.manifest.updates.iter().filter(|update| is_for(update, release));
    let max = same_line.map(|update| &update.max_version).max();
    Update {
        variant: release.variant.clone(),
        arch: release.arch.clone(),
        version: release.version.clone(),
        max_version: max.map_or(&release.version, |max| max.max(&release.version)).clone(),
        waves: BTreeMap::new(),
        images: Images::from_fn(|image| names.frames(image)),
        updog: Some(Ours {
            release: id,
            index: Images::from_fn(|image| names.index(image)),
            deltas: Vec::new(),
            from: None,
            paused: None,
            yanked: None,
            notes: String::new(),
            extra_index: Map::new(),
            extra: Map::new(),
        }),
        extra_images: Map::new(),
        extra: Map::new(),
    }
}

/// The release of this id as it stood when it was halted, paused or yanked: when it was taken out of the draft, or was
/// signed last.
fn stopped(folder: &Folder, draft: &Draft, id: ReleaseId) -> Result<Option<Update>> {
    if let Some(gone) = draft.withdrawn.iter().find(|gone| is_release(gone, id)) {
        return Ok(Some(gone.clone()));
    }
    let signed = signed_manifest(folder)?.unwrap_or_default().updates;
    Ok(signed.into_iter().find(|update| is_release(update, id) && stands_still(update)))
}

fn is_release(update: &Update, id: ReleaseId) -> bool {
    update.updog.as_ref().is_some_and(|ours| ours.release == id)
}

/// Adding the same images again is no way around those who stopped them, so the rollout goes on as it stood.
fn stand_still(draft: &Draft, update: &mut Update, stopped: &Update) {
    let (Some(ours), Some(before)) = (&mut update.updog, &stopped.updog) else { return };
    update.waves.clone_from(&stopped.waves);
    ours.from.clone_from(&before.from);
    ours.paused.clone_from(&before.paused);
    ours.yanked.clone_from(&before.yanked);
    ours.notes.clone_from(&before.notes);
    ours.extra.clone_from(&before.extra);
    // Hosts may still be meant to go down from a release that was yanked.
    let line = draft.manifest.updates.iter().filter(|other| same_line(other, stopped));
    if let Some(max) = line.map(|other| &other.max_version).max().filter(|_| before.yanked.is_some()) {
        update.max_version.clone_from(max);
    }
}

/// Puts the update last and lifts `max_version` of its variant and architecture, never lowers it.
fn insert(draft: &mut Draft, update: Update) {
    for other in &mut draft.manifest.updates {
        if other.variant == update.variant
            && other.arch == update.arch
            && other.max_version < update.max_version
        {
            other.max_version = update.max_version.clone();
        }
    }
    draft.manifest.updates.push(update);
}

fn is_for(update: &Update, release: &ReleaseJson) -> bool {
    update.variant == release.variant && update.arch == release.arch
}

/// Some kilobytes for a package each are far more than there are.
const MAX_RELEASE: u64 = 64 << 20;
