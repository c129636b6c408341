//! Where a build reads and writes: what its options name, and nowhere else.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::workshop::{RECIPE, Workshop, refusal};

#[test]
fn what_an_option_names_is_looked_for_first() {
    let workshop = Workshop::new();
    let out = workshop.at("out");
    let (nowhere, large) = (workshop.at("nowhere"), workshop.at("large"));
    let (nowhere, large) = (nowhere.to_str().unwrap(), large.to_str().unwrap());
    for (options, named) in [
        (vec!["--overlay", nowhere], "--overlay"),
        (vec!["--overlay", large], "--overlay"),
        (vec!["--signing-key", nowhere], "--signing-key"),
        (vec!["--secure-boot-key", nowhere, "--secure-boot-cert", large], "--secure-boot-key"),
        (vec!["--secure-boot-key", large, "--secure-boot-cert", nowhere], "--secure-boot-cert"),
    ] {
        let output = workshop.build(&out, &options);
        let said = refusal(&output, 2);
        assert!(said.contains(&format!(", named by {named}")), "{options:?}: {said}");
        assert!(said.contains(&format!("hint: name with {named} ")), "{options:?}: {said}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("compose"), "before any work");
    }
    let said = refusal(&workshop.build(Path::new(large), &[]), 2);
    assert!(
        said.contains("large: it is no folder") && said.contains("hint: name a folder with --out"),
        "{said}"
    );
    fs::remove_file(workshop.at("programs/updog-init")).unwrap();
    let said = refusal(&workshop.build(&out, &[]), 2);
    assert!(said.contains("updog-init, named by --programs"), "{said}");
}

/// A pair that does not belong together is told of as one.
#[test]
fn a_key_and_a_certificate_of_another_are_refused() {
    let workshop = Workshop::new();
    for name in ["a", "b"] {
        let at = |end: &str| workshop.at(&format!("{name}.{end}"));
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout"]);
        let made = openssl.arg(at("key")).arg("-out").arg(at("crt")).output().unwrap();
        assert!(made.status.success());
    }
    let (key, certificate) = (workshop.at("a.key"), workshop.at("b.crt"));
    let options =
        ["--secure-boot-key", key.to_str().unwrap(), "--secure-boot-cert", certificate.to_str().unwrap()];
    let out = workshop.at("out");
    let said = refusal(&workshop.build(&out, &options), 2);
    assert!(said.contains("a.key and certificate") && said.contains("b.crt"), "{said}");
    assert!(said.contains("hint: name a private key and the certificate of that key"), "{said}");
    assert!(!out.exists());
}

/// What is written goes where the host will find it, and nowhere on the machine that builds.
#[test]
fn nothing_is_written_outside() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("passwd"), "mine").unwrap();
    let target = outside.path().display().to_string();
    let link = format!("[[link]]\npath = \"/opt/x\"\ntarget = \"{target}\"\n[size]");
    let workshop = Workshop::with(&RECIPE.replace("[size]", &link));
    let overlay = workshop.at("overlay");
    fs::create_dir_all(overlay.join("opt/x")).unwrap();
    fs::write(overlay.join("opt/x/passwd"), "image").unwrap();
    let out = workshop.at("out");
    let output = workshop.build(&out, &["--overlay", overlay.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(outside.path().join("passwd")).unwrap(), "mine");
    let root = out.join("release/root.img");
    let path = format!("--path={target}/passwd");
    let found = Command::new("dump.erofs").arg(path).arg(root).output().unwrap();
    assert!(String::from_utf8_lossy(&found.stdout).contains("Size: 5"), "{found:?}");
}
