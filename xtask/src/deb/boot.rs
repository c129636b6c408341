//! The package under a systemd that runs: what the daemon is denied is denied, and what it needs is not. By hand, for
//! it needs systemd-nspawn and loop devices, which not every machine that builds has.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use fixtures::disk::DiskSpec;

use super::root::Root;
use crate::process;

/// Boots the root: the daemon is started, asked, stopped, and at last asks for a restart itself.
pub(super) fn run(root: &Root) -> Result<()> {
    if !process::is_installed("systemd-nspawn") {
        bail!("systemd-nspawn is missing\nhint: run \"apt-get install systemd-container\" as root");
    }
    let image = root.path("disk.img");
    fs::write(&image, DiskSpec::default().build()).context("failed to write a disk image")?;
    let disk = Loop::over(&image)?;
    let unit = |name: &str| root.path(&format!("etc/systemd/system/{name}"));
    fs::create_dir_all(unit("updog.service.d"))?;
    fs::write(unit("updog.service.d/probe.conf"), DROP_IN.replace("DISK", &disk.0))?;
    fs::write(unit("probe.service"), PROBE)?;
    fs::write(root.path("probe.sh"), SCRIPT)?;
    root.said(&["systemctl", "enable", "probe.service"])?;
    let mut boot = Command::new("timeout");
    boot.args(["180", "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--link-journal=no"]);
    boot.args(["--boot", "--console=pipe"]).arg(format!("--bind={}", disk.0));
    boot.arg("-D").arg(root.path("/")).stdin(std::process::Stdio::null());
    let output = boot.output().context("failed to start systemd-nspawn")?;
    let said = fs::read_to_string(root.path("said")).unwrap_or_default();
    let console = String::from_utf8_lossy(&output.stderr);
    ensure!(said == SAID, "it said {said:?}, expected {SAID:?}: {console}");
    ensure!(output.status.code() == Some(RESTART), "no restart was asked for: {}", output.status);
    // What stays at a removal is looked at afterwards, and these are not the package's.
    fs::remove_dir_all(unit("updog.service.d"))?;
    Ok(())
}

/// A loop device, given back when it goes.
struct Loop(String);

impl Loop {
    fn over(image: &std::path::Path) -> Result<Loop> {
        let mut attach = process::program("losetup", &["--find", "--show"]);
        Ok(Loop(process::output(attach.arg(image))?.trim().to_owned()))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        if let Err(error) = process::run(&mut process::program("losetup", &["--detach", &self.0])) {
            eprintln!("note: {} stays attached: {error:#}", self.0);
        }
    }
}

/// The disk is no slot of the machine that plays host, so it is named. The rest is what the daemon and its runs do, under the
/// unit's own rules: write the disk, the state folder and `/run/updog`, and ask for a restart.
const DROP_IN: &str = "[Service]
ExecStart=
ExecStart=/usr/bin/updog --disk DISK --booted A serve
ExecStartPre=/usr/bin/signpost --disk DISK --booted A mark-successful-boot
ExecStartPre=/bin/sh -c '! touch /etc/probe && ! touch /usr/probe && touch /var/lib/updog/probe /run/updog/probe'
";

const PROBE: &str = "[Unit]
After=multi-user.target updog-health.service
[Service]
Type=oneshot
ExecStart=/bin/sh /probe.sh
[Install]
WantedBy=multi-user.target
";

const SCRIPT: &str = r#"exec >>/said 2>&1
systemctl list-units --no-legend --state=failed 'updog*'
echo "timer $(systemctl is-active updog-check.timer)"
systemctl start updog.service
echo "timer $(systemctl is-active updog-check.timer), daemon $(systemctl is-active updog.service)"
perl -MIO::Socket::UNIX -e '
    my $socket = IO::Socket::UNIX->new(Peer => "/run/updog/api.sock") or die "nobody listens: $!\n";
    print $socket "GET /v1/status HTTP/1.1\r\nHost: updog\r\nConnection: close\r\n\r\n";
    print scalar(<$socket>) =~ s/\r//r'
systemctl stop updog.service
ls /run/updog
mkdir -p /run/systemd/system/updog.service.d
printf '[Service]\nExecStopPost=/usr/bin/systemctl reboot\n' > /run/systemd/system/updog.service.d/restart.conf
systemctl daemon-reload
systemctl start updog.service
systemctl stop updog.service
sleep 60
echo "still here"
"#;

/// Nothing has failed on a host that nobody has set up; the daemon's folder outlives it.
const SAID: &str = "timer active
timer inactive, daemon active
HTTP/1.1 200 OK
api.sock.lock
probe
";

/// How systemd-nspawn ends when what runs in it wants a restart.
const RESTART: i32 = 133;
