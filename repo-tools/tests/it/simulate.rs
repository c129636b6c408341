//! A simulated fleet: the real rules, every host counted, the same for everybody.

use chrono::TimeDelta;
use proptest::prelude::*;
use trust_core::{Expiry, Freshness, Limits, Reply, Session, Stored};
use updog_repo::simulate::{Cost, Fleet, Order, Pause, per_second, simulate};
use updog_repo::source::{FolderSource, Source};
use updog_repo::{Disk, Metadata};
use waves::{Rollout, SEEDS};

use crate::common::{Yard, day, start};

fn order(hosts: u32) -> Order {
    Order {
        hosts,
        hours: 14 * 24,
        start: start(),
        rollout: waves::sample("normal").unwrap().schedule(start()).unwrap(),
        failure_rate: 0.0,
        pause: None,
        poll_secs: 3600,
        jitter_secs: 300,
        seed: 1,
        cost: Cost::typical(Some(1000)),
    }
}

/// Every host is in every row once, nobody goes back to waiting, the hour's requests are someone's.
fn is_whole(order: &Order, fleet: &Fleet) {
    assert_eq!(fleet.rows.len(), order.hours as usize);
    let mut before = 0;
    for row in &fleet.rows {
        assert_eq!(row.waiting + row.updated + row.rolled_back, u64::from(order.hosts), "{}", row.until);
        assert!(row.hit() >= before, "{}", row.until);
        assert_eq!(row.blob_requests, (row.hit() - before) * Cost::UPDATE_REQUESTS, "{}", row.until);
        before = row.hit();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn hosts_are_neither_lost_nor_made(
        hosts in 1_u32..400,
        hours in 1_u32..100,
        failure_rate in 0.0..=1.0,
        pause in prop::option::of(0_u32..100),
        (poll_secs, jitter_secs) in (60_u32..20_000, 0_u32..4000),
        seed: u64,
    ) {
        let pause = pause.map(|hour| Pause { after_secs: hour * 3600 });
        let order = Order { hours, failure_rate, pause, poll_secs, jitter_secs, seed, ..order(hosts) };
        let fleet = simulate(&order);
        is_whole(&order, &fleet);
        prop_assert_eq!(&fleet, &simulate(&order));
        // Nobody is served before the waves say so, and a pause ends it.
        for (hour, row) in (1..).zip(&fleet.rows) {
            prop_assert!(row.open_seeds > 0 || row.hit() == 0);
            if pause.is_some_and(|pause| hour * 3600 > pause.after_secs + 3600) {
                prop_assert_eq!(row.blob_requests, 0);
            }
        }
    }
}

#[test]
fn all_hosts_get_there_and_the_curve_follows_the_waves() {
    let order = order(20_000);
    let fleet = simulate(&order);
    is_whole(&order, &fleet);
    assert_eq!((fleet.hit(), fleet.rows.last().unwrap().waiting), (20_000, 0));
    for row in &fleet.rows {
        let offered = f64::from(row.open_seeds) / f64::from(SEEDS);
        let taken = per_second(row.hit(), 20_000);
        // Behind by at most one check; 20,000 drawn seeds are within 2 % of an even spread.
        assert!(taken <= offered + 0.02, "{}: {taken} of {offered}", row.until);
    }
    let lagging = &fleet.rows[..];
    for pair in lagging.windows(3) {
        let offered = f64::from(pair[0].open_seeds) / f64::from(SEEDS);
        assert!(per_second(pair[2].hit(), 20_000) >= offered - 0.02, "{}", pair[2].until);
    }
    // A check an hour and 2.5 minutes each, two requests a check.
    let requests: u64 = fleet.rows.iter().map(|row| row.metadata_requests).sum();
    let checks = per_second(requests, 2 * 20_000);
    assert!((checks - 14.0 * 24.0 / (1.0 + 2.5 / 60.0)).abs() < 4.0, "{checks}");
}

#[test]
fn a_bad_release_is_left_by_itself_and_never_taken_again() {
    let order = Order { failure_rate: 0.25, ..order(8_000) };
    let fleet = simulate(&order);
    is_whole(&order, &fleet);
    let end = fleet.rows.last().unwrap();
    assert_eq!(end.waiting, 0);
    assert!((1_800..2_200).contains(&end.rolled_back), "{}", end.rolled_back);
    let all = simulate(&Order { failure_rate: 1.0, ..order });
    assert_eq!((all.rows.last().unwrap().updated, all.hit()), (0, 8_000));
}

/// What the table says of a pause at any hour is what a pause then does.
#[test]
fn a_pause_stops_where_the_unpaused_table_says() {
    let order = order(5_000);
    let free = simulate(&order);
    for hour in [0_u32, 1, 5, 30, 100, 300] {
        let pause = Some(Pause { after_secs: hour * 3600 });
        let paused = simulate(&Order { pause, ..order.clone() });
        let then = hour.checked_sub(1).map_or(0, |before| free.rows[before as usize].hit());
        assert_eq!(paused.hit(), then, "hour {hour}");
        // And what was offered by then stays all that is offered: as the verb of a real pause leaves it.
        let pausing = order.start + TimeDelta::hours(hour.into());
        for (hours, (row, free)) in (1..).zip(paused.rows.iter().zip(&free.rows)) {
            let open = if hours <= hour { free.open_seeds } else { order.rollout.open_seeds(pausing) };
            assert_eq!(row.open_seeds, open, "pause at hour {hour}, hour {hours}");
        }
    }
}

#[test]
fn without_waves_everybody_comes_within_one_check() {
    let order = Order { rollout: Rollout::empty(), ..order(3_000) };
    let fleet = simulate(&order);
    assert_eq!(fleet.rows[1].hit(), 3_000);
}

/// The counts that the simulation adds up are those of a real session over a real repository.
#[test]
fn a_check_costs_what_the_client_asks_for() {
    let (yard, key) = Yard::with_key();
    yard.add("1.0.0");
    let dir = yard.path("pub");
    yard.publish(&[&key], day(1), &dir);
    let source = FolderSource::new(&Disk, &dir);
    let asked = |stored: Stored| {
        let fresh = Freshness { now: day(2), expiry: Expiry::Enforce };
        let mut session = Session::begin(stored, fresh, Limits::default()).unwrap();
        let mut requests = 0;
        while let Some(request) = session.next_request() {
            requests += 1;
            let reply = source.metadata(&request.path, request.max_length).unwrap();
            session.receive(reply.map_or(Reply::NotFound, Reply::Bytes)).unwrap();
        }
        requests
    };
    let read = |name: String| std::fs::read(dir.join("metadata").join(name)).unwrap();
    let versions = Metadata::read(&Disk, &dir.join("metadata")).unwrap().versions();
    let root = read("1.root.json".to_owned());
    let nothing = Stored { root: root.clone(), ..Stored::default() };
    let all = Stored {
        root,
        timestamp: Some(read("timestamp.json".to_owned())),
        snapshot: Some(read(format!("{}.snapshot.json", versions.snapshot))),
        targets: Some(read(format!("{}.targets.json", versions.targets))),
        ..Stored::default()
    };
    assert_eq!(asked(all), Cost::CHECK_REQUESTS);
    // And the manifest, a target that hosts keep.
    assert_eq!(asked(nothing) + 1, Cost::CHECK_REQUESTS + Cost::CHANGED_REQUESTS);
}

/// The defaults are those of the timer in the container image.
#[test]
fn the_timer_is_the_one_that_hosts_have() {
    let timer = concat!(env!("CARGO_MANIFEST_DIR"), "/../updater/packaging/systemd/updog-check.timer");
    let timer = std::fs::read_to_string(timer).unwrap();
    for line in ["OnBootSec=2min", "OnUnitInactiveSec=1h", "RandomizedDelaySec=5min"] {
        assert!(timer.lines().any(|found| found == line), "{line}");
    }
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_updog-repo"))
        .args(["waves", "simulate", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("[default: 60]") && help.contains("[default: 5]"), "{help}");
}

#[test]
fn no_number_is_too_large() {
    let most = Cost { check_bytes: u64::MAX, changed_bytes: u64::MAX, update_bytes: Some(u64::MAX) };
    let order = Order { hours: 3 * 24, cost: most, ..order(300) };
    let fleet = simulate(&order);
    is_whole(&order, &fleet);
    assert_eq!(updog_repo::simulate::all_bytes(&fleet.rows), Some(u64::MAX));

    let desk = crate::cli::Desk::new();
    for line in ["--bytes 1000000000000000000", "--bytes 68719476737", "--every 4294967295", "--every 8785"] {
        let output = desk.output(&format!("waves simulate normal --hosts 100 {line}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("is not in "), "{line}: {said}");
    }
    desk.done("waves simulate emergency --hosts 100 --days 1 --bytes 68719476736 --every 8784");
}
