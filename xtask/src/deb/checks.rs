//! What must hold for the package in a clean Debian, one after the other; the first that does not ends it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use fixtures::disk::DiskSpec;

use super::root::Root;
use crate::process;

pub(super) fn run(root: &Root, deb: &Path, pages: &Path) -> Result<()> {
    step("installs", || installs(root, deb))?;
    step("programs run", || programs(root))?;
    step("units", || units(root))?;
    step("pages and completions", || manual(root, pages))?;
    step("a disk image", || disk_image(root))?;
    step("the daemon answers", || daemon(root))
}

/// Checks, and says so.
pub(super) fn step(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    check().with_context(|| format!("the package does not hold: {name}"))?;
    println!("ok: {name}");
    Ok(())
}

fn installs(root: &Root, deb: &Path) -> Result<()> {
    fs::copy(deb, root.path("updog.deb")).context("failed to copy the package")?;
    root.said(&["dpkg", "-i", "/updog.deb"])?;
    let changed = root.said(&["dpkg", "-V", "updog"])?;
    ensure!(changed.is_empty(), "dpkg finds files that are not as packed: {changed}");
    let asks = root.said(&["dpkg-query", "-W", "-f=${Depends}|${Recommends}|${Conffiles}", "updog"])?;
    let (depends, rest) = asks.split_once('|').context("dpkg-query answers something else")?;
    let names: Vec<&str> = depends.split(", ").filter_map(|one| one.split(' ').next()).collect();
    ensure!(names.contains(&"libc6") && names.contains(&"systemd"), "depends on {depends}");
    ensure!(rest == "|", "recommends or brings configuration: {rest}");
    ensure!(!root.path("etc/updog.toml").exists(), "it comes with a configuration");
    ensure!(root.said(&["getent", "group", "updog"])?.starts_with("updog:"), "no group updog");
    root.said(&["systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/updog.conf"])?;
    for folder in ["run/updog", "var/lib/updog"] {
        ensure!(root.path(folder).is_dir(), "no /{folder}");
    }
    Ok(())
}

fn programs(root: &Root) -> Result<()> {
    for program in ["updog", "signpost"] {
        let said = root.said(&[program, "--version"])?;
        ensure!(said.starts_with(&format!("{program} ")), "{program} --version said {said:?}");
    }
    let example = "/usr/share/doc/updog/updog.toml.example";
    let shown = root.said(&["updog", "config", "show", "--config", example])?;
    ensure!(shown.lines().all(|line| !line.ends_with(example)), "the example sets something: {shown}");
    Ok(())
}

fn units(root: &Root) -> Result<()> {
    let listed = root.said(&["dpkg", "-L", "updog"])?;
    let units: Vec<&str> = listed.lines().filter_map(|path| path.strip_prefix(UNITS)).collect();
    ensure!(units.len() == 8, "units: {units:?}");
    let paths: Vec<String> = units.iter().map(|unit| format!("{UNITS}{unit}")).collect();
    let mut verify = vec!["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"];
    verify.extend(paths.iter().map(String::as_str));
    let said = root.said(&verify)?;
    ensure!(said.is_empty(), "systemd says {said}");
    let daemon = format!("{UNITS}updog.service");
    root.said(&["systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=30", &daemon])?;
    let enabled = |unit: &str| {
        let wants = ["multi-user.target.wants", "timers.target.wants"];
        wants.iter().any(|folder| root.path(&format!("etc/systemd/system/{folder}/{unit}")).is_symlink())
    };
    let mut found: Vec<&str> = units.iter().copied().filter(|unit| enabled(unit)).collect();
    found.sort_unstable();
    ensure!(found == ENABLED, "enabled: {found:?}, expected {ENABLED:?}");
    Ok(())
}

