//! Packages looked up by the machine's apt in a made-up archive (`archive/`).

use std::path::{Path, PathBuf};

use fixtures::server::{Faults, Server};
use updog_image::Arch;
use updog_image::lock::{Lock, Wanted};
use updog_image::packages::{Error, Mirror, resolve};

const ARCHIVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packages/archive");

fn wanted(packages: &[&str], without: &[&str]) -> Wanted {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    Wanted::new("trixie", "linux-image-cloud", owned(packages), owned(without))
}

fn look_up(wanted: &Wanted, arch: Arch) -> Result<Lock, Error> {
    let server = Server::start(ARCHIVE, Faults::default()).unwrap();
    look_up_at(&server.url_of("debian"), &Path::new(ARCHIVE).join("keyring.gpg"), wanted, arch)
}

fn look_up_at(url: &str, keyring: &Path, wanted: &Wanted, arch: Arch) -> Result<Lock, Error> {
    let work = tempfile::tempdir().unwrap();
    let mirror = Mirror::from_machine_or(Some(url)).unwrap().signed_by(keyring.to_owned());
    let found = resolve(wanted, arch, &mirror, work.path(), &|_| ());
    assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0, "nothing is left behind");
    found
}

fn names(lock: &Lock) -> Vec<String> {
    lock.root.iter().map(|it| format!("{} {} {}", it.package, it.version, it.architecture)).collect()
}

#[test]
fn the_newest_of_all_suites_with_what_it_depends_on() {
    for arch in Arch::ALL {
        let lock = look_up(&wanted(&["app"], &[]), arch).unwrap();
        let debian = arch.debian();
        let expected = [
            format!("app 1:2.0-1 {debian}"),
            "data 1.1 all".to_owned(),
            format!("libc 2.41-1+deb13u1 {debian}"),
            format!("mawk 1.3 {debian}"),
            format!("shell 5.2 {debian}"),
        ];
        assert_eq!(names(&lock), expected, "what is recommended stays out");
        let path = |name: &str| lock.root.iter().find(|it| it.package == name).unwrap().path.clone();
        assert_eq!(path("libc"), format!("pool/updates/main/l/libc_2.41-1+deb13u1_{debian}.deb"));
        assert_eq!(
            path("shell"),
            format!("pool/main/s/shell_5.2_{debian}.deb"),
            "the first of two that are the same"
        );
        assert_eq!(lock.root[0].size, 3000);
        let kernel: Vec<&str> = lock.kernel.iter().map(|it| &*it.package).collect();
        assert_eq!(kernel, ["linux-image-6.12-cloud"], "neither its metapackage nor what it depends on");
        assert_eq!(Lock::parse(&PathBuf::from("l"), arch, &lock.to_text()).unwrap(), lock);
    }
}

#[test]
fn what_is_taken_as_installed_stays_out_with_all_it_needs() {
    let lock = look_up(&wanted(&["app"], &["awk", "shell"]), Arch::X86_64).unwrap();
    assert_eq!(names(&lock), ["app 1:2.0-1 amd64", "libc 2.41-1+deb13u1 amd64"]);
    assert_eq!(lock.kernel.len(), 1, "the kernel is looked up as if nothing was installed");
    assert_eq!(names(&look_up(&wanted(&[], &[]), Arch::X86_64).unwrap()), [""; 0]);
}

#[test]
fn what_cannot_be_had_is_named() {
    for (packages, without, arch, expected) in [
        (
            &["app", "nope"][..],
            &[][..],
            Arch::X86_64,
            "failed to look up nope: trixie has no such package for amd64",
        ),
        (
            &["only-amd64"],
            &[],
            Arch::Aarch64,
            "failed to look up only-amd64: trixie has no such package for arm64",
        ),
        (&["app"], &["app"], Arch::X86_64, "failed to look up app: it stands in both packages and without"),
        (
            &["app=1.0"],
            &[],
            Arch::X86_64,
            "failed to look up \"app=1.0\": expected the name of a Debian package",
        ),
        (&["app-"], &[], Arch::X86_64, "failed to look up \"app-\": expected the name of a Debian package"),
        (
            &["--help"],
            &[],
            Arch::X86_64,
            "failed to look up \"--help\": expected the name of a Debian package",
        ),
    ] {
        let error = look_up(&wanted(packages, without), arch).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().is_some(), "{error}");
    }
    let error = look_up(&wanted(&["broken"], &[]), Arch::X86_64).unwrap_err();
    assert!(matches!(&error, Error::Unresolvable { said } if said.contains("nowhere")), "{error}");
    let without_kernel = Wanted::new("trixie", "app", [], []);
    assert!(matches!(look_up(&without_kernel, Arch::X86_64), Err(Error::NoKernel { .. })));
}

#[test]
fn lists_that_cannot_be_fetched_or_trusted_are_one_error() {
    let wanted = wanted(&["app"], &[]);
    let keyring = Path::new(ARCHIVE).join("keyring.gpg");
    let server = Server::start(ARCHIVE, Faults::default()).unwrap();
    let url = server.url_of("debian");
    let empty = tempfile::NamedTempFile::new().unwrap();
    let other_key = look_up_at(&url, empty.path(), &wanted, Arch::X86_64).unwrap_err();
    let other_suite =
        look_up_at(&url, &keyring, &Wanted { suite: "forky".to_owned(), ..wanted.clone() }, Arch::X86_64);
    server.set(Faults {
        only: Some("binary-amd64/Packages".to_owned()),
        tamper: Some(100),
        ..Faults::default()
    });
    let tampered = look_up_at(&url, &keyring, &wanted, Arch::X86_64).unwrap_err();
    drop(server);
    let unreachable = look_up_at(&url, &keyring, &wanted, Arch::X86_64).unwrap_err();
    for error in [other_key, other_suite.unwrap_err(), tampered, unreachable] {
        assert!(matches!(&error, Error::Update { said, .. } if !said.is_empty()), "{error}");
        assert!(error.hint().unwrap().contains("--mirror"));
    }
}
