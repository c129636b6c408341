//! Packages in the bill of materials.

use fixtures::server::{Faults, Server};
use serde_json::Value;
use updog_image::Arch;
use updog_image::packages::{Cache, Mirror, fetch};
use updog_image::sbom::{Subject, spdx};

use crate::made_up::{self, Package};

#[test]
fn a_package_is_listed_by_version_digest_and_url() {
    let folder = tempfile::tempdir().unwrap();
    let archive = made_up::archive(folder.path());
    let lock = made_up::lock(vec![Package::new("lib-c++1", "1:2.3~rc1+deb13u1").publish(&archive)]);
    let server = Server::start(folder.path(), Faults::default()).unwrap();
    let mirror = Mirror::from_machine_or(Some(&server.url_of("debian"))).unwrap();
    let fetched = fetch(&lock, &mirror, &Cache::new(folder.path()), &|_| ()).unwrap();
    let document = spdx(&Subject {
        variant: "container",
        arch: Arch::X86_64,
        version: "1.0.0",
        created: 0,
        suite: "trixie",
        images: &[],
        root: &fetched.root,
        kernel: &fetched.kernel,
        programs: &[],
        cargo_lock: None,
    });
    let json: Value = serde_json::from_slice(&document.unwrap()).unwrap();
    let package = &json["packages"][1];
    assert_eq!(package["name"], "lib-c++1");
    assert_eq!(package["versionInfo"], "1:2.3~rc1+deb13u1");
    assert_eq!(package["licenseDeclared"], "NOASSERTION");
    assert_eq!(package["checksums"][0]["checksumValue"], lock.root[0].sha256.to_string());
    assert_eq!(
        package["externalRefs"][0]["referenceLocator"],
        "pkg:deb/debian/lib-c%2B%2B1@1%3A2.3~rc1%2Bdeb13u1?arch=all&distro=trixie"
    );
}
