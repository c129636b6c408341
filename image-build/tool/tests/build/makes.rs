//! What a build makes.

use std::fs;
use std::process::Command;

use release::folder::ReleaseJson;
use serde_json::Value;

use crate::workshop::{Workshop, elf};

#[test]
fn a_recipe_becomes_a_disk_and_a_release_folder() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    let output = workshop.build(&out, &["--version", "1.2.3", "--json", "--qcow2"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["verb"], &said["ok"], &said["exit"]), (&"build".into(), &true.into(), &0.into()));
    assert_eq!(said["data"]["build"]["test_keys"], true);

    let mut names: Vec<String> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["build.json", "disk.img", "disk.qcow2", "release", "sbom.spdx.json", "sizes.txt"]);
    let release = ReleaseJson::parse(&fs::read(out.join("release/release.json")).unwrap()).unwrap();
    assert_eq!((&*release.variant, release.version.to_string()), ("test", "1.2.3".to_owned()));
    let packages: Vec<&str> = release.packages.iter().map(|package| &*package.name).collect();
    assert_eq!(packages, ["linux-image-test"]);
}

#[test]
fn a_build_takes_the_place_of_the_one_before() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    assert!(workshop.build(&out, &["--qcow2"]).status.success());
    // Left by a build that was killed.
    fs::create_dir(out.join(".partial")).unwrap();
    fs::write(out.join(".partial/.updog-image"), "").unwrap();
    fs::write(out.join(".partial/disk.img"), "half").unwrap();
    assert!(workshop.build(&out, &["--version", "2.0.0"]).status.success());
    assert!(!out.join("disk.qcow2").exists(), "it would be of the version before");
    assert!(!out.join(".partial").exists());
    let verified = Command::new(workshop.at("updog-image")).arg("verify").arg(&out).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// The words of a rollback do not depend on who wrote the recipe; a hang that nothing ends is said.
#[test]
fn every_image_restarts_by_itself() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    let output = workshop.build(&out, &["--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(said["data"]["warnings"][0].as_str().unwrap().contains("names no watchdog"), "{said}");
    assert_eq!(said["data"]["warnings"].as_array().unwrap().len(), 1, "{said}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("warning: kernel.modules names no watchdog"));
    let stays = workshop.build(&workshop.at("stays"), &["--cmdline", "panic=0"]);
    let said = String::from_utf8_lossy(&stays.stderr).into_owned();
    assert!(said.contains("warning: panic=0 on the command line: after a panic only a watchdog"), "{said}");
    let boot = fs::read(out.join("release/boot.img")).unwrap();
    let expected = b"cmdline=panic=10 softlockup_panic=1 hung_task_panic=1 gpt ro updog.fstype=erofs";
    assert!(boot.windows(expected.len()).any(|window| window == expected));
}

#[test]
fn the_initramfs_loads_modules_after_what_they_need() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    assert!(workshop.build(&out, &[]).status.success());
    let image = out.join("release/boot.img");
    let initrd = workshop.at("initrd");
    let mcopy = Command::new("mcopy").args(["-n", "-i"]).args([&image]).arg("::initrd").arg(&initrd).status();
    assert!(mcopy.unwrap().success());
    let archive = zstd::stream::decode_all(fs::File::open(&initrd).unwrap()).unwrap();
    let listed = cpio(&archive, &["-t"]);
    let modules: Vec<&str> = listed.lines().filter(|line| line.starts_with("modules/")).collect();
    assert_eq!(
        modules,
        [
            "modules/list",
            "modules/erofs.ko",
            "modules/dm_bufio.ko",
            "modules/sha256_fast.ko",
            "modules/dm_verity.ko"
        ]
    );
    let list = cpio(&archive, &["-i", "--to-stdout", "modules/list"]);
    assert_eq!(list, "erofs.ko\ndm_bufio.ko\nsha256_fast.ko\ndm_verity.ko\n");
    assert_eq!(cpio(&archive, &["-i", "--to-stdout", "init"]).into_bytes(), elf("updog-init\n"));
}

fn cpio(archive: &[u8], words: &[&str]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), archive).unwrap();
    let input = fs::File::open(file.path()).unwrap();
    let output = Command::new("cpio").args(["--quiet"]).args(words).stdin(input).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_overlay_lies_over_the_root_and_etc_goes_to_the_factory() {
    let workshop = Workshop::new();
    let (out, overlay) = (workshop.at("out"), workshop.at("overlay"));
    for (path, text) in [("etc/motd", "over\n"), ("usr/share/updog/updog.toml", "seed = 7\n")] {
        let path = overlay.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    assert!(workshop.build(&out, &["--overlay", overlay.to_str().unwrap()]).status.success());
    let root = out.join("release/root.img");
    let cat = |path: &str| {
        let output = Command::new("dump.erofs").arg(format!("--path={path}")).arg(&root).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(
        cat("/usr/share/factory/etc/motd").contains("Size: 5 "),
        "{}",
        cat("/usr/share/factory/etc/motd")
    );
    assert!(!cat("/etc/motd").contains("Size"));
    // The time of the build stands before what the overlay says.
    let stamped = "build_time = \"2025-11-01T00:00:00Z\"\nseed = 7\n".len();
    assert!(cat("/usr/share/updog/updog.toml").contains(&format!("Size: {stamped} ")));
}
