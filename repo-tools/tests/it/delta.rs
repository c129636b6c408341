//! Deltas: made from published frames alone, listed, published, rebuilt piece by piece as hosts do.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use release::delta::{DeltaWriter, Kind, Rebuilder, Table};
use release::manifest::{Manifest, Update};
use release::payload::{FrameWriter, Index, unpack};
use release::{Digest, Image, Version};
use serde_json::json;
use updater_core::Exit;
use updog_repo::add::add;
use updog_repo::change::{change, remove_release};
use updog_repo::delta::{self, Added, Adding, Bases, From};
use updog_repo::doctor::{Observed, examine};
use updog_repo::host_check::{find, follow, read_manifest, target_bytes};
use updog_repo::source::{FolderSource, Source};
use updog_repo::validate::{Depth, Validation, validate};
use updog_repo::{Choice, Disk, Error, Folder, Intent};

use crate::common::{Yard, day, quick, resign};

/// Images that share most of their blocks: some moved, some changed, some new.
pub(crate) fn write_images(dir: &Path, version: &str, number: usize) {
    let noise = |seed: &str, blocks: usize| -> Vec<u8> {
        let block = |at: usize| {
            (0..128).flat_map(move |part| *Digest::of(format!("{seed} {at} {part}").as_bytes()).bytes())
        };
        (0..blocks).flat_map(block).collect()
    };
    let mut root = [noise(&format!("new {number}"), number), noise("root", 80)].concat();
    let at = root.len() / 2 + 7;
    root[at] ^= u8::try_from(number).unwrap();
    let hash = [noise("hash", 1), noise(&format!("hash {number}"), 1)].concat();
    write_release(dir, version, &[("boot", noise("boot", 2)), ("root", root), ("hash", hash)]);
}

/// A release folder of these images.
pub(crate) fn write_release(dir: &Path, version: &str, images: &[(&str, Vec<u8>)]) {
    fs::create_dir_all(dir).unwrap();
    let mut listed = serde_json::Map::new();
    for (name, bytes) in images {
        fs::write(dir.join(format!("{name}.img")), bytes).unwrap();
        let image =
            json!({ "file": format!("{name}.img"), "length": bytes.len(), "sha256": Digest::of(bytes) });
        listed.insert((*name).to_owned(), image);
    }
    let release = json!({
        "format": 1, "variant": "tiny", "arch": "x86_64", "version": version, "created": "2026-10-01T00:00:00Z",
        "images": listed, "root_hash": "00".repeat(32), "packages": [],
    });
    fs::write(dir.join("release.json"), release.to_string()).unwrap();
}

fn writer(level: i32) -> DeltaWriter {
    DeltaWriter { level, threads: NonZeroUsize::new(2).unwrap() }
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn adding(to: &str, bases: Bases) -> Adding<'static> {
    let choice = Choice { version: Some(version(to)), ..Choice::default() };
    Adding { choice, bases, writer: writer(3), raw: None, source: None }
}

fn make(folder: &Folder, to: &str, bases: Bases) -> Result<Added, Error> {
    delta::add(folder, &adding(to, bases), &mut |_, _, _| {})
}

/// Three releases whose raw images are gone.
fn three() -> (Yard, updog_repo::keys::Signer) {
    let (yard, key) = Yard::with_key();
    for (number, version) in ["1.0.0", "1.1.0", "1.2.0"].into_iter().enumerate() {
        let dir = yard.path("image");
        write_images(&dir, version, number + 1);
        add(&yard.folder, &dir, &quick(), &mut |_, _, _| {}).unwrap();
        fs::remove_dir_all(&dir).unwrap();
    }
    (yard, key)
}

fn blobs(folder: &Folder) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = fs::read_dir(folder.blobs_dir())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    all.sort();
    all
}

/// A published repository, read as a host reads it.
struct Seen<'a> {
    source: FolderSource<'a>,
    session: trust_core::Session,
    manifest: Manifest,
}

