//! etcd with users and roles.

use std::fs;

use serde_json::json;

use crate::etcd::{Cluster, base64, until};
use crate::host::{Host, write};

/// Users root and updog, the latter with a role that may do no more than the documentation asks for.
fn with_users() -> Cluster {
    let cluster = Cluster::start(1, &[]);
    let (from, to) = (base64(b"/updog/reboot/"), base64(b"/updog/reboot0"));
    let all = json!({ "permType": "READWRITE", "key": from, "range_end": to });
    for (path, body) in [
        ("user/add", json!({ "name": "root", "password": "of-root" })),
        ("role/add", json!({ "name": "root" })),
        ("user/grant", json!({ "user": "root", "role": "root" })),
        ("user/add", json!({ "name": "updog", "password": "of-updog" })),
        ("role/add", json!({ "name": "restarts" })),
        ("role/grant", json!({ "name": "restarts", "perm": all })),
        ("user/grant", json!({ "user": "updog", "role": "restarts" })),
        ("enable", json!({})),
    ] {
        cluster.ask(&format!("auth/{path}"), &body);
    }
    cluster
}

#[test]
fn a_host_logs_in_where_etcd_asks_for_it_and_shows_no_password() {
    let cluster = with_users();
    let host = Host::of_group("web", &cluster.ports(), "");
    let before = host.bytes();
    let plain = fs::read_to_string(host.config()).unwrap();
    let secret = host.path("password");
    let login = format!("{plain}user = \"updog\"\npassword_file = {:?}\n", secret.display().to_string());
    for (config, password, expected) in [
        (plain.clone(), "of-updog\n", "does not allow it: etcdserver: user name is empty"),
        (login.clone(), "of-another\n", "failed to log in to etcd: etcd at http://127.0.0.1:"),
        (login.clone(), "\n", "password has no password in its first line"),
        (
            format!("{login}prefix = \"/other\"\n"),
            "of-updog\n",
            "does not allow it: etcdserver: permission denied",
        ),
    ] {
        write(host.config(), config);
        write(&secret, password);
        let said = host.updog(&["-vv", "auto", "--reboot"]);
        assert_eq!(said.code, 2, "{expected}: {said:?}");
        assert!(said.stderr.contains(expected) && !said.stderr.contains("of-"), "{said:?}");
        assert!(!host.restarted());
        assert_eq!(host.bytes(), before);
    }
    write(host.config(), login);
    let said = host.updog(&["auto", "--reboot"]);
    assert!(said.code == 0 && host.restarted(), "{said:?}");
    assert_eq!(host.updog(&["cancel"]).code, 0);
    until("the permit is given back", || !host.state().join("permit.json").exists());
}
