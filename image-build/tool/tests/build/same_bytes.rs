//! Same inputs, same bytes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use updog_image::Tool;

use crate::workshop::{Workshop, run};

/// Another folder, umask, time zone, language, host name and user, and a clock a day later.
#[test]
fn another_place_time_and_user_make_the_same_bytes() {
    let (here, there) = (Workshop::new(), Workshop::new());
    let out = here.at("out");
    assert!(here.build(&out, &["--qcow2"]).status.success());
    let expected = fs::read_to_string(out.join("build.json")).unwrap();

    let out = there.at("elsewhere/deep/out");
    let build: Vec<String> = there.words(&out).iter().map(|word| format!("'{word}'")).collect();
    let tomorrow = tomorrow(&there);
    let mut script = format!(
        "umask 077 && export PATH={tomorrow}:$PATH TZ=Asia/Tokyo LANG=de_DE.UTF-8 LC_ALL=C.UTF-8 USER=other LOGNAME=other HOME=/nowhere && \
         exec faketime -f +1d {} --qcow2",
        build.join(" "),
        tomorrow = tomorrow.display()
    );
    if rustix::process::geteuid().is_root() {
        give(&there.at(""), 65534);
        let other = "setpriv --reuid=65534 --regid=65534 --clear-groups";
        script = format!("hostname elsewhere && exec {other} sh -c \"{script}\"");
        script = format!("exec unshare --uts sh -c '{}'", script.replace('\'', "'\\''"));
    }
    let output = run(&["sh".to_owned(), "-c".to_owned(), script], &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(out.join("build.json")).unwrap(), expected);
    assert!(fs::read(out.join("disk.img")).unwrap() == fs::read(here.at("out/disk.img")).unwrap());
}

/// A folder with all programs that make images, each under a clock a day later. They get an environment of their own, so
/// that what is set around the build does not reach them.
fn tomorrow(workshop: &Workshop) -> PathBuf {
    let folder = workshop.at("tomorrow");
    fs::create_dir(&folder).unwrap();
    // The library alone: its wrapper leaves a semaphore behind when it is killed, and trips over it later.
    let words = ["faketime", "-f", "+1d", "printenv", "LD_PRELOAD"].map(str::to_owned);
    let preload = String::from_utf8(run(&words, &[]).stdout).unwrap();
    let clock = format!("LD_PRELOAD='{}' FAKETIME=+1d", preload.trim());
    for tool in MAKERS {
        let mut places = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
            .map(|place| Path::new(place).join(tool.program))
            .into_iter();
        let program = places.find(|place| place.is_file()).expect(tool.program);
        let path = folder.join(tool.program);
        fs::write(&path, format!("#!/bin/sh\n{clock} exec {} \"$@\"\n", program.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

const MAKERS: [Tool; 9] = [
    Tool::MKFS_EROFS,
    Tool::VERITYSETUP,
    Tool::MKE2FS,
    Tool::MFORMAT,
    Tool::MMD,
    Tool::MCOPY,
    Tool::XZ,
    Tool::DEPMOD,
    Tool::QEMU_IMG,
];

/// The test above can fail: what is an input does change the bytes.
#[test]
fn another_version_makes_other_bytes() {
    let workshop = Workshop::new();
    let digests = ["1.0.0", "1.0.1"].map(|version| {
        let out = workshop.at(version);
        assert!(workshop.build(&out, &["--version", version]).status.success());
        fs::read_to_string(out.join("build.json")).unwrap()
    });
    assert_ne!(digests[0], digests[1]);
}

fn give(folder: &Path, user: u32) {
    chown(folder, Some(user), Some(user)).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            give(&path, user);
        } else {
            chown(&path, Some(user), Some(user)).unwrap();
        }
    }
}
