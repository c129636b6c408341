//! etcd behind TLS, which asks hosts for a certificate too.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};

use crate::etcd::{Cluster, until};
use crate::host::{Host, write};

/// An authority, a certificate for 127.0.0.1, and their files in `folder`.
fn certificates(folder: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    write(folder.join("ca.pem"), pem("CERTIFICATE", authority.der()));
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    // etcd's gateway goes through its own door, by the server's certificate.
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    write(folder.join("cert.pem"), pem("CERTIFICATE", params.signed_by(&key, &authority).unwrap().der()));
    write(folder.join("key.pem"), pem("PRIVATE KEY", &key.serialize_der()));
}

fn pem(what: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(what, der))
}

#[test]
fn a_host_shows_its_certificate_and_asks_for_etcds() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (ca, cert, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
    let tls = ["--client-cert-auth", "--trusted-ca-file", &ca, "--cert-file", &cert, "--key-file", &key];
    let cluster = Cluster::begin(1, "https", &tls);
    let host = Host::of_group("web", &[1], "");
    let endpoint = format!("https://127.0.0.1:{}", cluster.ports()[0]);
    let plain = fs::read_to_string(host.config())
        .unwrap()
        .replace("http://127.0.0.1:1\"]", &format!("{endpoint}\"]"));
    let whole = format!("ca_bundle = {ca:?}\n{plain}client_cert = {cert:?}\nclient_key = {key:?}\n");
    write(host.config(), &whole);
    until("etcd is up and the host restarts", || {
        let said = host.updog(&["auto", "--reboot"]);
        assert!([0, 20].contains(&said.code), "{said:?}");
        host.restarted()
    });
    assert_eq!(host.updog(&["cancel"]).code, 0);
    until("the permit is given back", || !host.state().join("permit.json").exists());
    host.arm_by_itself("1.1.0");
    fs::remove_file(host.path("restarted")).unwrap();
    for (config, code, expected) in [
        // Without a certificate of its own.
        (
            format!("ca_bundle = {ca:?}\n{plain}"),
            20,
            "failed to read the group from etcd: https://127.0.0.1:",
        ),
        // By an authority that is not etcd's.
        (whole.replacen(&ca, &cert, 1), 20, "invalid peer certificate"),
        (
            whole.replacen(&ca, "/nonexistent/ca.pem", 1),
            2,
            "failed to set up the client of etcd: failed to read /nonexistent/ca.pem",
        ),
        (whole.replace(&key, &ca), 2, "are no certificate with its key"),
    ] {
        write(host.config(), config);
        let said = host.updog(&["auto", "--reboot"]);
        assert_eq!(said.code, code, "{expected}: {said:?}");
        assert!(said.stderr.contains(expected), "{said:?}");
        assert!(!said.stderr.contains("PRIVATE") && !host.restarted());
    }
}
