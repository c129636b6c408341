//! A repository made by python-tuf is read by ours (`fixtures/golden/python-tuf-repo/make.py`).

use std::path::Path;

use fixtures::server::{Faults, Server};
use trust_client::{Error, Mirrors, Role, Store, Transport, refresh};

use crate::host::{fresh, hasty, run};

#[test]
fn python_tuf_repository_is_read() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/python-tuf-repo");
    let server = Server::start(&golden, Faults::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mirrors = Mirrors::one(&server.url_of("metadata"), &server.url_of("targets")).unwrap();
    let root = std::fs::read(golden.join("metadata/1.root.json")).unwrap();
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        let mut trusted = refresh(&transport, &store, &mirrors, &root, fresh()).await.unwrap();
        let roles = trusted.roles().unwrap();
        assert_eq!((roles.root.version, roles.targets.version), (2, 1));
        for (name, text) in [
            ("manifest.json", "{\"updates\":[],\"migrations\":{}}\n"),
            ("team/notes.txt", "from the team\n"),
            ("team/a.txt", "team/a.txt in a bin\n"),
            ("team/b.txt", "team/b.txt in a bin\n"),
            ("team/c.txt", "team/c.txt in a bin\n"),
        ] {
            let bytes = trusted.target_bytes(&transport, name, 100).await.expect(name);
            assert_eq!(bytes, text, "{name}");
        }
        for name in ["team/d.txt", "notes.txt"] {
            let error = trusted.target_bytes(&transport, name, 100).await.unwrap_err();
            assert!(matches!(error, Error::NotListed { .. }), "{name}: {error}");
        }
    });
    assert!(store.read(&Role::Delegated("team".into())).is_some());

    // Delegated roles are kept as well: the second run asks for none of them.
    server.clear();
    run(async {
        let transport = Transport::new(hasty()).unwrap();
        let mut trusted = refresh(&transport, &store, &mirrors, &root, fresh()).await.unwrap();
        trusted.target(&transport, "team/a.txt").await.unwrap();
    });
    let asked: Vec<_> = server.log().into_iter().map(|logged| logged.target).collect();
    assert_eq!(asked, ["/metadata/3.root.json", "/metadata/timestamp.json"]);
}
