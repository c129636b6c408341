//! `/v1/events`: the story of a host.

use super::client::Daemon;
use crate::online::Served;

#[test]
fn an_update_is_told_from_start_to_end_with_bytes_and_steps() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let daemon = Daemon::start(&served.host);
    let events = daemon.events();
    assert_eq!(daemon.post("/actions/refresh-updates").status, 204);
    let mut told = vec![events.next()];
    while told.last().unwrap().name != "ended" {
        told.push(events.next());
    }
    assert_eq!(daemon.post("/actions/prepare-update").status, 204);
    while told.iter().filter(|one| one.name == "ended").count() < 2 {
        told.push(events.next());
    }
    let names: Vec<&str> = told.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names.first(), Some(&"started"));
    for name in ["step", "progress", "history"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let write = told.iter().rev().find(|one| one.name == "progress" && one.data["step"] == "write").unwrap();
    assert_eq!(write.data["done"], write.data["total"], "{write:?}");
    assert!(write.data["fetched"].as_u64().unwrap() > 0, "{write:?}");
    let ids: Vec<u64> = told.iter().filter_map(|one| one.id).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());

    // Who comes back is told what it has missed, progress aside.
    let again = daemon.events_after(Some(1));
    let missed = told.iter().filter(|one| one.name != "progress").nth(1).unwrap();
    let first = again.next();
    assert_eq!((first.id, &first.name, &first.data), (missed.id, &missed.name, &missed.data));
}

/// By a timer, by hand: whoever it was, it is part of the story.
#[test]
fn what_others_do_on_this_host_is_told_too() {
    let mut served = Served::new();
    served.publish("1.1.0", |_| ());
    let daemon = Daemon::start(&served.host);
    let events = daemon.events();
    assert_eq!(served.host.updog(&["apply"]).code, 0);
    let told = [events.until("history"), events.until("history")];
    assert_eq!(told.map(|one| one.data["event"].clone()), ["staged", "armed"]);
    assert_eq!(daemon.get("/v1/status").body["data"]["next"], "B");
}
