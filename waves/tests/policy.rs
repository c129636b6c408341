//! Wave files: what is read, what it means, and that every mistake is named.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use waves::{Error, Policy, Problem, SAMPLES, sample};

#[test]
fn the_samples_mean_these_keys() {
    // (name, (key, minutes after the start)); the keys of the first three are those of Bottlerocket's own files.
    const H: i64 = 60;
    const D: i64 = 24 * H;
    type Case = (&'static str, &'static [(u32, i64)]);
    let cases: [Case; 4] = [
        (
            "normal",
            &[
                (0, H),
                (20, 4 * H),
                (102, D),
                (307, 2 * D),
                (819, 4 * D),
                (1228, 5 * D),
                (1843, 6 * D),
                (2048, 7 * D),
            ],
        ),
        ("accelerated", &[(0, H), (61, 4 * H), (245, 8 * H), (819, 16 * H), (1638, D), (2048, 36 * H)]),
        (
            "slow",
            &[
                (0, H),
                (20, D),
                (102, 3 * D),
                (307, 7 * D),
                (819, 9 * D),
                (1228, 12 * D),
                (1843, 13 * D),
                (2048, 14 * D),
            ],
        ),
        ("emergency", &[(0, 30), (102, 60), (512, 120), (1024, 150), (1843, 180), (2048, 210)]),
    ];
    for (name, expected) in cases {
        let rollout = sample(name).unwrap().schedule(start()).unwrap();
        let found: Vec<_> =
            rollout.keys().iter().map(|(&key, &at)| (key, (at - start()).num_minutes())).collect();
        assert_eq!(found, expected, "{name}");
    }
    assert_eq!(sample("fast"), None);
    assert_eq!(SAMPLES.len(), cases.len());
}

/// Bottlerocket computes in 32-bit floats; our integers give the same keys.
#[test]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "theirs"
)]
fn a_percentage_starts_the_next_wave_where_bottlerocket_starts_it() {
    for percentage in 1..100_u32 {
        let text = waves(&[("1 hour", percentage), ("2 hours", 100)], "");
        let rollout = Policy::parse(&text).unwrap().schedule(start()).unwrap();
        let theirs = (percentage as f32 / 100.0 * 2048.0) as u32;
        assert!(rollout.keys().contains_key(&theirs), "{percentage} %: {:?}", rollout.keys());
    }
}

#[test]
fn bottlerockets_files_are_read_as_they_are() {
    let theirs = "[[waves]]\nstart_after = '1 hour'\nfleet_percentage = 1\n\n\
                  [[waves]]\nstart_after = 'in 4 hours'\nfleet_percentage = 100\n";
    let rollout = Policy::parse(theirs).unwrap().schedule(start()).unwrap();
    // The last wave is as long as the one before.
    assert_eq!(rollout.closes_at(), Some(start() + TimeDelta::hours(7)));
}

#[test]
fn instants_stand_where_they_are() {
    let text =
        waves(&[("1 hour", 10), ("2026-01-02T12:00:00+02:00", 100)], "end_after = '2026-01-03T00:00:00Z'\n");
    let policy = Policy::parse(&text).unwrap();
    let rollout = policy.schedule(start()).unwrap();
    let times: Vec<DateTime<Utc>> = rollout.keys().values().copied().collect();
    let expected = ["2026-01-01T01:00:00Z", "2026-01-02T10:00:00Z", "2026-01-03T00:00:00Z"];
    assert_eq!(times, expected.map(|text| text.parse::<DateTime<Utc>>().unwrap()));
    // A start after them leaves no room: said, not guessed.
    let late = policy.schedule(start() + TimeDelta::days(30));
    assert!(matches!(&late, Err(Error::Schedule(problems)) if problems.len() == 1), "{late:?}");
}

#[test]
fn a_single_wave_opens_for_all_at_once_unless_it_has_an_end() {
    let single = Policy::parse(&waves(&[("1 hour", 100)], "")).unwrap().schedule(start()).unwrap();
    assert_eq!(single.keys().keys().copied().collect::<Vec<_>>(), [0]);
    let spread = Policy::parse(&waves(&[("1 hour", 100)], "end_after = '2 hours'\n")).unwrap();
    assert_eq!(spread.schedule(start()).unwrap().keys().keys().copied().collect::<Vec<_>>(), [0, 2048]);
}

