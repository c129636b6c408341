//! Proxies, redirects, headers, connections.

use std::net::TcpListener;

use fixtures::server::{Faults, Server};
use trust_client::{Class, Error, Mirrors, Transport, TransportConfig};

use crate::host::{LENGTH, World, hasty, image, run};

fn through(proxy: &Server, no_proxy: &[&str]) -> TransportConfig {
    let no_proxy = no_proxy.iter().map(|host| (*host).to_owned()).collect();
    TransportConfig { proxy: Some(proxy.url()), no_proxy, ..hasty() }
}

#[test]
fn the_proxy_is_used_for_http() {
    let world = World::new();
    let transport = Transport::new(through(&world.server, &[])).unwrap();
    // A host that exists nowhere: only the proxy can answer for it.
    let mirrors = Mirrors::one("http://mirror.invalid/metadata", "http://mirror.invalid/targets").unwrap();
    run(async {
        let mut trusted = world.refresh_from(&transport, &mirrors).await.unwrap();
        let found = trusted.target_bytes(&transport, "os.img", LENGTH as u64).await.unwrap();
        assert!(found == image());
    });
    assert!(world.server.log().iter().all(|logged| logged.target.starts_with("http://mirror.invalid/")));
}

#[test]
fn the_proxy_is_asked_for_a_tunnel_for_https() {
    let world = World::new();
    let config = TransportConfig { retries: 0, ..through(&world.server, &[]) };
    let transport = Transport::new(config).unwrap();
    let mirrors = Mirrors::one("https://mirror.invalid/metadata", "https://mirror.invalid/targets").unwrap();
    let error = run(world.refresh_from(&transport, &mirrors)).unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error}");
    let log = world.server.log();
    assert_eq!((log[0].method.as_str(), log[0].target.as_str()), ("CONNECT", "mirror.invalid:443"));
}

#[test]
fn hosts_named_in_no_proxy_are_reached_directly() {
    let world = World::new();
    let proxy = Server::start(world.folder.path(), Faults::default()).unwrap();
    for no_proxy in [&["other.example", "127.0.0.1"][..], &["127.0.0.0/8", "::1"], &["*"]] {
        let transport = Transport::new(through(&proxy, no_proxy)).unwrap();
        run(world.refresh(&transport)).unwrap();
        assert!(proxy.log().is_empty(), "{no_proxy:?}");
    }
    run(world.refresh(&Transport::new(through(&proxy, &["other.example"])).unwrap())).unwrap();
    assert!(!proxy.log().is_empty());
}

#[test]
fn bad_settings_are_told_without_their_secrets() {
    let error = Transport::new(TransportConfig { proxy: Some("http://user:secret@[".into()), ..hasty() })
        .unwrap_err();
    assert!(matches!(error, Error::BadProxy { .. }) && !error.to_string().contains("secret"), "{error}");
    assert_eq!(error.classify(), Class::Broken);
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("ca.pem");
    let config = TransportConfig { ca_bundle: Some(bundle.clone()), ..hasty() };
    assert!(matches!(Transport::new(config.clone()), Err(Error::ReadCaBundle { .. })));
    std::fs::write(bundle, "no certificate").unwrap();
    assert!(matches!(Transport::new(config), Err(Error::BadCaBundle { .. })));
}

#[test]
fn one_connection_and_the_name_of_the_program() {
    let world = World::new();
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        let mut trusted = world.refresh(&transport).await.unwrap();
        trusted.target_bytes(&transport, "os.img", LENGTH as u64).await.unwrap();
        trusted.target_bytes(&transport, "os.img", LENGTH as u64).await.unwrap();
        assert_eq!(transport.requests(), 6);
    });
    assert_eq!(world.server.connections(), 1);
    assert!(
        world
            .server
            .log()
            .iter()
            .all(|logged| { logged.user_agent.as_deref().is_some_and(|agent| agent.starts_with("updog/")) })
    );
}

#[test]
fn redirects_are_followed_and_loops_are_not() {
    let world = World::new();
    let front = Server::start(world.folder.path(), Faults::default()).unwrap();
    let mirrors = Mirrors::one(&front.url_of("metadata"), &front.url_of("targets")).unwrap();
    front.set(Faults { redirect: Some(world.server.url()), ..Faults::default() });
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        let mut trusted = world.refresh_from(&transport, &mirrors).await.unwrap();
        assert!(trusted.target_bytes(&transport, "os.img", LENGTH as u64).await.unwrap() == image());
        front.set(Faults { redirect: Some(front.url()), ..Faults::default() });
        let error = world.refresh_from(&transport, &mirrors).await.unwrap_err();
        assert!(matches!(error, Error::Redirect { .. }), "{error}");
    });
}

/// Somebody else has the place, or is on the way to it: no second try makes that right.
#[test]
fn a_redirect_out_of_http_is_untrusted_at_once() {
    let world = World::new();
    let front = Server::start(world.folder.path(), Faults::default()).unwrap();
    let mirrors = Mirrors::one(&front.url_of("metadata"), &front.url_of("targets")).unwrap();
    for (to, found) in [
        ("file:///etc", "file:///etc/metadata/2.root.json"),
        ("ftp://user:secret@127.0.0.1", "ftp://127.0.0.1/metadata/2.root.json"),
        ("data:text/plain,", "data:text/plain,/metadata/2.root.json"),
    ] {
        front.set(Faults { redirect: Some(to.to_owned()), ..Faults::default() });
        let transport = Transport::new(hasty()).unwrap();
        let error = run(world.refresh_from(&transport, &mirrors)).unwrap_err();
        let expected = format!(
            "refused redirect of {}: expected an http or https URL, found {found}",
            front.url_of("metadata/2.root.json")
        );
        assert_eq!(error.to_string(), expected);
        assert_eq!((error.classify(), transport.requests()), (Class::Untrusted, 1), "{error}");
    }
}

/// Object stores answer 403 for what is not there to those who may not list: the next root never is.
#[test]
fn the_end_of_the_root_chain_may_be_forbidden() {
    let world = World::new();
    world.server.set("only=2.root,status=403".parse().unwrap());
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        let mut trusted = world.refresh(&transport).await.unwrap();
        assert!(trusted.target_bytes(&transport, "os.img", LENGTH as u64).await.unwrap() == image());
    });
}

#[test]
fn nobody_there_is_transient() {
    let world = World::new();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mirrors = Mirrors::one(&format!("http://{address}/m"), &format!("http://{address}/t")).unwrap();
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        let error = world.refresh_from(&transport, &mirrors).await.unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error}");
        assert_eq!((error.classify(), transport.requests()), (Class::Transient, 3));
        let secret = mirrors_with_password(&address.to_string());
        let error = world.refresh_from(&transport, &secret).await.unwrap_err();
        let chain = format!("{error}: {:?}", std::error::Error::source(&error));
        assert!(chain.contains("127.0.0.1") && !chain.contains("secret"), "{chain}");
    });
}

fn mirrors_with_password(address: &str) -> Mirrors {
    let url = format!("http://user:secret@{address}/");
    Mirrors::one(&url, &url).expect("two URLs")
}
