//! Manifest → bytes.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::text::hex;
use crate::{Error, File, Manifest, Signature, parse};

impl Manifest {
    /// The bytes to sign. What they say is checked by [`encode`](Manifest::encode) only.
    pub fn to_sign(&self) -> Vec<u8> {
        let file = |file: &File| format!("{} {}", hex(&file.sha256), file.length);
        let lines: [(&str, String); 11] = [
            ("format", String::from("1")),
            ("version", self.version.clone()),
            ("variant", self.variant.clone()),
            ("arch", self.arch.clone()),
            ("kernel", file(&self.kernel)),
            ("initrd", file(&self.initrd)),
            ("root_hash", hex(&self.root_hash)),
            ("salt", hex(&self.salt)),
            ("data_blocks", format!("{}", self.data_blocks)),
            ("hash_offset", format!("{}", self.hash_offset)),
            ("cmdline", self.cmdline.clone()),
        ];
        lines.iter().flat_map(|(key, value)| format!("{key}={value}\n").into_bytes()).collect()
    }

    /// The whole file. Refused when [`parse()`] would refuse it, or would read something else: a line break in a value, say.
    pub fn encode(&self, signatures: &[Signature]) -> Result<Vec<u8>, Error> {
        let mut bytes = self.to_sign();
        for signature in signatures {
            let line = format!("sig={} {}\n", hex(&signature.key_id), hex(&signature.bytes));
            bytes.extend_from_slice(line.as_bytes());
        }
        let read = parse(&bytes)?;
        if read.manifest != *self || read.signatures != signatures {
            return Err(Error::Value { key: "cmdline" });
        }
        Ok(bytes)
    }
}
