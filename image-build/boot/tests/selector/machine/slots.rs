//! What the slots hold, and who signed it.

use std::collections::BTreeMap;

use boot_manifest::{File, Manifest, Signature};
use ed25519_dalek::{Signer as _, SigningKey};
use partition_core::Slot;
use sha2::{Digest as _, Sha256};
use updog_boot::{FileError, FileName, Key, key_id};

/// The files of a BOOT partition: their bytes, or why they cannot be read.
pub(crate) type Files = BTreeMap<FileName, Result<Vec<u8>, FileError>>;

/// Somebody with a private key.
#[derive(Clone, Debug)]
pub(crate) struct Signer(SigningKey);

impl Signer {
    /// The one whose key follows from `seed`.
    pub(crate) fn new(seed: u8) -> Signer {
        Signer(SigningKey::from_bytes(&[seed; 32]))
    }

    /// The one who has this PKCS#8 file; openssl puts the seed at its end.
    pub(crate) fn from_pem(pem: &str) -> Signer {
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let digit = |c: u8| match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        let bits = base64.bytes().flat_map(|c| (0..6).rev().map(move |bit| digit(c) >> bit & 1));
        let der: Vec<u8> = bits
            .collect::<Vec<_>>()
            .chunks_exact(8)
            .map(|byte| byte.iter().fold(0, |n, bit| n << 1 | bit))
            .collect();
        Signer(SigningKey::from_bytes(&der[der.len() - 32..].try_into().expect("32 bytes")))
    }

    /// Its public half.
    pub(crate) fn key(&self) -> Key {
        Key { test: false, public: self.0.verifying_key().to_bytes() }
    }

    /// Signs a manifest.
    pub(crate) fn sign(&self, manifest: &Manifest) -> Signature {
        Signature { key_id: key_id(&self.key().public), bytes: self.0.sign(&manifest.to_sign()).to_bytes() }
    }
}

/// A slot's kernel and initrd differ from the other slot's, in their first byte too.
pub(crate) fn boot_files(slot: Slot, signer: &Signer) -> Files {
    let kernel = vec![if slot == Slot::A { b'A' } else { b'B' }; 3000];
    let initrd = vec![if slot == Slot::A { b'a' } else { b'b' }; 2000];
    let manifest = manifest(&kernel, &initrd);
    let bytes = manifest.encode(&[signer.sign(&manifest)]).expect("the manifest can be written");
    BTreeMap::from([
        (FileName::Manifest, Ok(bytes)),
        (FileName::Kernel, Ok(kernel)),
        (FileName::Initrd, Ok(initrd)),
    ])
}

/// A manifest for these files and this machine.
pub(crate) fn manifest(kernel: &[u8], initrd: &[u8]) -> Manifest {
    let file = |bytes: &[u8]| File { sha256: Sha256::digest(bytes).into(), length: bytes.len() as u64 };
    Manifest {
        version: "1.4.0".to_owned(),
        variant: "tiny".to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        kernel: file(kernel),
        initrd: file(initrd),
        root_hash: [0xab; 32],
        salt: vec![0x5a, 0x17],
        data_blocks: 24_576,
        hash_offset: 4096,
        cmdline: "console=ttyS0 panic=10 quiet".to_owned(),
    }
}
