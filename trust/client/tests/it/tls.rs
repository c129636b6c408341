//! https: whom to believe, and that a redirect does not leave it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};
use trust_client::{Class, Error, Transport, TransportConfig};
use url::Url;

use crate::host::{World, hasty, run};

/// A server on https that gives one answer to everything, and the PEM of its certificate. It is called by its address,
/// so that no names need to be known.
fn serve(answer: String) -> (Url, String) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
        })
        .expect("a TLS configuration");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let pem = pem::encode(&pem::Pem::new("CERTIFICATE", made.cert.der().to_vec()));
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let Ok(mut connection) = ServerConnection::new(Arc::clone(&config)) else { continue };
            let mut stream = Stream::new(&mut connection, &mut socket);
            // A client that does not believe the certificate goes away here.
            let _ = stream.read(&mut [0; 4096]).and_then(|_| stream.write_all(answer.as_bytes()));
            connection.send_close_notify();
            let _ = connection.write_tls(&mut socket);
        }
    });
    (format!("https://127.0.0.1:{port}/").parse().expect("a URL"), pem)
}

fn believing(pem: &str) -> TransportConfig {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.keep().join("ca.pem");
    std::fs::write(&path, pem).expect("the bundle is written");
    TransportConfig { ca_bundle: Some(path), retries: 0, ..hasty() }
}

#[test]
fn only_the_authorities_of_the_bundle_are_believed() {
    let (url, pem) = serve("HTTP/1.1 200 -\r\nContent-Length: 5\r\n\r\nhello".to_owned());
    let (_, other) = serve(String::new());
    run(async {
        let found = Transport::new(believing(&pem)).unwrap().get(&url, "file", 10).await;
        assert_eq!(found.unwrap().unwrap(), "hello");
        for stranger in [believing(&other), TransportConfig { retries: 0, ..hasty() }] {
            let error = Transport::new(stranger).unwrap().get(&url, "file", 10).await.unwrap_err();
            assert!(matches!(error, Error::Connect { .. }), "{error}");
        }
    });
}

#[test]
fn a_redirect_does_not_lead_from_https_to_http() {
    let world = World::new();
    let location = world.server.url_of("metadata/timestamp.json");
    let (url, pem) = serve(format!("HTTP/1.1 302 -\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"));
    let found = run(async { Transport::new(believing(&pem)).unwrap().get(&url, "file", 10_000).await });
    let error = found.unwrap_err();
    assert_eq!(error.classify(), Class::Untrusted, "{error}");
    assert_eq!(
        error.to_string(),
        format!("refused redirect of {url}file: expected an https URL, found {location}")
    );
    assert!(world.server.log().is_empty());
}
