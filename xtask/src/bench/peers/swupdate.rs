//! `SWUpdate` as Debian has it: a signed archive, the raw handler, streamed over HTTP.

use anyhow::{Context, Result};

use super::device::Before;
use super::entrant::{After, Entrant, Family};
use super::ground::Ground;
use super::row::Sample;
use release::Digest;

pub(super) const FULL: &str = "SWUpdate 2022.12";

pub(super) const FAMILY: Family = Family {
    name: "swupdate",
    make,
    entrants: &[Entrant {
        name: FULL,
        note: "CMS, zstd, installed-directly, over HTTP",
        before: Before::Foreign,
        after: After::New,
        run: install,
    }],
};

/// Made anew each time: the archive names the device.
fn make(ground: &Ground) -> Result<()> {
    let folder = ground.path("swupdate");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    let payload = ground.pair.whole();
    let digest = Digest::of(&std::fs::read(&payload)?);
    std::os::unix::fs::symlink(&payload, folder.join("img")).context("failed to link the payload")?;
    let device = ground.device.other();
    ground.write(
        "swupdate/sw-description",
        &format!(
            "software = {{ version = \"2.0.0\"; description = \"bench\"; hardware-compatibility: [ \"1.0\" ];\n \
             images: ( {{ filename = \"img\"; device = \"{device}\"; type = \"raw\"; sha256 = \"{digest}\"; \
             installed-directly = true; compressed = \"zstd\"; }} ); }}\n"
        ),
    )?;
    ground.write("swupdate/config", "globals : { verbose = false; loglevel = 3; };\n")?;
    ground.write("swupdate/hwrevision", "bench 1.0\n")?;
    let key = "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=bench \
        -addext extendedKeyUsage=emailProtection,codeSigning -keyout key.pem -out cert.pem";
    let sign = "openssl cms -sign -in sw-description -out sw-description.sig -signer cert.pem -inkey key.pem \
        -outform DER -nosmimecap -binary";
    let pack =
        "printf 'sw-description\\nsw-description.sig\\nimg\\n' | cpio -o -L -H crc --quiet >update.swu";
    ground.shell.quiet(&format!("cd swupdate && {key} && {sign} && {pack}"))?;
    Ok(())
}

fn install(ground: &Ground) -> Result<Sample> {
    let url = ground.server.url_of("swupdate/update.swu");
    ground.measure(&format!(
        "swupdate -f swupdate/config -d '-u {url}' -k swupdate/cert.pem -H bench:1.0 -M -m"
    ))
}
