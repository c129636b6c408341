//! The health gate: all well and the slot is confirmed; a failure leaves a trial and withholds the refill of a confirmed slot.

use std::fs;
use std::os::unix::fs::symlink;

use partition_core::Slot;
use serde_json::Value;

use crate::host::{Host, flags, write};

/// Slot B on trial.
fn trial() -> Host {
    let mut host = Host::new();
    host.settle_at_once();
    host.arm("1.1.0");
    assert_eq!(host.restart(), Slot::B);
    host.os_release("1.1.0");
    host
}

fn record(host: &Host, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(host.state().join(name)).unwrap()).unwrap()
}

#[test]
fn checks_run_in_the_order_of_their_names_and_then_it_is_confirmed() {
    let host = trial();
    let log = host.path("log").display().to_string();
    for name in ["20-disk", "10-net", "9-first"] {
        host.check(name, &format!("echo $UPDOG_SLOT {name} >> {log}"));
    }
    // None of these is a check.
    write(host.path("health.d/README"), "not executable");
    symlink("/dev/null", host.path("health.d/30-masked")).unwrap();
    fs::create_dir(host.path("health.d/40-folder")).unwrap();
    host.check(".hidden", "exit 1");
    let said = host.updog(&["health"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.stdout, "healthy: 3 checks passed\nslot B (1.1.0) confirmed: updated, 7 tries\n");
    assert_eq!(flags(&host.slots()), "1/7/1 2/7/1");
    assert_eq!(fs::read_to_string(log).unwrap(), "B 10-net\nB 20-disk\nB 9-first\n");
    // What was written down about the trial has had its day.
    assert!(!host.state().join("boot-stage").exists() && !host.state().join("trial.json").exists());
}

#[test]
fn a_failed_trial_is_written_down_and_left() {
    let mut host = trial();
    host.restartable();
    host.check("10-net", "echo trying; echo no route to host >&2; exit 3");
    let before = host.bytes();
    let said = host.updog(&["health", "--reboot"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert_eq!(
        said.stdout,
        "slot B (1.1.0) unhealthy: health:10-net: ended with exit status: 3: trying / no route to host, restarting\n"
    );
    assert_eq!(host.bytes(), before, "no flag changes");
    // The record was there before the restart was asked for.
    let restarted: Value =
        serde_json::from_str(&fs::read_to_string(host.path("restarted")).unwrap()).unwrap();
    assert_eq!(restarted, record(&host, "trial.json"));
    assert_eq!((&restarted["reason"], &restarted["slot"]), (&"health:10-net".into(), &"B".into()));
    assert_eq!((&restarted["boot"], &restarted["version"]), (&"boot-2".into(), &"1.1.0".into()));
    assert!(restarted["release"].is_string() && restarted["detail"].as_str().unwrap().contains("no route"));
    assert_eq!(record(&host, "boot-stage")["stage"], "health");
    assert_eq!(host.json(&["status"])["data"]["health"]["health"], "unhealthy");
    let history = fs::read_to_string(host.state().join("history.jsonl")).unwrap();
    assert!(history.lines().last().unwrap().contains("\"unhealthy\""), "{history}");

    // Two more tries, then the other slot tells.
    while host.restart() != Slot::A {
        assert_eq!(host.updog(&["health", "--reboot"]).code, 12);
    }
    host.os_release("1.0.0");
    host.booted_with("");
    let said = host.updog(&["report"]);
    assert!(
        said.stdout
            .starts_with("slot A (1.0.0) runs: 1.1.0 was tried in slot B and left (health:10-net: ended"),
        "{said:?}"
    );
    assert_eq!(record(&host, "failed.json")["releases"][0]["cause"], "was rolled back: health:10-net");
}

#[test]
fn an_unhealthy_confirmed_slot_keeps_running_without_a_refill() {
    let mut host = Host::new();
    host.set((1, 7, true), (1, 7, true));
    host.restart();
    host.restartable();
    host.check("10-net", "exit 1");
    let before = host.bytes();
    let said = host.updog(&["health", "--reboot"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert_eq!(
        said.stdout,
        "slot A (1.0.0) unhealthy: health:10-net: ended with exit status: 1; its tries are not refilled\n"
    );
    assert_eq!((host.bytes(), flags(&host.slots()).as_str()), (before, "1/6/1 1/7/1"));
    assert!(!host.path("restarted").exists(), "an outage elsewhere does not downgrade a fleet");
    assert!(!host.state().join("boot-stage").exists(), "only a trial leaves marks");
    let said = host.updog(&["status"]);
    assert!(said.stderr.contains("note: unhealthy in this boot: health:10-net: ended with"), "{said:?}");
    // It gets well, is asked again, and has its tries back.
    host.check("10-net", "exit 0");
    assert_eq!(host.updog(&["health", "--reboot"]).code, 0);
    assert_eq!(flags(&host.slots()), "1/7/1 1/7/1");
    assert_eq!(host.json(&["status"])["data"]["health"]["health"], "healthy");
    assert!(!host.state().join("trial.json").exists());
}

#[test]
fn an_unhealthy_slot_that_has_nowhere_to_go_stays() {
    let host = Host::new();
    host.restartable();
    host.set((1, 2, false), (0, 0, false));
    host.check("10-net", "exit 1");
    let said = host.updog(&["health", "--reboot"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert!(said.stdout.contains("there is no other slot to go to"), "{said:?}");
    assert!(!host.path("restarted").exists());
}

#[test]
fn health_must_hold() {
    let host = trial();
    let count = host.path("count").display().to_string();
    host.check("10-late", &format!("echo x >> {count}; [ $(wc -l < {count}) -lt 2 ]"));
    host.health("settle = \"1s\"\n");
    let started = std::time::Instant::now();
    let said = host.updog(&["health"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert!(started.elapsed() >= std::time::Duration::from_secs(1));
    assert!(said.stdout.contains("health:10-late"), "{said:?}");
    assert_eq!(flags(&host.slots()), "1/7/1 2/2/0");
    // A confirmed slot is asked once.
    host.set((1, 7, true), (2, 6, true));
    fs::remove_file(&count).unwrap();
    assert_eq!(host.updog(&["health"]).code, 0);
    assert_eq!(fs::read_to_string(&count).unwrap().lines().count(), 1);
}

#[test]
fn required_units_must_be_active() {
    let states = "case $3 in good.service) echo active; exit 0;; slow.service) [ -e $0.up ] && exit 0; touch $0.up; \
                  echo activating; exit 3;; *) echo failed; exit 3;; esac";
    for (units, code, detail) in [
        ("\"good.service\", \"slow.service\"", 0, "2 checks passed"),
        ("\"good.service\", \"bad.service\"", 12, "health:bad.service: is failed, not active"),
    ] {
        let host = trial();
        host.health(&format!("settle = 0\nunits = [{units}]\n"));
        host.program("systemctl", states);
        let said = host.updog(&["health"]);
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.stdout.contains(detail), "{said:?}");
    }
    let host = trial();
    host.health("settle = 0\nunits = [\"good.service\"]\n");
    host.system("proc/cmdline", "");
    let said = host.updog(&["health"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert!(said.stdout.contains("health:good.service: systemctl cannot be run: No such file"), "{said:?}");
}

/// The restart is refused: what was found stands, and is said.
#[test]
fn a_restart_that_fails_says_what_stands() {
    let host = trial();
    host.check("10-net", "exit 1");
    host.program("systemctl", "exit 1");
    host.program("reboot", "exit 7");
    let said = host.updog(&["health", "--reboot"]);
    assert_eq!(said.code, 20, "{said:?}");
    let error = said.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(error.starts_with("error: slot B (1.1.0) unhealthy: health:10-net: ended with exit status: 1; failed to restart the machine: "), "{error}");
    assert!(
        error.contains("systemctl ended with exit status: 1")
            && error.contains("reboot ended with exit status: 7"),
        "{error}"
    );
    assert_eq!(record(&host, "trial.json")["reason"], "health:10-net");

    let host = Host::new();
    host.stage("1.1.0");
    host.program("systemctl", "exit 1");
    let said = host.updog(&["arm", "--reboot"]);
    assert_eq!(said.code, 20, "{said:?}");
    assert!(
        said.stderr.contains("error: slot B armed: 1.1.0, 3 tries, boots next; failed to restart"),
        "{said:?}"
    );
    assert_eq!(flags(&host.slots()), "1/7/1 2/3/0");
}

/// The restart stops the unit that asked for it, systemctl included.
#[test]
fn a_restart_that_stops_systemctl_is_under_way() {
    let host = trial();
    host.check("10-net", "exit 1");
    host.program("systemctl", "kill -TERM $$");
    let said = host.updog(&["health", "--reboot"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert!(said.stdout.ends_with(", restarting\n"), "{said:?}");
}

/// systemctl is not there, as in an image without systemd.
#[test]
fn a_restart_tries_reboot_after_systemctl() {
    let host = trial();
    host.check("10-net", "exit 1");
    host.program("reboot", &format!("touch {}", host.path("restarted").display()));
    let said = host.updog(&["health", "--reboot"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert!(host.path("restarted").exists());
}

/// The gate cannot read the disk: nobody would ever leave this trial.
#[test]
fn a_trial_on_which_the_gate_cannot_work_is_left_too() {
    let host = trial();
    host.restartable();
    write(host.disk(), vec![0; 1 << 20]);
    let said = host.updog(&["health", "--reboot"]);
    assert_eq!(said.code, 40, "nothing says that this is a trial: {said:?}");
    host.booted_with("updog.trial=1");
    let said = host.updog(&["health", "--reboot"]);
    assert_eq!(said.code, 12, "{said:?}");
    assert!(said.stdout.contains("health:gate: failed to"), "{said:?}");
    assert!(host.path("restarted").exists());
}

/// P8: nothing can be written down. The good trial is confirmed, the bad one left all the same.
#[test]
fn p8_a_trial_whose_state_cannot_be_written_is_decided() {
    for (script, code, after) in [("exit 0", 0, "1/7/1 2/7/1"), ("exit 1", 12, "1/7/1 2/2/0")] {
        let host = trial();
        host.check("10-net", script);
        host.program("systemctl", &format!("touch {}", host.path("restarted").display()));
        fs::remove_dir_all(host.state()).unwrap();
        write(host.state(), "not a folder");
        let said = host.updog(&["health", "--reboot"]);
        assert_eq!((said.code, flags(&host.slots()).as_str()), (code, after), "{said:?}");
        assert_eq!(host.path("restarted").exists(), code == 12);
    }
}

/// P8: PRIVATE is a tmpfs, the configuration cannot be read, nothing can be written: still confirmed, still left.
#[test]
fn p8_the_gate_needs_no_config_and_no_state() {
    let broken = |host: &Host| {
        write(host.config(), "seed = = 7");
        fs::remove_dir_all(host.state()).unwrap();
        write(host.state(), "not a folder");
        host.system("run/updog/volatile/private", "wrong fs type\n");
        host.system("proc/cmdline", "quiet");
    };
    let mut host = trial();
    host.set((1, 7, true), (2, 6, true));
    broken(&host);
    let said = host.updog(&["health"]);
    assert_eq!((said.code, flags(&host.slots()).as_str()), (0, "1/7/1 2/7/1"), "{said:?}");
    assert!(said.stderr.contains("PRIVATE is a tmpfs for this boot (wrong fs type)"), "{said:?}");
    host.restart();
    assert_eq!(host.updog(&["report"]).code, 0);
    let status = host.json(&["status"]);
    assert_eq!(status["data"]["volatile"]["private"], "wrong fs type");
}