fn manual(root: &Root, pages: &Path) -> Result<()> {
    let mut count = 0;
    for page in fs::read_dir(pages.join("man"))? {
        let name = page?.file_name().into_string().ok().context("a page's name is not UTF-8")?;
        let path = root.path(&format!("usr/share/man/man1/{name}"));
        ensure!(path.is_file(), "{} is not there", path.display());
        count += 1;
    }
    ensure!(count > 20, "{count} pages");
    for path in ["usr/share/zsh/vendor-completions/_", "usr/share/fish/vendor_completions.d/"] {
        for program in ["updog", "signpost"] {
            let suffix = if path.contains("fish") { ".fish" } else { "" };
            ensure!(root.path(&format!("{path}{program}{suffix}")).is_file(), "no {path}{program}{suffix}");
        }
    }
    let ask = "source /usr/share/bash-completion/completions/updog && complete -p updog";
    let said = root.said(&["bash", "-c", ask])?;
    ensure!(said.contains("-F _updog"), "bash says {said}");
    Ok(())
}

fn disk_image(root: &Root) -> Result<()> {
    fs::write(root.path("disk.img"), DiskSpec::default().build()).context("failed to write a disk image")?;
    let status = root.said(&["updog", "status", "--disk", "/disk.img", "--booted", "A"])?;
    ensure!(status.contains("Slot A:") && status.contains("confirmed (1/7/1)"), "status says {status}");
    root.said(&["signpost", "status", "--disk", "/disk.img", "--booted", "A"])?;
    Ok(())
}

fn daemon(root: &Root) -> Result<()> {
    let mut daemon = root.start(&["updog", "--disk", "/disk.img", "--booted", "A", "serve"])?;
    let answered = asked(root, &mut daemon);
    let pid = daemon.id().to_string();
    process::run(&mut process::program("kill", &[&pid])).context("failed to end the daemon")?;
    let status = daemon.wait().context("failed to wait for the daemon")?;
    let answer = answered?;
    ensure!(answer.starts_with("HTTP/1.1 200 "), "it answers {answer}");
    ensure!(answer.contains("\"daemon\""), "its status says nothing of itself: {answer}");
    ensure!(status.success(), "after SIGTERM it ended with {status}");
    ensure!(!root.path(SOCKET).exists(), "it left its socket");
    Ok(())
}

/// Asks as soon as there is a socket.
fn asked(root: &Root, daemon: &mut Child) -> Result<String> {
    let give_up = Instant::now() + PATIENCE;
    let mut stream = loop {
        if let Some(status) = daemon.try_wait().context("failed to look after the daemon")? {
            bail!("it ended with {status}");
        }
        match connect(root) {
            Ok(stream) => break stream,
            Err(error) if Instant::now() >= give_up => return Err(error).context("nobody listens"),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: updog\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// By a path that is short, wherever the target folder lies: an address holds 107 bytes.
fn connect(root: &Root) -> Result<UnixStream> {
    let path = root.path(SOCKET);
    let folder = fs::File::open(path.parent().context("the socket lies in no folder")?)?;
    Ok(UnixStream::connect(format!("/proc/self/fd/{}/api.sock", folder.as_raw_fd()))?)
}

/// Nothing of the package stays, and all that the host remembers.
pub(super) fn removal(root: &Root) -> Result<()> {
    root.said(&["dpkg", "--purge", "updog"])?;
    let links = root.said(&["find", "/etc/systemd", "/var/lib/systemd", "-name", "updog*"])?;
    ensure!(links.is_empty(), "left behind: {links}");
    ensure!(!root.path("usr/bin/updog").exists(), "updog is still there");
    ensure!(root.path("var/lib/updog").is_dir(), "what the host remembers is gone");
    Ok(())
}

const UNITS: &str = "/usr/lib/systemd/system/";
const SOCKET: &str = "run/updog/api.sock";
const PATIENCE: Duration = Duration::from_mins(1);
/// In order; not the daemon, since the timer takes the turns.
const ENABLED: [&str; 4] =
    ["updog-check.timer", "updog-health.service", "updog-report.service", "updog-trial-late.timer"];
