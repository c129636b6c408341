//! The container image as somebody would set it up: a container to run, which must be healthy, and a timer that does not
//! wait. Nobody can type on its console.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use release::Digest;
use serde_json::{Value, json};

use super::yard::{Make, Yard, quietly};

/// Builds and publishes both releases.
pub(super) fn prepare(yard: &Yard) -> Result<()> {
    let overlay = overlay(yard)?;
    let more = ["--overlay", overlay.to_str().context("the folder's path is not UTF-8")?];
    yard.build(&[Make::FACTORY, Make::GOOD], &more)?;
    yard.publish(&[Make::GOOD])
}

/// What every image of a container host has here.
pub(super) fn overlay(yard: &Yard) -> Result<PathBuf> {
    let overlay = yard.at("overlay-container");
    let archive = overlay.join("usr/share/test/hello.tar");
    create(archive.parent())?;
    pack(&yard.at("oci"), &archive)?;
    files(&overlay, &FILES)?;
    for (target, unit) in [("multi-user", "hello.service"), ("sysinit", "hold.service")] {
        let wants = overlay.join(format!("usr/lib/systemd/system/{target}.target.wants"));
        create(Some(&wants))?;
        std::os::unix::fs::symlink(format!("../{unit}"), wants.join(unit))?;
    }
    Ok(overlay)
}

/// Writes files below a folder.
pub(super) fn files(overlay: &Path, files: &[(&str, &str)]) -> Result<()> {
    for (name, text) in files {
        let path = overlay.join(name);
        create(path.parent())?;
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// An OCI archive with one static program.
fn pack(folder: &Path, archive: &Path) -> Result<()> {
    let layer = folder.join("layer");
    create(Some(&layer))?;
    let (source, tar) = (folder.join("hello.rs"), folder.join("layer.tar"));
    std::fs::write(&source, HELLO)?;
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = Command::new(compiler);
    rustc.args(["--target", "x86_64-unknown-linux-musl", "-Cstrip=symbols", "-o"]);
    quietly(rustc.arg(layer.join("hello")).arg(&source))?;
    archived(&tar, &layer, &["hello"])?;

    let image = folder.join("image");
    create(Some(&image.join("blobs/sha256")))?;
    let blob = |kind: &str, bytes: &[u8]| -> Result<Value> {
        let digest = Digest::of(bytes).to_string();
        std::fs::write(image.join("blobs/sha256").join(&digest), bytes)?;
        let media = format!("application/vnd.oci.image.{kind}");
        Ok(json!({ "mediaType": media, "digest": format!("sha256:{digest}"), "size": bytes.len() }))
    };
    let layer = blob("layer.v1.tar", &std::fs::read(&tar)?)?;
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": { "Entrypoint": ["/hello"] },
        "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] },
    });
    let config = blob("config.v1+json", config.to_string().as_bytes())?;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config,
        "layers": [layer],
    });
    let mut manifest = blob("manifest.v1+json", manifest.to_string().as_bytes())?;
    manifest["annotations"] = json!({ "io.containerd.image.name": "docker.io/library/hello:1" });
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    std::fs::write(image.join("index.json"), index.to_string())?;
    std::fs::write(image.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    archived(archive, &image, &["oci-layout", "index.json", "blobs"])
}

fn archived(archive: &Path, folder: &Path, names: &[&str]) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["--owner=0", "--group=0", "--format=ustar", "-cf"]).arg(archive).arg("-C").arg(folder);
    quietly(tar.args(names))
}

pub(super) fn create(folder: Option<&Path>) -> Result<()> {
    let folder = folder.context("a file lies in no folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))
}

/// What the container does.
const HELLO: &str = "fn main() { println!(\"hello from a container, process {}\", std::process::id()); }\n";

/// Over the image, beside what every image of the yard has.
const FILES: [(&str, &str); 7] = [
    (
        "etc/updog.toml",
        "[health]\nsettle = \"3s\"\nunits = [\"containerd.service\", \"systemd-networkd.service\", \"hello.service\"]\n",
    ),
    (
        "usr/lib/systemd/system/hello.service",
        "[Unit]\nDescription=A container that says hello\nRequires=containerd.service\n\
         After=containerd.service systemd-networkd.service\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
         StandardOutput=journal+console\nStandardError=journal+console\n\
         ExecStart=/usr/bin/ctr image import /usr/share/test/hello.tar\n\
         ExecStart=/usr/bin/ctr run --rm docker.io/library/hello:1 hello\nExecStart=/usr/bin/updog status\n",
    ),
    (
        "usr/lib/systemd/system/updog-health.service.d/10-test.conf",
        "[Service]\nExecStartPost=/usr/bin/updog status\n",
    ),
    // On a trial, and when asked to, nothing comes up, and the image's own timer does not take its 15 minutes.
    (
        "usr/lib/systemd/system/hold.service",
        "[Unit]\nConditionKernelCommandLine=updog.trial=1\nConditionPathExists=/private/hold\nDefaultDependencies=no\n\
         Before=sysinit.target\n\n[Service]\nType=oneshot\n\
         ExecStart=/usr/bin/systemd-tmpfiles --create /usr/share/test/hold.conf\nExecStart=/usr/bin/systemctl daemon-reload\n\
         ExecStart=/usr/bin/systemctl --no-block restart updog-trial-late.timer\nExecStart=/usr/bin/udevadm wait /dev/never\n",
    ),
    (
        "usr/share/test/hold.conf",
        "d /run/systemd/system/updog-trial-late.timer.d\n\
         f /run/systemd/system/updog-trial-late.timer.d/10-test.conf 0644 - - - [Timer]\\nOnBootSec=\\nOnBootSec=45s\\n\n",
    ),
    (
        "usr/lib/systemd/system/updog-check.service.d/10-test.conf",
        "[Service]\nStandardOutput=journal+console\n",
    ),
    (
        "usr/lib/systemd/system/updog-check.timer.d/10-test.conf",
        "[Timer]\nOnBootSec=\nOnBootSec=1s\nRandomizedDelaySec=0\n",
    ),
];
