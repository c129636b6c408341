//! Pythons of our own under the target folder: one with python-tuf, an independent reader of our repositories, its suite, and a
//! reader of our metrics; one with moto, a server of Amazon's protocols; one with schemathesis, a client of the host's API; one that puts
//! keys into the variables of UEFI firmware.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;

/// A virtual environment that holds what we ask for.
#[derive(Debug)]
pub(crate) struct Python {
    folder: PathBuf,
}

impl Python {
    /// The one with python-tuf, made below the target folder unless it is there; quick when it is.
    pub(crate) fn prepare(target: &Path) -> Result<Self> {
        Self::with(&target.join(FOLDER), &NEEDS)
    }

    /// The one with moto.
    pub(crate) fn with_moto(target: &Path) -> Result<Self> {
        Self::with(&target.join("moto"), &MOTO)
    }

    /// The one with schemathesis.
    pub(crate) fn with_schemathesis(target: &Path) -> Result<Self> {
        Self::with(&target.join("schemathesis"), &["schemathesis==4.32.5"])
    }

    /// The one with `virt-fw-vars`.
    pub(crate) fn for_firmware(target: &Path) -> Result<Self> {
        Self::with(&target.join("virt-firmware"), &["virt-firmware==26.10"])
    }

    fn with(folder: &Path, needed: &[&str]) -> Result<Self> {
        let python = Self { folder: folder.to_owned() };
        let marker = folder.join("needs");
        let needs = needed.join("\n");
        if fs::read_to_string(&marker).is_ok_and(|found| found == needs) {
            return Ok(python);
        }
        println!("Installing for Python: {}", needed.join(" "));
        let text = folder.to_str().context("the target folder's path is not UTF-8")?;
        process::run(&mut process::program("python3", &["-m", "venv", "--clear", text]))?;
        let pip = python.bin("pip")?;
        let options = ["install", "--quiet", "--disable-pip-version-check"];
        let args: Vec<&str> = options.into_iter().chain(needed.iter().copied()).collect();
        process::run(&mut process::program(&pip, &args))?;
        // Written last, so that a cut install is done again.
        fs::write(marker, needs).context("failed to mark the Python folder as complete")?;
        Ok(python)
    }

    /// One of its programs.
    pub(crate) fn bin(&self, name: &str) -> Result<String> {
        let path = self.programs().join(name);
        path.into_os_string().into_string().ok().context("the target folder's path is not UTF-8")
    }

    /// Where its programs lie.
    pub(crate) fn programs(&self) -> PathBuf {
        self.folder.join("bin")
    }
}

/// Below the target folder; tests that need it look there too.
const FOLDER: &str = "python-tuf";

/// What the suite and the tests ask for, pinned.
const NEEDS: [&str; 5] = [
    "tuf==7.0.0",
    "securesystemslib[crypto]==1.4.0",
    "pytest==9.1.1",
    "pytest-json-report==1.5.0",
    "prometheus-client==0.26.0",
];

/// moto's server needs Flask; `moto[server]` would bring every service.
const MOTO: [&str; 3] = ["moto[s3,kms]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];
