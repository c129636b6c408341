//! The container image with the daemon: it looks, waits for wave and window, restarts, proves itself; `updog watch` tells the console what
//! the API tells. Nobody can type on it.

use std::path::Path;

use anyhow::{Context, Result};

use super::container;
use super::yard::{Make, Yard};

/// Builds all releases; which are shown, and when, the scenario says.
pub(super) fn prepare(yard: &Yard) -> Result<()> {
    let overlay = container::overlay(yard)?;
    container::files(&overlay, &FILES)?;
    link("../watch.service", &overlay.join(UNITS).join("multi-user.target.wants/watch.service"))?;
    let more = ["--overlay", overlay.to_str().context("the folder's path is not UTF-8")?];
    yard.build(&RELEASES, &more)
}

fn link(target: &str, path: &Path) -> Result<()> {
    container::create(path.parent())?;
    std::os::unix::fs::symlink(target, path).with_context(|| format!("failed to make {}", path.display()))
}

/// The second comes up and fails a health check.
const RELEASES: [Make; 4] =
    [Make::FACTORY, Make::GOOD, Make::new("1.2.0", "", true), Make::new("1.3.0", "", false)];

const UNITS: &str = "usr/lib/systemd/system";

/// Over the image, beside what every image of a container host has here.
const FILES: [(&str, &str); 3] = [
    // The daemon takes the turns.
    ("usr/lib/systemd/system/updog-check.timer.d/20-test.conf", "[Unit]\nConditionPathExists=/never\n"),
    (
        "etc/updog.toml",
        "jitter = \"0s\"\nbackoff = 0\n\n[health]\nsettle = \"3s\"\nunits = [\"containerd.service\", \"systemd-networkd.service\", \"hello.service\"]\n\n\
         [serve]\ninterval = \"10s\"\n",
    ),
    (
        "usr/lib/systemd/system/watch.service",
        "[Unit]\nDescription=Start the daemon instead of the timer, and tell the console what it tells\n\n\
         [Service]\nExecStartPre=/usr/bin/systemctl start updog.service\nExecStart=/usr/bin/updog watch\nStandardOutput=journal+console\nStandardError=journal+console\n\
         Restart=on-failure\nRestartSec=1\n",
    ),
];
