//! A simulated fleet as two curves over time: who has the release, and what the repository bears.

use chrono::TimeDelta;

use super::fleet::Order;
use super::tally::{Fleet, Row, ratio};
use crate::picture::{Chart, Line, Mark, Shape, grouped, round_top, share, short_time};

/// Adoption above, requests per second below.
pub fn charts(order: &Order, fleet: &Fleet) -> [Chart; 2] {
    let until = order.start + TimeDelta::hours(order.hours.into());
    let pause = order.pause.map(|pause| order.start + TimeDelta::seconds(pause.after_secs.into()));
    let mark = |value| pause.map(|at| Mark { at, label: "paused".to_owned(), value }).into_iter().collect();
    let all = fleet.hosts.max(1);
    let taken = |row: &Row| (row.until, ratio(row.hit(), all));
    let offered = order.rollout.curve(order.start, until, 48);
    let hit = ratio(fleet.hit(), all);
    let adoption = Chart {
        title: format!("{} hosts: who has taken it", grouped(fleet.hosts)),
        description: format!("By {}: {} of the hosts have taken it.", short_time(until), share(hit)),
        from: order.start,
        until,
        top: 1.0,
        value: share,
        lines: vec![
            Line {
                name: "taken".to_owned(),
                shape: Shape::Area,
                points: [(order.start, 0.0)].into_iter().chain(fleet.rows.iter().map(taken)).collect(),
            },
            Line {
                name: "offered".to_owned(),
                shape: Shape::Thin,
                points: offered.into_iter().map(|point| (point.at, point.share())).collect(),
            },
        ],
        marks: mark(None),
    };
    let rate = |of: fn(&Row) -> u64| -> Vec<_> {
        fleet.rows.iter().map(|row| (row.until - TimeDelta::hours(1), ratio(of(row), 3600))).collect()
    };
    let busiest = fleet.rows.iter().map(|row| ratio(row.requests(), 3600)).fold(0.0, f64::max);
    let load = Chart {
        title: "Requests per second".to_owned(),
        description: format!("Hourly means; {busiest:.0} in the busiest hour."),
        from: order.start,
        until,
        top: round_top(busiest),
        value: number,
        lines: vec![
            Line { name: "all".to_owned(), shape: Shape::Steps, points: rate(Row::requests) },
            Line {
                name: "metadata".to_owned(),
                shape: Shape::Thin,
                points: rate(|row| row.metadata_requests),
            },
        ],
        marks: mark(None),
    };
    [adoption, load]
}

fn number(value: f64) -> String {
    if value >= 10.0 || value == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