impl<'a> Seen<'a> {
    fn of(dir: &Path) -> Seen<'a> {
        let source = FolderSource::new(&Disk, dir);
        let root = source.metadata("1.root.json", 1 << 20).unwrap().unwrap();
        let (mut session, _) = follow(&source, root, day(1), trust_core::Expiry::Enforce).unwrap();
        let manifest = read_manifest(&source, &mut session).unwrap().unwrap();
        Seen { source, session, manifest }
    }

    fn bytes(&mut self, name: &str) -> Vec<u8> {
        let target = find(&self.source, &mut self.session, name).unwrap().unwrap();
        target_bytes(&self.source, &target, 1 << 24).unwrap()
    }

    fn image(&mut self, update: &Update, image: Image) -> (Index, Digest, Vec<u8>) {
        let bytes = self.bytes(update.updog.as_ref().unwrap().index.get(image));
        let index = Index::parse(&bytes).unwrap();
        let frames = self.bytes(update.images.get(image));
        let mut raw = Vec::new();
        unpack(&index, &mut &frames[..], &mut raw, |_| {}).unwrap();
        (index, Digest::of(&bytes), raw)
    }
}

#[test]
fn every_piece_of_the_newest_is_rebuilt_from_each_base_out_of_what_is_published() {
    let (yard, key) = three();
    for to in ["1.1.0", "1.2.0"] {
        make(&yard.folder, to, Bases::Last(2)).unwrap();
    }
    let dir = yard.path("pub");
    yard.publish(&[&key], day(1), &dir);
    let mut seen = Seen::of(&dir);
    let new = seen.manifest.updates[2].clone();
    let ours = new.updog.clone().unwrap();
    assert_eq!(ours.deltas.len(), 6, "three images from two bases");
    let (mut copied, mut patched) = (0, 0);
    for delta in &ours.deltas {
        let image: Image = delta.image.parse().unwrap();
        assert_eq!(delta.target, format!("tiny-x86_64-1.2.0-{image}.from-{}.delta", delta.from.short()));
        let is_base = |update: &&Update| update.updog.as_ref().unwrap().release == delta.from;
        let base = seen.manifest.updates.iter().find(is_base).unwrap().clone();
        let (_, base_digest, base) = seen.image(&base, image);
        let (index, digest, raw) = seen.image(&new, image);
        let bytes = seen.bytes(&delta.target);
        let header = &bytes[..usize::try_from(delta.header_length).unwrap()];
        assert_eq!(Digest::of(header), delta.header_sha256);
        let table = Table::parse(header).unwrap();
        table.fits((&index, digest), base_digest).unwrap();
        assert_eq!(table.delta_length(), bytes.len() as u64);
        for (number, row) in table.rows().iter().enumerate() {
            let Some(range) = row.range() else { continue };
            let record = &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            let piece = index.piece_range(number).unwrap();
            let piece = usize::try_from(piece.start).unwrap()..usize::try_from(piece.end).unwrap();
            let mut out = vec![0; piece.len()];
            let row_of_index = &index.pieces()[number];
            Rebuilder::default()
                .rebuild((row, record), (&base[..], base.len() as u64), row_of_index, &mut out)
                .unwrap();
            assert_eq!(out, raw[piece]);
            copied += usize::from(row.kind == Kind::Copy);
            patched += usize::from(row.kind == Kind::Patch);
        }
        assert!(table.rows().iter().all(|row| row.kind != Kind::Full), "{image}");
        assert!(table.delta_length() < table.frames_spared(&index), "{image}");
    }
    assert!(copied >= 4 && patched >= 4, "{copied} copied, {patched} patched");
    assert_eq!(seen.manifest.updates[1].updog.as_ref().unwrap().deltas.len(), 3, "1.1.0 has one base");
    assert_eq!(problems(&dir), Vec::<String>::new());
}

fn problems(dir: &Path) -> Vec<String> {
    let order = Validation { root: None, now: day(1), depth: Depth::Targets, workers: 2 };
    let report = validate(&FolderSource::new(&Disk, dir), &order, &|_, _| {}).unwrap();
    report.problems.into_iter().map(|problem| problem.what).collect()
}

