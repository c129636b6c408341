//! One slot: from its BOOT partition to a running kernel, or the reason why not.

use alloc::vec::Vec;
use core::convert::Infallible;

use boot_manifest::{MAX_LENGTH, Manifest, parse};
use partition_core::{Entry, Set, Slot};
use sha2::{Digest as _, Sha256};

use crate::skip::Fault;
use crate::{CommandLine, Expected, FileError, FileName, Firmware, Key, Reason, Skip, signed_by};

/// What is started, and what the command line says about it.
pub(crate) struct Candidate<'a> {
    pub(crate) slot: Slot,
    pub(crate) set: &'a Set,
    pub(crate) trial: bool,
    pub(crate) last_try: bool,
    pub(crate) skipped: &'a [Skip],
}

/// Starts the candidate; comes back only with the reason why that failed, and with nothing of it left behind.
pub(crate) fn start<F: Firmware>(
    firmware: &mut F,
    keys: &[Key],
    candidate: &Candidate<'_>,
) -> Result<Infallible, Fault> {
    let &Candidate { slot, set, trial, last_try, skipped } = candidate;
    let manifest = read_manifest(firmware, keys, &set.boot)?;
    let cmdline = CommandLine { slot, set, manifest: &manifest, trial, last_try, skipped }.text();
    let cmdline = cmdline.ok_or_else(|| Fault::new(Reason::Manifest, "the command line is too long"))?;

    let kernel = read_signed(firmware, &set.boot, FileName::Kernel, &manifest)?;
    let initrd = read_signed(firmware, &set.boot, FileName::Initrd, &manifest)?;
    let image = firmware.load(&kernel)?;
    // The firmware has its own copy; a small machine may need the room.
    drop(kernel);
    firmware.offer_initrd(initrd)?;
    let elapsed = firmware.elapsed().as_millis();
    firmware.say(format_args!("jump after {elapsed} ms"));
    let error = firmware.start(image, &cmdline);
    firmware.withdraw_initrd();
    Err(error.into())
}

/// The manifest of a BOOT partition, believed: signed by one of `keys` and meant for this machine.
fn read_manifest<F: Firmware>(firmware: &mut F, keys: &[Key], boot: &Entry) -> Result<Manifest, Fault> {
    let bytes = firmware
        .read_file(boot, FileName::Manifest, Expected::AtMost(MAX_LENGTH))
        .map_err(|error| Fault::file(FileName::Manifest, error, Reason::Manifest))?;
    let parsed = parse(&bytes).map_err(|error| Fault::new(Reason::Manifest, error))?;
    if signed_by(&parsed, keys).is_none() {
        return Err(Fault::new(Reason::Signature, "no signature by a key of this selector"));
    }
    let manifest = parsed.manifest;
    if manifest.arch != ARCH {
        let detail = format_args!("it is for {}, this machine is {ARCH}", manifest.arch);
        return Err(Fault::new(Reason::Manifest, detail));
    }
    firmware.say(format_args!("version {} of {}", manifest.version, manifest.variant));
    Ok(manifest)
}

/// A file that is byte for byte what the manifest says.
fn read_signed<F: Firmware>(
    firmware: &mut F,
    boot: &Entry,
    name: FileName,
    manifest: &Manifest,
) -> Result<Vec<u8>, Fault> {
    let (file, wrong) = match name {
        FileName::Initrd => (manifest.initrd, Reason::Initrd),
        FileName::Kernel | FileName::Manifest => (manifest.kernel, Reason::Kernel),
    };
    let bytes =
        firmware.read_file(boot, name, Expected::Exactly(file.length)).map_err(|error| match error {
            FileError::Length { found } => {
                let expected = file.length;
                Fault::new(wrong, format_args!("expected {expected} bytes, found {found}"))
            }
            error => Fault::file(name, error, wrong),
        })?;
    // A firmware that hands over another length than asked for is caught by the digest.
    if <[u8; 32]>::from(Sha256::digest(&bytes)) != file.sha256 {
        return Err(Fault::new(wrong, "its SHA-256 is not the signed one"));
    }
    Ok(bytes)
}

/// The name of this machine's architecture in manifests.
const ARCH: &str = if cfg!(target_arch = "aarch64") { "aarch64" } else { "x86_64" };
