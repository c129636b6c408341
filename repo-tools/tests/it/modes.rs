//! What hosts must read is open to everybody, whatever the umask of whoever writes it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::Desk;
use crate::common::write_release;

/// A line under umask 077.
fn closed(desk: &Desk, line: &str) {
    let program = env!("CARGO_BIN_EXE_updog-repo");
    let output = Command::new("sh")
        .args(["-c", &format!("umask 077 && exec {program} {line}")])
        .current_dir(desk.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Every file and folder in `dir`, itself left out.
fn all(dir: &Path) -> Vec<PathBuf> {
    let inside = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    inside
        .flat_map(|path| if path.is_dir() { [all(&path), vec![path]].concat() } else { vec![path] })
        .collect()
}

fn open_to_all(dir: &Path) {
    let all = all(dir);
    assert!(all.len() > 10, "{all:?}");
    for path in all {
        assert_eq!(mode(&path), if path.is_dir() { 0o755 } else { 0o644 }, "{}", path.display());
    }
}

#[test]
fn what_hosts_read_is_open_to_everybody_whatever_the_umask() {
    let desk = Desk::new();
    write_release(&desk.path().join("next"), "1.1.0", "1.1.0");
    for line in [
        "--repo repo init",
        "--repo repo key new k --role all",
        "--repo repo release add release --level 1",
        "--repo repo sign --key k",
        "--repo repo publish www/public",
        "mirror www/public copies/mirror",
        "refresh www/public --key k --clock 2099-01-01T00:00:00Z --allow-expired",
    ] {
        closed(&desk, line);
    }
    for dir in ["www", "copies"] {
        assert_eq!(mode(&desk.path().join(dir)), 0o755);
        open_to_all(&desk.path().join(dir));
    }
    assert_eq!(mode(&desk.path().join("k")), 0o600, "and no secret is");

    // What lies in its place is the user's, and so is who may enter that.
    let own = desk.path().join("own");
    fs::create_dir(&own).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o2750)).unwrap();
    closed(&desk, "--repo repo publish own");
    assert_eq!(mode(&own), 0o750);
    open_to_all(&own);
}

#[test]
fn what_others_cannot_read_is_said() {
    let desk = Desk::published();
    let said = desk.json("--repo repo publish public");
    assert_eq!(said["data"]["closed"], serde_json::json!([]));
    let file = fs::read_dir(desk.path().join("public/targets")).unwrap().next().unwrap().unwrap().path();
    for (path, was) in [(file, 0o644), (desk.path().join("public/metadata"), 0o755)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(was & 0o700)).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let said = desk.json("validate public --metadata-only");
        assert_eq!(
            (said["exit"].as_i64(), &said["data"]["problems"][0]["kind"]),
            (Some(12), &"closed".into())
        );
        let what = said["data"]["problems"][0]["what"].as_str().unwrap();
        assert!(what.contains(&name) && what.ends_with(": chmod -R a+rX public"), "{what}");
        let said = desk.done("--repo repo publish public");
        assert!(said.contains("warning: others on this machine cannot read public/"), "{said}");
        fs::set_permissions(&path, fs::Permissions::from_mode(was)).unwrap();
    }
    assert!(desk.done("validate public").contains("no problems"));
}
