//! Signatures that firmware checks when Secure Boot is on.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Tool};

/// A key that firmware knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecureBoot {
    /// The private key, PEM.
    pub key: PathBuf,
    /// Its certificate, PEM.
    pub certificate: PathBuf,
}

impl SecureBoot {
    /// The program with a signature; `at` is a file that may be overwritten.
    pub(super) fn sign(&self, program: &[u8], at: &Path, epoch: u64) -> Result<Vec<u8>, Error> {
        let write = |source| Error::Write { path: at.to_owned(), source };
        fs::write(at, program).map_err(write)?;
        let words: [&OsStr; 7] = [
            "--key".as_ref(),
            self.key.as_os_str(),
            "--cert".as_ref(),
            self.certificate.as_os_str(),
            "--output".as_ref(),
            at.as_os_str(),
            at.as_os_str(),
        ];
        Tool::SBSIGN.run(epoch, &words).map_err(|source| Error::SecureBoot {
            key: self.key.clone(),
            certificate: self.certificate.clone(),
            source,
        })?;
        crate::compose::read(at)
    }
}
