//! BOOT of slot A as the selector reads it.

use boot_manifest::{Manifest, Parsed};
use partition_core::{Part, Slot};
use release::Digest;
use release::folder::{RawImage, ReleaseJson};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::disk::Partitions;
use super::extract::Extract;
use super::{Problems, starts};
use crate::Error;
use crate::cmdline::Cmdline;
use crate::image::BuildJson;
use crate::machine::Format;
use crate::signing::{self, key_id};

/// The image of a part.
pub(super) fn image(release: &ReleaseJson, part: Part) -> &RawImage {
    match part {
        Part::Boot => &release.images.boot,
        Part::Root => &release.images.root,
        Part::Hash => &release.images.hash,
    }
}

/// The ids of the keys that signed.
pub(super) struct Signers(Vec<[u8; 8]>);

/// Whether anybody can sign for this image: a test key signed, or the selector takes one.
pub(super) fn test_keys(
    signers: Option<&Signers>,
    selector: Option<&[u8]>,
    build: Option<&BuildJson>,
    problems: &mut Problems,
) -> bool {
    let tests = signing::test_keys();
    let signed = signers.is_some_and(|Signers(ids)| tests.iter().any(|key| ids.contains(&key_id(key))));
    let taken = selector.is_some_and(|selector| !signing::held(selector, &tests).is_empty());
    let found = signed || taken;
    if let Some(build) = build {
        problems.equal("build.json", "test_keys by signers and selector", &found, &build.test_keys);
    }
    found
}

/// The manifest, its signatures by the selector's keys, kernel and initrd by it.
pub(super) fn manifest(
    partitions: &Partitions,
    extract: &Extract,
    selector: Option<&[u8]>,
    release: Option<&ReleaseJson>,
    problems: &mut Problems,
) -> Result<Option<(Manifest, Signers)>, Error> {
    const PLACE: &str = "BOOT-A boot.manifest";
    let Some(entry) = partitions.layout.part(Slot::A, Part::Boot) else { return Ok(None) };
    let (fat, _) = extract.partition(entry, None, "boot")?;
    let Some(bytes) = extract.fat_file(&fat, "boot.manifest")? else {
        problems.add(PLACE, "it is not there or cannot be read");
        return Ok(None);
    };
    let Parsed { manifest, signed, signatures } = match boot_manifest::parse(&bytes) {
        Ok(parsed) => parsed,
        Err(error) => {
            problems.add(PLACE, error.to_string());
            return Ok(None);
        }
    };
    let signers = Signers(signatures.iter().map(|signature| signature.key_id).collect());
    if let Some(selector) = selector {
        let held = signatures.iter().any(|signature| {
            let key = public_key(selector, signature.key_id);
            key.is_some_and(|key| {
                UnparsedPublicKey::new(&ED25519, key).verify(signed, &signature.bytes).is_ok()
            })
        });
        if !held {
            problems.add(PLACE, "expected a good signature by a key that the selector holds, found none");
        }
    }
    for (name, said) in [("kernel", manifest.kernel), ("initrd", manifest.initrd)] {
        let place = format!("BOOT-A {name}");
        match extract.fat_file(&fat, name)? {
            Some(bytes) => {
                if name == "kernel" {
                    starts::program(&place, &bytes, Format::Pe, &manifest.arch, problems);
                } else {
                    starts::initrd(&place, &bytes, &manifest.arch, problems);
                }
                problems.equal(&place, "length", &said.length, &(bytes.len() as u64));
                let expected = Digest::from(said.sha256);
                problems.equal(&place, "digest by the boot manifest", &expected, &Digest::of(&bytes));
            }
            None => problems.add(place, "it is not there or cannot be read"),
        }
    }
    if let Err(error) = Cmdline::read(manifest.cmdline.clone()) {
        problems.add(PLACE, error.to_string());
    }
    if let (Some(selector), Some(loader)) = (selector, starts::loader(&manifest.arch)) {
        starts::program(&format!("ESP {loader}"), selector, Format::Pe, &manifest.arch, problems);
    }
    if let Some(release) = release {
        problems.equal(PLACE, "variant", &*release.variant, &*manifest.variant);
        problems.equal(PLACE, "arch", &*release.arch, &*manifest.arch);
        problems.equal(PLACE, "version", &release.version.to_string(), &manifest.version);
        problems.equal(PLACE, "root hash", &release.root_hash, &Digest::from(manifest.root_hash));
    }
    Ok(Some((manifest, signers)))
}

/// The key of this id among the selector's bytes. Any 32 bytes in it may be a key; that one of them has the id by chance is no more
/// likely than a forged signature by it that holds.
fn public_key(selector: &[u8], id: [u8; 8]) -> Option<&[u8]> {
    selector.windows(32).find(|window| <[u8; 32]>::try_from(*window).is_ok_and(|key| key_id(&key) == id))
}
