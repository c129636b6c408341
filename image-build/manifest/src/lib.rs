//! The signed boot manifest (`\boot.manifest` in a slot's BOOT image): what the selector may load and how the root is
//! checked. Byte for byte in docs/formats/boot-manifest.md.
//!
//! There is one spelling of every manifest: what [`parse()`] accepts, [`Manifest::encode`] writes again with the same
//! bytes. No crypto here: [`parse()`] says which bytes are signed and by whom; whoever calls it checks that before it
//! believes a word.
#![no_std]

extern crate alloc;

mod encode;
mod error;
mod image_words;
mod key_file;
mod parse;
mod text;

use alloc::string::String;
use alloc::vec::Vec;

pub use error::Error;
pub use image_words::{IMAGE_WORDS, ImageWords, InvalidWord};
pub use key_file::{Accept, NamedKey, keys_as_source, parse_keys};
pub use parse::{parse, reserved};

/// The longest manifest, in bytes, signatures included.
pub const MAX_LENGTH: usize = 64 << 10;
/// The longest command line, in bytes: the kernel takes 2,048, and the selector and the verity fields need up to 512.
pub const MAX_CMDLINE: usize = 1536;
/// The longest salt, in bytes, that dm-verity takes.
pub const MAX_SALT: usize = 256;
/// The most signatures one manifest carries.
pub const MAX_SIGNATURES: usize = 8;

/// Words of the command line that only the selector says: `updog.` and one of these. A manifest that has one is refused,
/// since whoever reads the command line could take it for the selector's.
pub const RESERVED: [&str; 11] = [
    "slot",
    "boot",
    "root",
    "hash",
    "root_hash",
    "salt",
    "data_blocks",
    "hash_offset",
    "trial",
    "last_try",
    "skipped",
];

/// What boots a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The release's version; letters, digits and `._+-`.
    pub version: String,
    /// The variant; the same letters.
    pub variant: String,
    /// The architecture; the same letters.
    pub arch: String,
    /// `\kernel`.
    pub kernel: File,
    /// `\initrd`.
    pub initrd: File,
    /// dm-verity's root hash (SHA-256).
    pub root_hash: [u8; 32],
    /// dm-verity's salt, up to [`MAX_SALT`] bytes.
    pub salt: Vec<u8>,
    /// Blocks of 4,096 bytes that the tree covers.
    pub data_blocks: u64,
    /// Where the tree starts in the HASH image, in bytes.
    pub hash_offset: u64,
    /// The kernel's command line, before the selector adds its words; printable ASCII.
    pub cmdline: String,
}

/// A file of the BOOT image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Its length in bytes; no more is ever read.
    pub length: u64,
}

/// An ed25519 signature over all bytes before the first signature line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The first 8 bytes of the SHA-256 of the public key.
    pub key_id: [u8; 8],
    /// The signature.
    pub bytes: [u8; 64],
}

/// A manifest as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// What it says; not to be believed before one of `signatures` was checked.
    pub manifest: Manifest,
    /// What is signed.
    pub signed: &'a [u8],
    /// One at least.
    pub signatures: Vec<Signature>,
}
