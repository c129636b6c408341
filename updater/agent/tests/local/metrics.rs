//! Metrics: what is in the file, that others can read it, and that it never changes how a verb ends.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::host::{Host, write};
use crate::online::Served;

fn told(host: &Host) -> PathBuf {
    let path = host.path("collected/updog.prom");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let plain = fs::read_to_string(host.config()).unwrap();
    write(host.config(), format!("{plain}\n[metrics]\ntextfile = {:?}\n", path.display().to_string()));
    path
}

/// An update, tried and left: every family is there.
fn left() -> (Served, String) {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let path = told(&served.host);
    assert_eq!(served.host.updog(&["apply"]).code, 0);
    for _ in 0..4 {
        served.host.restart();
    }
    served.host.system("proc/cmdline", "quiet updog.slot=A updog.boot=x\n");
    served.host.settle_at_once();
    // The section of the gate's keys ends the file.
    let plain = fs::read_to_string(served.host.config()).unwrap();
    write(served.host.config(), format!("backoff = \"1m\"\n{plain}"));
    assert_eq!(served.host.updog(&["health"]).code, 0);
    let text = fs::read_to_string(path).unwrap();
    (served, text)
}

#[test]
fn every_family_word_for_word() {
    let (_served, text) = left();
    let own = format!("updog_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    // How small zstd makes it depends on its version.
    let fetched = text.lines().find(|line| line.starts_with("updog_fetched_bytes ")).unwrap();
    let text =
        text.replace(&own, "updog_build_info{version=\"V\"}").replace(fetched, "updog_fetched_bytes N");
    assert_eq!(text, include_str!("metrics.golden"));
}

/// The parser of Prometheus' own client.
const READ: &str = "
import sys
from prometheus_client.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.buffer.read().decode()):
    assert family.type == 'gauge' and family.documentation, family
    for sample in family.samples:
        print(sample.name, sorted(sample.labels.items()), int(sample.value))
";

fn python() -> PathBuf {
    let made = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python-tuf").join("bin/python");
    let python = std::env::var_os("UPDOG_PYTHON").map_or_else(made, PathBuf::from);
    assert!(python.exists(), "{} is missing: run `cargo xtask setup test`", python.display());
    python
}

fn read(text: &str) -> Vec<String> {
    let mut child = Command::new(python())
        .args(["-c", READ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn interop_prometheus_own_client_reads_every_sample() {
    let (served, text) = left();
    let samples = read(&text);
    let ours = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(samples.len(), ours, "{samples:#?}");
    for expected in [
        "updog_running_info [('slot', 'A'), ('version', '1.0.0')] 1",
        "updog_last_outcome [('outcome', 'rolled_back')] 1",
        "updog_failed_releases [] 1",
    ] {
        assert!(samples.contains(&expected.to_owned()), "{expected}: {samples:#?}");
    }
    // A version that is none.
    let nasty = "{\"format\":1,\"holds\":{\"A\":{\"version\":\"1\\\"\\n\\\\n{}=,x\"}}}";
    write(served.host.state().join("outcome.json"), nasty);
    fs::remove_file(served.host.path("os-release")).unwrap();
    served.host.updog(&["report"]);
    let text = fs::read_to_string(served.host.path("collected/updog.prom")).unwrap();
    let samples = read(&text);
    let expected = r#"updog_running_info [('slot', 'A'), ('version', '1"\n\\n{}=,x')] 1"#;
    assert!(samples.contains(&expected.to_owned()), "{samples:#?}");
}

#[test]
fn verbs_that_change_or_look_write_it_and_others_do_not() {
    let mut host = Host::new();
    let path = told(&host);
    for verb in [&["status"][..], &["history"], &["config", "show"], &["verify"]] {
        host.updog(verb);
        assert!(!path.exists(), "{verb:?}");
    }
    let verbs: [&[&str]; 9] = [
        &["check"],
        &["auto"],
        &["stage"],
        &["apply"],
        &["arm"],
        &["cancel"],
        &["confirm"],
        &["rollback"],
        &["report"],
    ];
    for verb in verbs {
        host.updog(verb);
        let mode = fs::metadata(&path).unwrap_or_else(|_| panic!("{verb:?}")).permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{verb:?}");
        fs::remove_file(&path).unwrap();
    }
    host.trial_that_fails();
    let said = host.updog(&["health"]);
    assert!(path.exists() && said.code == 12, "{said:?}");
    let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "nothing else is left there");
}

#[test]
fn what_a_file_cannot_hold_changes_no_verb() {
    let host = Host::new();
    let path = told(&host);
    let without = host.updog(&["confirm"]);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let said = host.updog(&["confirm"]);
    assert_eq!((said.code, &said.stdout), (0, &without.stdout));
    assert!(said.stderr.contains("note: failed to write "), "{said:?}");
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    let said = host.updog(&["confirm"]);
    assert_eq!((said.code, &said.stdout), (0, &without.stdout), "{said:?}");
}

/// Neither a pipe nor a device, nor what a link leads to of that kind, is replaced or waited for.
#[test]
fn what_is_no_regular_file_is_left_as_it_is() {
    let host = Host::new();
    let path = told(&host);
    let pipe = host.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for target in [pipe.as_path(), Path::new("/dev/null")] {
        std::os::unix::fs::symlink(target, &path).unwrap();
        let said = host.updog(&["confirm"]);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.stderr.contains("updog.prom: what lies there is no regular file"), "{said:?}");
        assert_eq!(fs::read_link(&path).unwrap(), target);
        assert!(!fs::metadata(&path).unwrap().is_file());
        fs::remove_file(&path).unwrap();
    }
    fs::rename(&pipe, &path).unwrap();
    let said = host.updog(&["confirm"]);
    assert!(said.stderr.contains("updog.prom: what lies there is no regular file"), "{said:?}");
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_fifo());
}

#[test]
fn a_link_is_written_through() {
    let host = Host::new();
    let path = told(&host);
    let real = host.path("real/updog.prom");
    fs::create_dir(host.path("real")).unwrap();
    std::os::unix::fs::symlink("../real/link.prom", &path).unwrap();
    std::os::unix::fs::symlink("updog.prom", host.path("real/link.prom")).unwrap();
    // Whether there is something at its end or not.
    for _ in 0..2 {
        assert_eq!(host.updog(&["confirm"]).code, 0);
        assert!(fs::read_to_string(&real).unwrap().contains("updog_build_info"));
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        write(&real, "old");
    }
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("updog.prom", &path).unwrap();
    let said = host.updog(&["confirm"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("more than 40 links"), "{said:?}");
}

/// A timer that fails for its configuration is to be seen too.
#[test]
fn errors_of_the_configuration_are_counted() {
    let host = Host::new();
    let path = told(&host);
    let plain = fs::read_to_string(host.config()).unwrap();
    write(host.config(), format!("sead = 1\ntries = 99\n{plain}"));
    assert_eq!(host.updog(&["auto"]).code, 2);
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("\nupdog_config_errors 2\n"), "{text}");
    assert!(text.contains("\nupdog_running_info{slot=\"A\",version=\"1.0.0\"} 1\n"), "{text}");
}

#[test]
fn a_disk_that_cannot_be_read_is_told_of() {
    let host = Host::new();
    let path = told(&host);
    write(host.disk(), vec![0; 1 << 20]);
    assert_eq!(host.updog(&["confirm"]).code, 40);
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("\nupdog_disk_readable 0\n") && !text.contains("updog_running_info"), "{text}");
}
