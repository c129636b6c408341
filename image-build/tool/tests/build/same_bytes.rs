//! Same inputs, same bytes.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

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
    let mut script = format!(
        "umask 077 && export TZ=Asia/Tokyo LANG=de_DE.UTF-8 LC_ALL=C.UTF-8 USER=other LOGNAME=other HOME=/nowhere && \
         exec faketime -f +1d {} --qcow2",
        build.join(" ")
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
