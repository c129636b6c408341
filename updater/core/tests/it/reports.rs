//! What is told to a collector: each thing once, nothing of the past, never more than a few.

use partition_core::Slot;
use updater_core::records::{HistoryEvent, HistoryLine, Record, Report, Reports};

use crate::world::{at, release};

fn line(minute: u32, event: HistoryEvent) -> HistoryLine {
    HistoryLine {
        slot: Some(Slot::B),
        version: Some("1.1.0".to_owned()),
        release: Some(release("1.1.0")),
        detail: Some("says more than others need to know".to_owned()),
        ..HistoryLine::new(at(&format!("2026-01-02T{:02}:{:02}:00Z", minute / 60, minute % 60)), event)
    }
}

fn events(reports: &Reports) -> Vec<&str> {
    reports.queue.iter().map(|report| report.event.as_str()).collect()
}

#[test]
fn each_line_is_told_once_and_the_past_is_not() {
    let mut history = vec![line(0, HistoryEvent::Staged), line(1, HistoryEvent::Updated)];
    let mut reports = Reports::begin(&history);
    reports.collect(&history);
    assert_eq!(events(&reports), Vec::<&str>::new());
    history.push(line(2, HistoryEvent::Staged));
    history.push(line(2, HistoryEvent::Armed));
    history.push(line(3, HistoryEvent::RolledBack));
    reports.collect(&history);
    assert_eq!(events(&reports), ["staged", "rolled_back"]);
    reports.collect(&history);
    assert_eq!(reports.queue.len(), 2, "read already");
    let again = Reports::parse(&reports.encode().unwrap()).unwrap();
    assert_eq!(again, reports);
    let text = String::from_utf8(serde_json::to_vec(&reports.queue).unwrap()).unwrap();
    assert!(!text.contains("need to know"), "{text}");
}

#[test]
fn a_history_that_was_cut_or_lost_tells_what_is_newer() {
    let history: Vec<HistoryLine> = (0..6).map(|minute| line(minute, HistoryEvent::Staged)).collect();
    let mut reports = Reports::begin(&history[..3]);
    reports.collect(&history[4..]);
    assert_eq!(
        reports.queue.iter().map(|report| report.at).collect::<Vec<_>>(),
        [history[4].at, history[5].at]
    );
    let mut reports = Reports::begin(&history);
    reports.collect(&[]);
    reports.collect(&history[..2]);
    assert_eq!(events(&reports), Vec::<&str>::new());
    let mut fresh = Reports::begin(&[]);
    fresh.collect(&history[..1]);
    assert_eq!(events(&fresh), ["staged"]);
}

#[test]
fn the_queue_is_bounded_and_keeps_the_newest() {
    let history: Vec<HistoryLine> = (0..100).map(|minute| line(minute, HistoryEvent::Staged)).collect();
    let mut reports = Reports::begin(&[]);
    reports.collect(&history);
    assert_eq!(reports.queue.len(), Reports::LIMIT);
    assert_eq!(reports.queue.last().unwrap().at, history[99].at);
}

#[test]
fn what_no_restart_tried_is_told_once_for_each_time_it_is_armed() {
    let report = |version: &str| {
        let version = Some(version.to_owned());
        Report::of_never_tried(at("2026-01-02T00:00:00Z"), Slot::B, version, Some(release("1.1.0")))
    };
    let mut reports = Reports::begin(&[]);
    for _ in 0..3 {
        reports.never_tried(report("1.1.0"));
    }
    assert_eq!(events(&reports), ["never_tried"]);
    reports.never_tried(report("1.2.0"));
    assert_eq!(reports.queue.len(), 2);
    // Staged anew, and again not tried.
    reports.collect(&[line(1, HistoryEvent::Staged)]);
    reports.never_tried(report("1.2.0"));
    assert_eq!(events(&reports), ["never_tried", "never_tried", "staged", "never_tried"]);
}

#[test]
fn reports_of_a_later_version_are_kept() {
    let later = r#"{"format":2,"read":7,"queue":[{"event":"staged","at":"2026-01-02T00:00:00Z","slot":"Z","x":1},7],"mood":1}"#;
    let reports = Reports::parse(later.as_bytes()).unwrap();
    assert_eq!((reports.format(), events(&reports), &reports.read), (2, vec!["staged"], &None));
    assert_eq!(reports.extra["mood"], 1);
    assert!(Reports::parse(b"[]").is_err());
}
