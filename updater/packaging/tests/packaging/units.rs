//! The units: systemd reads them, the daemon is hardened, and the image takes these and no others.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::{packaged, said};

fn units() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(packaged("systemd")).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert_eq!(all.len(), 8, "{all:?}");
    all
}

/// As [`Command`] sees them: systemd looks whether the program is there.
fn with_a_program(unit: &str) -> String {
    unit.replace("/usr/bin/updog", env!("CARGO_BIN_EXE_updog-pages"))
        .replace("/usr/bin/systemctl", "/bin/true")
}

#[test]
fn systemd_finds_nothing_wrong_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let copied = units().into_iter().map(|path| {
        let to = dir.path().join(path.file_name().unwrap());
        fs::write(&to, with_a_program(&fs::read_to_string(&path).unwrap())).unwrap();
        to
    });
    let copied: Vec<PathBuf> = copied.collect();
    let verify = || {
        // Other units of this machine are not ours to judge, nor whether their manual pages are installed.
        said(
            Command::new("systemd-analyze")
                .args(["verify", "--man=no", "--recursive-errors=no"])
                .args(&copied),
        )
    };
    let (well, words) = verify();
    assert!(well && words.is_empty(), "{words}");
    // It is one that complains.
    let daemon = dir.path().join("updog.service");
    let text = fs::read_to_string(&daemon).unwrap();
    for (right, mistake) in [("ProtectSystem=full", "ProtectSystem=fool"), ("DevicePolicy=", "DevicePolice=")]
    {
        assert!(text.contains(right));
        fs::write(&daemon, text.replace(right, mistake)).unwrap();
        let (_, words) = verify();
        assert!(words.contains("updog.service:"), "{mistake}: {words}");
    }
}

/// The configuration bounds how long the gate asks; a third of the unit's time is for reading the root.
#[test]
fn the_gate_ends_before_its_unit_is_ended() {
    let unit = fs::read_to_string(packaged("systemd/updog-health.service")).unwrap();
    let minutes = unit.lines().find_map(|line| line.strip_prefix("TimeoutStartSec=")?.strip_suffix("min"));
    let limit = std::time::Duration::from_secs(60 * minutes.unwrap().parse::<u64>().unwrap());
    assert!(updog::config::ASKING + limit / 3 <= limit, "{limit:?}");
}

/// Exposure from 0 to 100; 30 is the bar of the daemon.
fn exposure(threshold: &str, unit: &std::path::Path) -> (bool, String) {
    let mut analyze = Command::new("systemd-analyze");
    said(analyze.args(["security", "--no-pager", "--offline=yes", threshold]).arg(unit))
}

#[test]
fn the_daemon_is_exposed_to_little() {
    let (well, words) = exposure("--threshold=30", &packaged("systemd/updog.service"));
    assert!(well, "{words}");
    // A bar that is met by a unit without any of it is none.
    let dir = tempfile::tempdir().unwrap();
    let bare = dir.path().join("updog.service");
    fs::write(&bare, "[Service]\nExecStart=/bin/true\n").unwrap();
    assert!(!exposure("--threshold=30", &bare).0);
}

