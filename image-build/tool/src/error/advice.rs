//! What to do about an error, and its exit code.

use std::error::Error as _;
use std::io;

use super::Error;
use crate::packages;

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        if self.is_full() {
            return Some(crate::tools::MAKE_ROOM.to_owned());
        }
        let text = match self {
            Error::Recipe(error) => return error.hint(),
            Error::Lock(error) => return error.hint(),
            Error::Packages(error) => return error.hint(),
            Error::Tool(error) => return error.hint(),
            Error::Initramfs(error) => return error.hint(),
            Error::DoesNotFit { key, length, .. } => {
                let mib = length.0.div_ceil(1 << 20);
                return Some(format!(
                    "set size.{key} to \"{mib}M\" at least, with room for later releases: a partition cannot grow on a host"
                ));
            }
            Error::SigningKey { .. } => "make one with: openssl genpkey -algorithm ed25519 -out KEY.pem",
            Error::TestKey { .. } => {
                "name keys of your own with --signing-key, and their public halves with keys in the recipe"
            }
            Error::Audit { exceptable: true, .. } => {
                "leave the file out with remove, or except it with [[audit]] and a reason"
            }
            Error::Audit { exceptable: false, .. } => {
                "leave the file out, with remove when a package brings it"
            }
            Error::NoWorkspace { .. } => {
                "stand in a checkout of updog, or name a recipe with --recipe FILE and built programs with --programs DIR"
            }
            Error::Named { option, .. } => {
                return Some(format!("name with {option} what is there and can be read"));
            }
            Error::Exists { .. } => "name another file with --disk, or move that away",
            Error::TooLarge { part, image, .. } => {
                let mib = image.0.div_ceil(1 << 20);
                return Some(format!("give --{part} {mib}M at least: a partition cannot grow on a host"));
            }
            Error::ImageDiffers { .. } => "the release folder is damaged: build it again, or copy it again",
            Error::NoFolder { .. } => "name a folder with --out; it is made when it is not there",
            Error::SecureBoot { source: crate::tools::Error::Missing { .. }, .. } => {
                "apt-get install sbsigntool"
            }
            Error::SecureBoot { .. } => "name a private key and the certificate of that key, both in PEM",
            Error::Cmdline(error) => return Some(error.hint()),
            Error::NeededModule { module, .. } => {
                return Some(format!("add \"{module}\" to kernel.modules"));
            }
            Error::Source { .. } => "a relative source starts at the recipe's folder",
            Error::InTheWay { .. } => "choose another path, or leave out what is there with remove",
            Error::Epoch { .. } => "unset it, and the recipe's epoch counts",
            Error::Init { nearest: Some(nearest), .. } | Error::Unit { nearest: Some(nearest), .. } => {
                return Some(format!("did you mean {nearest}?"));
            }
            Error::Init { nearest: None, .. } => {
                "name a program that a package, programs.install or a [[file]] brings"
            }
            Error::Unit { nearest: None, .. } => "name a unit that a package or a [[file]] brings",
            Error::KeyFile { .. } => "image-build/boot/keys/README says how to write it",
            Error::KeyNotHeld { .. } => {
                "build the selector with UPDOG_BOOT_KEYS set to that file, or leave --programs out"
            }
            Error::Foreign { .. } => "name another folder with --out, or move that away",
            Error::NoFirmware { .. } => "apt-get install ovmf qemu-efi-aarch64",
            Error::NoSigningKey => "name it with --signing-key",
            Error::NotHeld => {
                "sign with a key that the selector holds: one of the file that keys in the recipe names, by which --programs too must have been built"
            }
            Error::OtherMachine { .. } => {
                "name a folder with programs for it with --programs, or leave that out"
            }
            Error::NoProgram { .. } => "a program of your own is a [[file]] with source",
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// Whether a full file system is what is behind it.
    fn is_full(&self) -> bool {
        let mut source = self.source();
        while let Some(error) = source {
            let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
            if kind == Some(io::ErrorKind::StorageFull) {
                return true;
            }
            source = error.source();
        }
        false
    }

    /// The exit code (design §10.6).
    pub fn exit(&self) -> u8 {
        match self {
            Error::Packages(error) => exit_of_packages(error),
            Error::Recipe(_)
            | Error::NoWorkspace { .. }
            | Error::Cmdline(_)
            | Error::NeededModule { .. }
            | Error::Initramfs(crate::initramfs::Error::NoModule { .. })
            | Error::Named { .. }
            | Error::NoFolder { .. }
            | Error::TooLarge { .. }
            | Error::SecureBoot { .. }
            | Error::NoStart { .. }
            | Error::Source { .. }
            | Error::InTheWay { .. }
            | Error::Epoch { .. }
            | Error::Init { .. }
            | Error::Unit { .. }
            | Error::KeyFile { .. }
            | Error::Lock(_)
            | Error::Glob { .. }
            | Error::Overlay { .. }
            | Error::Audit { .. }
            | Error::NoProgram { .. }
            | Error::OtherMachine { .. }
            | Error::SigningKey { .. }
            | Error::DoesNotFit { .. }
            | Error::NoKernel { .. } => 2,
            Error::TestKey { .. } | Error::NoSigningKey | Error::NotHeld | Error::KeyNotHeld { .. } => 30,
            Error::Tool(crate::tools::Error::Missing { .. })
            | Error::NoFirmware { .. }
            | Error::Foreign { .. }
            | Error::Exists { .. }
            | Error::Locked { .. } => 50,
            _ => 40,
        }
    }
}

/// The exit code of packages that could not be had.
fn exit_of_packages(error: &packages::Error) -> u8 {
    use packages::Error as E;
    match error {
        E::NoMirror
        | E::BadMirror { .. }
        | E::BadName { .. }
        | E::Contradiction { .. }
        | E::NoPackage { .. }
        | E::Unresolvable { .. }
        | E::NoKernel { .. }
        | E::AptPath { .. }
        | E::Overlap { .. } => 2,
        E::Update { .. } | E::Apt { .. } | E::Fetch { .. } => 20,
        E::Differs { .. } => 30,
        E::Gone { .. } => 50,
        E::Run { .. } | E::Unpack { .. } | E::Read { .. } | E::Write { .. } => 40,
    }
}