#[test]
fn what_is_there_is_not_made_again_and_raw_images_make_the_same() {
    let (yard, _) = three();
    let first = make(&yard.folder, "1.2.0", Bases::Named(vec![version("1.0.0")])).unwrap();
    assert_eq!((first.made.len(), first.rows.len()), (3, 3));
    assert!(first.rows.iter().all(|row| row.base == Some(version("1.0.0")) && row.sizes.is_some()));
    let before = (yard.folder.draft().unwrap(), blobs(&yard.folder));
    // Not even at another level; and no image is unpacked for it.
    let order = Adding { writer: writer(9), ..adding("1.2.0", Bases::Named(vec![version("1.0.0")])) };
    let again = delta::add(&yard.folder, &order, &mut |step, _, _| panic!("{step:?}")).unwrap();
    assert_eq!((again.made.len(), again.rows), (0, first.rows));
    assert_eq!((yard.folder.draft().unwrap(), blobs(&yard.folder)), before);
    // One more base is added to what is there.
    let more = make(&yard.folder, "1.2.0", Bases::Last(9)).unwrap();
    assert_eq!((more.made.len(), more.rows.len()), (3, 6));

    // From the raw image, as in release add: the same bytes.
    let draft = yard.folder.draft().unwrap();
    let all = From::Any;
    let choice = adding("1.2.0", Bases::Last(0)).choice;
    change(&yard.folder, |draft| delta::remove(draft, &choice, &all)).unwrap();
    write_images(&yard.path("image"), "1.2.0", 3);
    let raw = release::Images::from_fn(|image| yard.path("image").join(format!("{image}.img")));
    let order = Adding { raw: Some(raw), ..adding("1.2.0", Bases::Last(9)) };
    delta::add(&yard.folder, &order, &mut |_, _, _| {}).unwrap();
    assert_eq!(yard.folder.draft().unwrap(), draft);
    // The first release of all has no base, which is no fault.
    assert!(make(&yard.folder, "1.0.0", Bases::Last(3)).unwrap().rows.is_empty());
}

#[test]
fn what_cannot_be_is_refused_by_name_and_changes_nothing() {
    let (yard, _) = three();
    let dir = yard.path("odd");
    write_images(&dir, "0.9.0", 9);
    let odd = FrameWriter { piece_size: 128 << 10, ..quick() };
    add(&yard.folder, &dir, &odd, &mut |_, _, _| {}).unwrap();
    let other = yard.path("other");
    write_images(&other, "0.8.0", 8);
    let json = fs::read_to_string(other.join("release.json")).unwrap().replace("tiny", "large");
    fs::write(other.join("release.json"), json).unwrap();
    add(&yard.folder, &other, &quick(), &mut |_, _, _| {}).unwrap();
    let before = (yard.folder.draft().unwrap(), blobs(&yard.folder));
    for (base, exit, said) in [
        ("0.1.0", Exit::Usage, "failed to find base 0.1.0 for tiny x86_64 1.1.0: the draft has 1.0.0, 0.9.0"),
        (
            "0.8.0",
            Exit::Usage,
            "refused base large x86_64 0.8.0: expected a release of the variant and architecture of tiny x86_64 1.1.0",
        ),
        ("1.1.0", Exit::Blocked, "refused base 1.1.0: expected one older than tiny x86_64 1.1.0"),
        ("1.2.0", Exit::Blocked, "refused base 1.2.0: expected one older than tiny x86_64 1.1.0"),
        (
            "0.9.0",
            Exit::Blocked,
            "refused base 0.9.0: its pieces have 131072 bytes, those of tiny x86_64 1.1.0 have 65536",
        ),
    ] {
        let error = make(&yard.folder, "1.1.0", Bases::Named(vec![version(base)])).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.exit()), (said, exit), "{base}");
        assert!(error.hint().is_some(), "{base}");
    }
    // One that is right before one that is not: nothing of it stays.
    let mixed = Bases::Named(vec![version("1.0.0"), version("0.9.0")]);
    make(&yard.folder, "1.1.0", mixed).unwrap_err();
    assert_eq!((yard.folder.draft().unwrap(), blobs(&yard.folder)), before);

    // Frames that are damaged come out in the last image, when others are made already.
    let name = "tiny-x86_64-1.0.0-hash.img.zst";
    let path = blob(&yard.folder, name);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let before = blobs(&yard.folder);
    let error = make(&yard.folder, "1.1.0", Bases::Last(1)).unwrap_err();
    assert_eq!(error.exit(), Exit::Untrusted, "{error}");
    assert!(error.hint().unwrap().starts_with(&format!("remove {}", path.display())));
    assert_eq!(blobs(&yard.folder), before);
    assert!(yard.folder.draft().unwrap().manifest.updates[1].updog.as_ref().unwrap().deltas.is_empty());
}

