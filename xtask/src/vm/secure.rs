//! Secure Boot: a machine whose firmware trusts one certificate of ours, and images signed by it, by nobody, or by a
//! stranger.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::firmware::Kind;
use super::yard::{Make, Yard, quietly};
use crate::process;
use crate::python::Python;
use crate::workspace::Workspace;

/// Updates that the firmware must refuse, though their boot manifests are signed as they should be.
pub(super) const UNSIGNED: Make = Make::new("1.6.0", "", false);
pub(super) const BY_A_STRANGER: Make = Make::new("1.7.0", "", false);

/// Builds and publishes all of it. The firmware's variables are made first, since the other disks start with them.
pub(super) fn prepare(yard: &Yard) -> Result<()> {
    let ours = Owner::new(yard, "owner")?;
    let stranger = Owner::new(yard, "stranger")?;
    ours.enrol(&variables(yard))?;
    yard.build(&[Make::FACTORY, Make::GOOD], &ours.signs())?;
    yard.build(&[UNSIGNED], &[])?;
    yard.build(&[BY_A_STRANGER], &stranger.signs())?;
    yard.publish(&[Make::GOOD, UNSIGNED, BY_A_STRANGER])
}

/// The variables that a machine with this yard's disks is delivered with.
pub(super) fn variables(yard: &Yard) -> PathBuf {
    yard.at("keys/enrolled.vars.fd")
}

/// Someone with a key and a certificate for it.
struct Owner {
    key: String,
    certificate: String,
}

impl Owner {
    fn new(yard: &Yard, name: &str) -> Result<Owner> {
        let [key, certificate] = ["key", "crt"].map(|ending| yard.at(&format!("keys/{name}.{ending}")));
        let text = |path: &Path| path.to_str().map(str::to_owned).context("the folder's path is not UTF-8");
        let owner = Owner { key: text(&key)?, certificate: text(&certificate)? };
        let subject = format!("/CN=updog test {name}/");
        let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", &subject];
        let mut openssl = process::program("openssl", &request);
        quietly(openssl.args(["-keyout", &owner.key, "-out", &owner.certificate]))?;
        Ok(owner)
    }

    fn signs(&self) -> [&str; 4] {
        ["--secure-boot-key", &self.key, "--secure-boot-cert", &self.certificate]
    }

    /// Platform key, key exchange key and the only entry of the firmware's list of what may start.
    fn enrol(&self, variables: &Path) -> Result<()> {
        let python = Python::for_firmware(&Workspace::load()?.target_directory)?;
        let mut command = process::program(&python.bin("virt-fw-vars")?, &[]);
        command.args(["--input", Kind::SecureBoot.factory()]).arg("--output").arg(variables);
        for list in ["--set-pk", "--add-kek", "--add-db"] {
            command.args([list, OWNER, &self.certificate]);
        }
        quietly(command.args(["--no-microsoft", "--secure-boot"]))
    }
}

/// Whose entries these are, in the firmware's lists: any GUID will do.
const OWNER: &str = "5c6d0c2e-7e0b-4a8e-9d3b-0d6f1f2a9b51";
