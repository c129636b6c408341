//! `build`: from a recipe to a disk.

use std::path::PathBuf;

use clap::Args;
use release::Version;
use serde_json::json;

use super::Answer;
use super::answer::progress;
use super::which::Which;
use crate::packed::SecureBoot;
use crate::{Error, Request, Signing};

#[derive(Debug, Args)]
pub(super) struct Build {
    #[command(flatten)]
    which: Which,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The version of the release, SemVer.
    #[arg(long, default_value = "1.0.0")]
    version: Version,
    /// A tree to lay over the root; may be given more than once, the last one wins.
    #[arg(long, value_name = "DIR")]
    overlay: Vec<PathBuf>,
    /// An ed25519 key (PEM, PKCS#8) that signs the boot manifest; may be given more than once. Without: a test key.
    #[arg(long, value_name = "FILE")]
    signing_key: Vec<PathBuf>,
    /// For use: refuse test keys, here and in the selector.
    #[arg(long)]
    release: bool,
    /// Look the packages up and write the lock first.
    #[arg(long)]
    update_lock: bool,
    /// The lock, when it is not beside the recipe.
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
    /// Debian's archive; without, as apt of this machine is configured.
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
    /// The keys that may sign that archive, when --update-lock reads it.
    #[arg(long, value_name = "FILE")]
    keyring: Option<PathBuf>,
    /// Where packages are kept.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// A folder with updog-boot.efi, updog-init, updog-tiny, updog and signpost; without, cargo builds them.
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// More words for the kernel's command line.
    #[arg(long, value_name = "WORDS", default_value = "")]
    cmdline: String,
    /// Sign selector and kernel for Secure Boot with this key (PEM).
    #[arg(long, value_name = "FILE", requires = "secure_boot_cert")]
    secure_boot_key: Option<PathBuf>,
    /// The certificate of that key (PEM).
    #[arg(long, value_name = "FILE", requires = "secure_boot_key")]
    secure_boot_cert: Option<PathBuf>,
    /// Also write disk.qcow2.
    #[arg(long)]
    qcow2: bool,
}

impl Build {
    pub(super) fn run(self, as_json: bool) -> Result<Answer, Error> {
        let request = self.request()?;
        let out = request.out.clone();
        let built = crate::build(&request, &progress(as_json))?;
        let json = &built.json;
        let release = format!("{}-{}-{}", json.variant, json.arch, json.version);
        let keys = if json.test_keys { ", signed with a test key: not for use" } else { "" };
        let text = format!("{} built: {release}{keys}", out.display());
        let data = json!({ "out": out, "disk": built.disk, "release": built.release, "build": json, "warnings": built.warnings });
        Ok(Answer::done(text, data))
    }

    fn request(self) -> Result<Request, Error> {
        let recipe = self.which.recipe()?;
        let sign = if self.release { Signing::Release } else { Signing::Test };
        let secure_boot = self.secure_boot_key.zip(self.secure_boot_cert);
        Ok(Request {
            version: self.version,
            overlays: self.overlay,
            signing: sign(self.signing_key),
            lock: self.lock,
            update_lock: self.update_lock,
            mirror: self.mirror,
            keyring: self.keyring,
            cache: self.cache,
            programs: self.programs,
            cmdline: self.cmdline,
            secure_boot: secure_boot.map(|(key, certificate)| SecureBoot { key, certificate }),
            qcow2: self.qcow2,
            ..Request::new(recipe, self.which.arch, self.out)
        })
    }
}