/// What the daemon cannot do its work without, whatever else is taken from it.
#[test]
fn the_daemon_may_do_its_work() {
    let text = fs::read_to_string(packaged("systemd/updog.service")).unwrap();
    for line in [
        "Type=notify",
        "ExecStart=/usr/bin/updog serve",
        "DeviceAllow=block-* rw",
        "RuntimeDirectory=updog",
        "RuntimeDirectoryPreserve=yes",
        "StateDirectory=updog",
        "Conflicts=updog-check.timer",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
    for key in ["PrivateDevices", "PrivateNetwork", "PrivateUsers", "DynamicUser", "User", "ProcSubset"] {
        assert!(!text.lines().any(|line| line.split('=').next() == Some(key)), "{key}");
    }
}

/// The timer takes the turns by default: everything that is enabled is named here once, for package and image.
#[test]
fn what_the_package_enables_is_what_the_image_enables() {
    let manifest = fs::read_to_string(packaged("../agent/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let entries = manifest["package"]["metadata"]["deb"]["systemd-units"].as_array().unwrap();
    let flag = |entry: &toml::Value, key: &str| entry[key].as_bool().unwrap();
    let mut enabled = BTreeSet::new();
    for entry in entries {
        assert!(!flag(entry, "start"), "{entry}: nothing starts before the next boot");
        let name = entry["unit-name"].as_str().unwrap();
        let installs = |path: &PathBuf| {
            path.file_stem().unwrap() == name && fs::read_to_string(path).unwrap().contains("[Install]")
        };
        let mut own = units().into_iter().filter(installs);
        let unit = own.next().unwrap_or_else(|| panic!("{name} has nothing to enable"));
        assert_eq!(own.next(), None);
        if flag(entry, "enable") {
            enabled.insert(unit.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    let recipe = fs::read_to_string(packaged("../../image-build/variants/container.toml")).unwrap();
    let recipe: toml::Table = recipe.parse().unwrap();
    let in_image: BTreeSet<String> = recipe["units"]["enabled"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unit| unit.as_str().unwrap().to_owned())
        .filter(|unit| unit.starts_with("updog"))
        .collect();
    assert_eq!(enabled, in_image);
    assert!(enabled.contains("updog-check.timer") && !enabled.contains("updog.service"), "{enabled:?}");
    let can_be_enabled =
        units().iter().filter(|path| fs::read_to_string(path).unwrap().contains("[Install]")).count();
    assert_eq!(entries.len(), can_be_enabled, "each of them is named in the package");
}

/// The image has no second copy of a unit.
#[test]
fn the_image_takes_these_files() {
    let variants = packaged("../../image-build/variants");
    let recipe: toml::Table = fs::read_to_string(variants.join("container.toml")).unwrap().parse().unwrap();
    let files = recipe["file"].as_array().unwrap();
    let source = |path: &str| {
        let found = files.iter().find(|file| file["path"].as_str() == Some(path));
        let found = found.unwrap_or_else(|| panic!("{path} is not in the image"));
        fs::canonicalize(variants.join(found["source"].as_str().unwrap())).unwrap()
    };
    for unit in units() {
        let name = unit.file_name().unwrap().to_str().unwrap();
        assert_eq!(source(&format!("/usr/lib/systemd/system/{name}")), fs::canonicalize(&unit).unwrap());
    }
    let tmpfiles = fs::canonicalize(packaged("updog.tmpfiles")).unwrap();
    assert_eq!(source("/usr/lib/tmpfiles.d/updog.conf"), tmpfiles);
    // Its groups have fixed numbers, so it names the one that sysusers.d makes elsewhere.
    let group = |group: &toml::Value| group["name"].as_str() == Some("updog");
    assert!(recipe["group"].as_array().unwrap().iter().any(group));
    assert!(fs::read_to_string(packaged("updog.sysusers")).unwrap().lines().any(|line| line == "g updog -"));
}

/// Every unit that starts by itself does nothing on a host that nobody has set up.
#[test]
fn nothing_happens_without_a_configuration() {
    for unit in
        ["updog-check.service", "updog-health.service", "updog-report.service", "updog-trial-late.timer"]
    {
        let text = fs::read_to_string(packaged("systemd").join(unit)).unwrap();
        let conditions: Vec<&str> = text.lines().filter(|line| line.starts_with("Condition")).collect();
        assert!(!conditions.is_empty(), "{unit}");
        let (plain, any): (Vec<&str>, Vec<&str>) = conditions.iter().partition(|line| !line.contains("=|"));
        // On a host without them: no file of ours, no word of the selector.
        let of_ours =
            |line: &&str| line.contains("/updog") || line.contains("=updog.") || line.contains("|updog.");
        assert!(
            plain.iter().any(of_ours) || (!any.is_empty() && any.iter().all(of_ours)),
            "{unit}: {conditions:?}"
        );
    }
}
