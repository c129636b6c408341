//! Restarts of a group: at most so many at a time, by permits in a real etcd.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::etcd::{Cluster, base64, post, until};
use crate::host::{Host, write};

/// What a host says that waits for others.
fn waits(host: &Host) -> String {
    let before = host.bytes();
    let said = host.json(&["auto", "--reboot"]);
    assert_eq!((&said["exit"], &said["reason"]), (&0.into(), &"coordinated".into()), "{said}");
    assert!(said["data"]["until"].as_str().unwrap().starts_with("2026-01-02T03:09:"), "{said}");
    assert!(!host.restarted());
    assert_eq!(host.bytes(), before);
    said["message"].as_str().unwrap().to_owned()
}

fn restarts(host: &Host) {
    let said = host.updog(&["auto", "--reboot"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "slot B (1.1.0) is armed, restarting\n"), "{said:?}");
    assert!(host.restarted());
}

#[test]
fn so_many_of_a_group_restart_at_a_time() {
    let cluster = Cluster::start(1, &[]);
    let ports = cluster.ports();
    let of = |group: &str| Host::of_group(group, &ports, "slots = 2\n");
    let (mut one, two, three, other) = (of("web"), of("web"), of("web"), of("db"));
    one.system("proc/sys/kernel/hostname", "web-1\n");
    restarts(&one);
    // Told again, in the same boot, it goes by the permit that it has.
    restarts(&one);
    assert_eq!(cluster.holders("web").len(), 1);
    restarts(&two);
    let holders = cluster.holders("web");
    let id = fs::read_to_string(one.state().join("host-id")).unwrap();
    assert_eq!(holders[0].1["host"], id.trim());
    assert_eq!((&holders[0].1["name"], &holders[0].1["version"]), (&"web-1".into(), &"1.1.0".into()));
    let expected = format!(
        "slot B (1.1.0) is armed; group \"web\" restarts 2 at a time, now web-1 ({}) since",
        id.trim()
    );
    assert!(waits(&three).starts_with(&expected));
    restarts(&other);
    // It is back, and not yet confirmed.
    one.boots();
    waits(&three);
    assert_eq!(one.updog(&["confirm"]).code, 0);
    until("confirm has given the permit back", || !one.state().join("permit.json").exists());
    assert_eq!(cluster.holders("web").len(), 1);
    restarts(&three);
}

/// Where `confirm` came to nothing, the next turn does it; one that has nothing to do, too.
#[test]
fn a_permit_is_given_back_by_the_next_turn() {
    let cluster = Cluster::start(1, &[]);
    let mut host = Host::of_group("web", &cluster.ports(), "");
    restarts(&host);
    host.boots();
    host.join("web", &[1], "");
    assert_eq!(host.updog(&["confirm"]).code, 0);
    let said = host.updog(&["auto"]);
    assert!(
        said.stderr.contains("the permit to restart is not given back yet: failed to end a lease in etcd"),
        "{said:?}"
    );
    assert!(said.stderr.contains("error: failed to read the trusted root"), "it went on: {said:?}");
    assert_eq!(cluster.holders("web").len(), 1);
    host.join("web", &cluster.ports(), "");
    host.updog(&["auto"]);
    assert_eq!(cluster.holders("web"), []);
    // A trial that was left is a restart that is over, too.
    let mut host = Host::of_group("web", &cluster.ports(), "");
    restarts(&host);
    fs::remove_file(host.path("restarted")).unwrap();
    while host.restart() != partition_core::Slot::A {}
    assert_eq!(cluster.holders("web").len(), 1);
    host.updog(&["auto"]);
    assert_eq!(cluster.holders("web"), []);
}

#[test]
fn who_does_not_restart_after_all_gives_its_permit_back() {
    let cluster = Cluster::start(1, &[]);
    let host = Host::of_group("web", &cluster.ports(), "");
    restarts(&host);
    assert_eq!(cluster.holders("web").len(), 1);
    // Confirmed again in the boot that is about to end, it still needs it.
    assert_eq!(host.updog(&["confirm"]).code, 0);
    assert_eq!(cluster.holders("web").len(), 1);
    assert_eq!(host.updog(&["cancel"]).code, 0);
    until("cancel has given the permit back", || cluster.holders("web").is_empty());
    // By a hook.
    let host = Host::of_group("web", &cluster.ports(), "");
    let dir = host.path("hooks.d").display().to_string();
    let plain = fs::read_to_string(host.config()).unwrap();
    write(host.config(), format!("{plain}[hooks]\ndir = {dir:?}\n"));
    let asked = host.path("asked").display().to_string();
    host.hook(
        "pre-reboot",
        "10-busy",
        &format!("cat {}/permit.json > {asked}; exit 75", host.state().display()),
    );
    let said = host.json(&["auto", "--reboot"]);
    assert_eq!((&said["exit"], &said["reason"]), (&0.into(), &"deferred".into()), "{said}");
    assert!(
        fs::read_to_string(asked).unwrap().contains("\"lease\""),
        "the hook is asked with a permit in hand"
    );
    assert_eq!(cluster.holders("web"), []);
    assert!(!host.restarted());
    // A window that has closed since the restart was asked for takes nothing from a host that may be going down: 2026-01-02 is a
    // Friday.
    fs::remove_dir_all(host.path("hooks.d")).unwrap();
    restarts(&host);
    let plain = fs::read_to_string(host.config()).unwrap();
    write(
        host.config(),
        format!("{plain}[[windows]]\ndays = [\"sun\"]\nstart = \"01:00\"\nend = \"02:00\"\n"),
    );
    assert_eq!(host.json(&["auto", "--reboot"])["reason"], "window");
    assert_eq!(cluster.holders("web").len(), 1);
}

