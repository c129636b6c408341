//! RAUC as Debian has it. Plain bundles: verity bundles and streaming need device mapper and NBD in the kernel.

use anyhow::{Context, Result, ensure};

use super::device::Before;
use super::entrant::{After, Entrant, Family};
use super::ground::Ground;
use super::pair::OLD;
use super::row::Sample;
use super::sizes;
use crate::bench::usage::{TIME, Usage};

pub(super) const FULL: &str = "RAUC 1.8 plain";
pub(super) const ADAPTIVE: &str = "RAUC 1.8 adaptive";

pub(super) const FAMILY: Family = Family {
    name: "rauc",
    make,
    entrants: &[
        Entrant {
            name: FULL,
            note: "squashfs zstd 128 KiB, from a file",
            before: Before::Foreign,
            after: After::New,
            run: |ground| install(ground, "full.raucb"),
        },
        Entrant {
            name: ADAPTIVE,
            note: "indexes kept; fetched: computed, index and covering 64 KiB frames",
            before: Before::Older,
            after: After::New,
            run: adaptive,
        },
    ],
};

fn make(ground: &Ground) -> Result<()> {
    ground.once("rauc", "1", |ground| {
        let key = "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=bench";
        ground.shell.quiet(&format!("cd rauc && {key} -keyout key.pem -out cert.pem"))?;
        bundle(ground, "full", "", "131072")?;
        bundle(ground, "adaptive", "adaptive=block-hash-index\n", "65536")?;
        std::fs::create_dir_all(ground.path("rauc/data"))?;
        Ok(std::fs::create_dir_all(ground.path("rauc/mnt"))?)
    })?;
    let (folder, device) = (ground.path("rauc"), &ground.device);
    let folder = folder.display();
    let (a, b) = (device.running(), device.other());
    let config = format!(
        "[system]\ncompatible=bench\nbootloader=noop\nmountprefix={folder}/mnt\ndata-directory={folder}/data\n\
         bundle-formats=plain verity\n[keyring]\npath={folder}/cert.pem\n\
         [slot.rootfs.0]\ndevice={a}\ntype=raw\nbootname=A\n[slot.rootfs.1]\ndevice={b}\ntype=raw\nbootname=B\n"
    );
    ground.write("rauc/system.conf", &config)?;
    ground.write("rauc/run.sh", &RUN.replace("TIME", TIME))?;
    // The running slot's index is made at the first installation and kept.
    ground.device.fill(&ground.pair.image(OLD))?;
    install(ground, "adaptive.raucb").map(drop)
}

fn bundle(ground: &Ground, name: &str, more: &str, block: &str) -> Result<()> {
    let manifest = format!(
        "[update]\ncompatible=bench\nversion=2\n[bundle]\nformat=plain\n[image.rootfs]\nfilename=root.img\n{more}"
    );
    ground.write(&format!("rauc/{name}/manifest.raucm"), &manifest)?;
    std::fs::hard_link(ground.image(), ground.path(&format!("rauc/{name}/root.img")))?;
    let squash = format!("-comp zstd -Xcompression-level {} -b {block}", ground.level);
    ground.shell.quiet(&format!(
        "cd rauc && rauc bundle --cert cert.pem --key key.pem --mksquashfs-args='{squash}' {name} {name}.raucb && rm -r {name}"
    ))?;
    Ok(())
}

/// The service does the work, so it is the one that is measured; the wall time is what its client waits.
const RUN: &str = "export DBUS_STARTER_BUS_TYPE=session
cd \"$1\"
TIME rauc -c \"$1/system.conf\" --override-boot-slot=A service >service.log 2>&1 &
timed=$!
for _ in $(seq 100); do
  gdbus call --session --dest org.freedesktop.DBus --object-path /org/freedesktop/DBus \\
    --method org.freedesktop.DBus.NameHasOwner de.pengutronix.rauc | grep -q true && break
  sleep 0.1
done
start=$(date +%s.%N)
rauc -c \"$1/system.conf\" install \"$1/$2\" >client.log 2>&1
code=$?
end=$(date +%s.%N)
echo \"$start $end\" >wall
kill $(pgrep -P $timed)
wait $timed
test $code = 0 || tail -3 client.log >&2
exit $code
";

fn install(ground: &Ground, bundle: &str) -> Result<Sample> {
    let folder = ground.path("rauc");
    let line = format!("dbus-run-session -- bash rauc/run.sh {} {bundle}", folder.display());
    let sample = ground.measure(&line)?;
    let usage = Usage::of_last(&folder)?;
    let wall = std::fs::read_to_string(folder.join("wall"))?;
    let wall_s = wall_s(&wall).with_context(|| format!("the clock says {wall:?}"))?;
    ensure!(wall_s > 0.0, "the clock went backwards");
    let fetched_bytes = std::fs::metadata(folder.join(bundle))?.len();
    Ok(Sample { wall_s, cpu_s: usage.cpu_s, rss_kib: usage.rss_kib, fetched_bytes, requests: None, ..sample })
}

fn adaptive(ground: &Ground) -> Result<Sample> {
    let sample = install(ground, "adaptive.raucb")?;
    Ok(Sample { fetched_bytes: sizes::adaptive(ground)?, ..sample })
}

/// Seconds between two points of time.
fn wall_s(text: &str) -> Option<f64> {
    let (start, end) = text.trim().split_once(' ')?;
    Some(end.parse::<f64>().ok()? - start.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_lie_between_two_points_of_time() {
        assert!((wall_s("100.25 104.75\n").unwrap() - 4.5).abs() < 1e-9);
        assert_eq!(wall_s("100.25"), None);
    }
}