#[test]
fn every_mistake_is_listed() {
    let text = waves(
        &[("1 hour", 0), ("1 hour", 101), ("soon", 40), ("2 hours", 40), ("1 hour", 90)],
        "end_after = '30 minutes'\n",
    );
    let Err(Error::Policy(problems)) = Policy::parse(&text) else { panic!("{text} was accepted") };
    assert_eq!(
        problems,
        [
            Problem::Percentage { wave: 1, percentage: 0 },
            Problem::Percentage { wave: 2, percentage: 101 },
            Problem::Time { wave: 3, text: "soon".to_owned() },
            Problem::PercentageOrder { wave: 3, percentage: 40, before: 101 },
            Problem::PercentageOrder { wave: 4, percentage: 40, before: 40 },
            Problem::NotWhole { percentage: 90 },
            Problem::DelayOrder { wave: 2 },
            Problem::DelayOrder { wave: 5 },
            Problem::DelayOrder { wave: 0 },
        ]
    );
}

#[test]
fn what_is_no_wave_file_is_refused() {
    assert_eq!(Policy::parse(""), Err(Error::Policy(vec![Problem::NoWaves])));
    let two_thirds = "[[waves]]\nstart_after = '1 hour'\nfleet_percentage = 66.6\n";
    let typo = "[[waves]]\nstart_afer = '1 hour'\nfleet_percentage = 100\n";
    let unknown = format!("{}\nspeed = 'fast'\n", waves(&[("1 hour", 100)], "jitter = 1\n"));
    for text in [two_thirds, typo, &unknown, "[[waves]", "waves = 3", "[[waves]]\nfleet_percentage = -1"] {
        assert!(matches!(Policy::parse(text), Err(Error::ParsePolicy(_))), "{text}");
    }
}

#[test]
fn times_beyond_the_calendar_are_said() {
    let policy = Policy::parse(&waves(&[("1 hour", 10), ("4294967295 weeks", 100)], "")).unwrap();
    assert!(matches!(policy.schedule(start()), Err(Error::Schedule(_))));
}

proptest! {
    /// Any text: an answer, no panic; and what is accepted can be scheduled or says why not.
    #[test]
    fn any_text_has_an_answer(text in ".{0,200}") {
        if let Ok(policy) = Policy::parse(&text) {
            let _ = policy.schedule(start());
        }
    }

    #[test]
    fn any_waves_have_an_answer(
        steps in prop::collection::vec((any::<u32>(), 0..5_usize, 0..110_u32), 0..6),
        end in prop::option::of((any::<u32>(), 0..5_usize)),
    ) {
        let unit = |index: usize| ["minutes", "hours", "days", "weeks", "years"][index];
        let steps: Vec<(String, u32)> =
            steps.into_iter().map(|(n, index, percentage)| (format!("{n} {}", unit(index)), percentage)).collect();
        let steps: Vec<(&str, u32)> = steps.iter().map(|(text, percentage)| (text.as_str(), *percentage)).collect();
        let end = end.map(|(n, index)| format!("end_after = '{n} {}'\n", unit(index))).unwrap_or_default();
        if let Ok(policy) = Policy::parse(&waves(&steps, &end)) {
            match policy.schedule(start()) {
                Ok(rollout) => prop_assert_eq!(rollout.check(), []),
                Err(error) => prop_assert!(matches!(error, Error::Schedule(_)), "{}", error),
            }
        }
    }
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default()
}

/// A wave file with these waves; `head` comes before them.
fn waves(steps: &[(&str, u32)], head: &str) -> String {
    let step = |(start_after, percentage)| {
        format!("[[waves]]\nstart_after = \"{start_after}\"\nfleet_percentage = {percentage}\n")
    };
    head.to_owned() + &steps.iter().copied().map(step).collect::<String>()
}