fn blob(folder: &Folder, name: &str) -> PathBuf {
    folder.blobs_dir().join(folder.draft().unwrap().targets[name].file_name(name))
}

#[test]
fn frames_that_are_only_published_are_fetched_and_checked() {
    let (yard, key) = three();
    let dir = yard.path("pub");
    yard.publish(&[&key], day(1), &dir);
    let draft = yard.folder.draft().unwrap();
    let expected = make(&yard.folder, "1.2.0", Bases::Last(1)).unwrap().rows;
    yard.folder.save_draft(&draft).unwrap();
    let gone =
        ["tiny-x86_64-1.1.0-root.img.zst", "tiny-x86_64-1.1.0-root.idx", "tiny-x86_64-1.2.0-root.img.zst"];
    for name in gone {
        fs::remove_file(blob(&yard.folder, name)).unwrap();
    }
    let error = make(&yard.folder, "1.2.0", Bases::Last(1)).unwrap_err();
    assert!(error.hint().unwrap().contains("--source"), "{error}");
    let source = FolderSource::new(&Disk, &dir);
    let order = || Adding { source: Some(&source), ..adding("1.2.0", Bases::Last(1)) };
    // What comes is not believed.
    let there = dir.join("targets").join(draft.targets[gone[0]].file_name(gone[0]));
    let right = fs::read(&there).unwrap();
    fs::write(&there, vec![0; right.len()]).unwrap();
    let error = delta::add(&yard.folder, &order(), &mut |_, _, _| {}).unwrap_err();
    assert_eq!(error.exit(), Exit::Untrusted, "{error}");
    fs::remove_file(&there).unwrap();
    let error = delta::add(&yard.folder, &order(), &mut |_, _, _| {}).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage, "{error}");
    fs::write(&there, right).unwrap();
    let made = delta::add(&yard.folder, &order(), &mut |_, _, _| {}).unwrap();
    assert_eq!(made.rows.iter().map(|row| row.length).collect::<Vec<_>>(), lengths(&expected));
    assert!(!blob(&yard.folder, gone[0]).exists(), "what was fetched is not kept");
}

fn lengths(rows: &[delta::Row]) -> Vec<Option<u64>> {
    rows.iter().map(|row| row.length).collect()
}