/// Its lease ends by itself, and when it returns after all, it takes nothing away from whoever came after it.
#[test]
fn a_host_that_never_returns_blocks_its_group_for_max_hold_and_no_longer() {
    let cluster = Cluster::start(1, &[]);
    let of = || Host::of_group("web", &cluster.ports(), "max_hold = \"5s\"\n");
    let (mut gone, other) = (of(), of());
    restarts(&gone);
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(gone.state().join("permit.json")).unwrap()).unwrap();
    let lease = json!({ "ID": record["lease"].to_string() });
    assert_eq!(cluster.ask("lease/timetolive", &lease)["grantedTTL"], "5");
    until("the other one may restart", || {
        let said = other.json(&["auto", "--reboot"]);
        assert_eq!(said["exit"], 0, "{said}");
        other.restarted()
    });
    gone.boots();
    assert_eq!(gone.updog(&["confirm"]).code, 0);
    gone.updog(&["auto"]);
    assert!(!gone.state().join("permit.json").exists());
    assert_eq!(cluster.holders("web").len(), 1);
}

/// What is typed is done, and a trial that has failed is left: nobody is asked.
#[test]
fn neither_a_hand_nor_a_failed_trial_asks() {
    let host = Host::of_group("web", &[1], "");
    assert_eq!(host.updog(&["arm", "--reboot"]).code, 0);
    assert!(host.restarted());
    let mut host = Host::of_group("web", &[1], "");
    write(host.path("restarted"), "");
    host.boots();
    host.check("10-sick", "exit 1");
    assert_eq!(host.updog(&["health", "--reboot"]).code, 12);
    assert!(host.restarted());
}

#[test]
fn five_hosts_restart_by_three_members_of_which_one_is_lost() {
    let mut cluster = Cluster::start(3, &[]);
    let ports = cluster.ports();
    let (now, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let most = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                let mut host = Host::of_group("web", &ports, "slots = 2\n");
                until("its turn has come", || {
                    let said = host.json(&["auto", "--reboot"]);
                    // While the others elect a leader nobody can answer.
                    assert!([0, 20].contains(&said["exit"].as_i64().unwrap()), "{said}");
                    host.restarted()
                });
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // A machine takes its time to start.
                thread::sleep(Duration::from_millis(500));
                host.boots();
                now.fetch_sub(1, Ordering::SeqCst);
                assert_eq!(host.updog(&["confirm"]).code, 0);
                until("its permit is given back", || {
                    host.updog(&["auto"]);
                    !host.state().join("permit.json").exists()
                });
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        until("some have restarted", || done.load(Ordering::SeqCst) >= 1);
        cluster.kill_leader();
    });
    assert_eq!(done.load(Ordering::SeqCst), 5);
    assert!((1..=2).contains(&most.load(Ordering::SeqCst)), "{most:?} at a time");
    assert_eq!(cluster.holders("web"), []);
}

#[test]
fn a_full_etcd_is_said_to_be_full_and_the_host_stays_as_it_was() {
    let cluster = Cluster::start(1, &["--quota-backend-bytes", "65536"]);
    let port = cluster.ports()[0];
    let fill = json!({ "key": base64(b"fill"), "value": base64(&[7; 16 << 10]) });
    until("it is full", || post(port, "kv/put", &fill).0 != 200);
    let host = Host::of_group("web", &[port], "");
    let before = host.bytes();
    let said = host.updog(&["auto", "--reboot"]);
    assert_eq!(said.code, 20, "{said:?}");
    let expected = format!(
        "error: failed to get a lease from etcd: etcd at http://127.0.0.1:{port} is full: etcdserver: mvcc: database space exceeded; the group is asked again from "
    );
    assert!(said.stderr.contains(&expected), "{said:?}");
    assert!(said.stderr.contains("hint: compact and defragment etcd, then clear its alarm"), "{said:?}");
    assert!(!host.restarted() && !host.state().join("permit.json").exists());
    assert_eq!(host.bytes(), before);
}
