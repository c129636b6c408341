//! What a picture shows, before anything is drawn.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use waves::Rollout;

use super::text::{share, short_time};

/// Quantities over time.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What it is, in a few words.
    pub title: String,
    /// The same as sentences, for those who do not see it.
    pub description: String,
    /// The left end.
    pub from: DateTime<Utc>,
    /// The right end.
    pub until: DateTime<Utc>,
    /// The upper end and the labels between; values from 0.
    pub top: f64,
    /// How a value is written at the side.
    pub value: fn(f64) -> String,
    /// The first is drawn strongest.
    pub lines: Vec<Line>,
    /// Times worth a line across.
    pub marks: Vec<Mark>,
}

/// One quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its name; shown when there is more than one.
    pub name: String,
    /// How it goes from point to point.
    pub shape: Shape,
    /// In order of time.
    pub points: Vec<(DateTime<Utc>, f64)>,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Straight between points, with the area below it tinted.
    Area,
    /// Straight between points, thin.
    Thin,
    /// Each value holds until the next point.
    Steps,
}

/// A time worth a line across.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// The time.
    pub at: DateTime<Utc>,
    /// What it is, such as "now".
    pub label: String,
    /// The value there, marked with a dot.
    pub value: Option<f64>,
}

/// The adoption curve of a rollout between two times, with `now` in it where it lies between them.
pub fn adoption(
    title: &str,
    rollout: &Rollout,
    span: (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Chart {
    let (from, until) = span;
    let curve = rollout.curve(from, until, STEPS);
    let open = f64::from(rollout.open_seeds(now)) / f64::from(waves::SEEDS);
    let mut description =
        format!("Share of hosts that may have it, from {} to {}.", short_time(from), short_time(until));
    // Writing to a String cannot fail.
    for wave in rollout.waves() {
        let reached = f64::from(wave.first) / f64::from(waves::SEEDS);
        let _ = write!(description, " {} from {}.", share(reached), short_time(wave.starts));
    }
    let inside = (from..=until).contains(&now);
    if inside {
        let _ = write!(description, " Now, at {}: {}.", short_time(now), share(open));
    }
    let mark = Mark { at: now, label: format!("now {}", share(open)), value: Some(open) };
    Chart {
        title: title.to_owned(),
        description,
        from,
        until,
        top: 1.0,
        value: share,
        lines: vec![Line {
            name: "hosts".to_owned(),
            shape: Shape::Area,
            points: curve.into_iter().map(|point| (point.at, point.share())).collect(),
        }],
        marks: inside.then_some(mark).into_iter().collect(),
    }
}

/// The bends come besides; between them the curve is straight but for its 2048 steps.
const STEPS: u32 = 48;