#[test]
fn a_release_goes_with_its_deltas_and_those_from_it() {
    let (yard, _) = three();
    make(&yard.folder, "1.1.0", Bases::Last(1)).unwrap();
    make(&yard.folder, "1.2.0", Bases::Last(2)).unwrap();
    let full = yard.folder.draft().unwrap();
    let choice = |text: &str| Choice { version: Some(version(text)), ..Choice::default() };
    let gone = change(&yard.folder, |draft| remove_release(draft, &choice("1.1.0"))).unwrap();
    // Six of its own, three that lead to it, three that start from it.
    assert_eq!(gone.answer.targets.len(), 12);
    let left = yard.folder.draft().unwrap();
    assert_eq!(left.manifest.updates[1].updog.as_ref().unwrap().deltas.len(), 3);
    assert_eq!(left.problems(), Vec::<String>::new());
    assert!(delta::dangling(&left.manifest).is_empty());

    // Taken out by another tool, it leaves what doctor names with the words that mend it.
    let mut torn = full.clone();
    torn.manifest.updates.remove(0);
    yard.folder.save_draft(&torn).unwrap();
    let found = |yard: &Yard| -> Vec<String> {
        let seen = Observed::look(&yard.folder, &Intent::default(), &[]);
        let findings = examine(&seen, &Intent::default(), day(1)).findings;
        findings.into_iter().map(|finding| finding.fix).filter(|fix| fix.contains("delta remove")).collect()
    };
    let fixes = found(&yard);
    assert_eq!(fixes.len(), 6, "{fixes:?}");
    let id = full.manifest.updates[0].updog.as_ref().unwrap().release.short();
    assert!(fixes[0].contains(&id));
    for to in ["1.1.0", "1.2.0"] {
        let from = From::Bases(vec![id.clone()]);
        change(&yard.folder, |draft| delta::remove(draft, &choice(to), &from)).unwrap();
    }
    assert_eq!(found(&yard), Vec::<String>::new());
    let none = change(&yard.folder, |draft| delta::remove(draft, &choice("1.2.0"), &From::Bases(vec![id])));
    assert_eq!(none.unwrap_err().exit(), Exit::Usage);
}

/// What somebody does to a manifest.
type Edit = fn(&mut Manifest);

#[test]
fn a_delta_that_is_not_what_is_said_is_not_staged_and_is_found_when_published() {
    let (yard, key) = three();
    make(&yard.folder, "1.2.0", Bases::Last(1)).unwrap();
    let dir = yard.path("pub");
    yard.publish(&[&key], day(1), &dir);
    let draft = yard.folder.draft().unwrap();
    let edits: [(&str, Edit); 3] = [
        ("expected a table with SHA-256", |manifest| {
            deltas(manifest)[1].header_sha256 = Digest::of(b"other");
        }),
        ("expected a table of 1048576 bytes", |manifest| deltas(manifest)[0].header_length = 1 << 20),
        ("delta is for other base", |manifest| {
            let other = manifest.updates[0].updog.as_ref().unwrap().release;
            deltas(manifest)[1].from = other;
        }),
    ];
    for (said, edit) in edits {
        let mut wrong = draft.clone();
        edit(&mut wrong.manifest);
        yard.folder.save_draft(&wrong).unwrap();
        let error = yard.sign(&[&key], day(1)).stage(&yard.folder, day(1)).unwrap_err();
        assert!(error.to_string().contains(said), "{said}: {error}");
        let bytes = wrong.manifest.encode().unwrap();
        let blob = yard.folder.save_blob("manifest.json", &bytes).unwrap();
        let name = blob.file_name("manifest.json");
        fs::write(dir.join("targets").join(name), bytes).unwrap();
        resign(&dir, key.origin(), &blob);
        let found = problems(&dir);
        assert!(found.len() == 1 && found[0].contains(said), "{said}: {found:?}");
    }
    // A record is read only by validate: its digest stands in a table that is right.
    let name = deltas(&mut draft.manifest.clone())[1].target.clone();
    let mut bytes = fs::read(blob(&yard.folder, &name)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let mut wrong = draft.clone();
    wrong.targets.insert(name.clone(), yard.folder.save_blob(&name, &bytes).unwrap());
    yard.folder.save_draft(&wrong).unwrap();
    let other = yard.path("other");
    yard.publish(&[&key], day(1), &other);
    let found = problems(&other);
    assert!(found.len() == 1 && found[0].contains("record of piece"), "{found:?}");
    assert!(found[0].starts_with(&name), "{found:?}");
}

/// Of the newest release.
fn deltas(manifest: &mut Manifest) -> &mut Vec<release::manifest::Delta> {
    &mut manifest.updates[2].updog.as_mut().unwrap().deltas
}
