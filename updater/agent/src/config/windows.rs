//! `[[windows]]`: when the host may restart by itself.

use chrono::{NaiveTime, Weekday};
use updater_core::Window;

/// One entry, as typed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowFragment {
    /// Days on which it begins, `mon` to `sun`; none: all.
    pub days: Option<Vec<String>>,
    /// When it begins, `HH:MM`.
    pub start: String,
    /// When it ends, `HH:MM`; not after `start`: on the next day.
    pub end: String,
    /// A name of the IANA database; none: UTC.
    pub time_zone: Option<String>,
}

/// What the entries mean.
pub(super) fn windows(typed: Vec<WindowFragment>) -> Result<Vec<Window>, String> {
    typed.into_iter().map(window).collect()
}

fn window(typed: WindowFragment) -> Result<Window, String> {
    let days = match typed.days {
        None => WEEK.to_vec(),
        Some(days) if days.is_empty() => {
            return Err("expected at least one day, found none: this window never opens".to_owned());
        }
        Some(days) => days.iter().map(|day| weekday(day)).collect::<Result<_, _>>()?,
    };
    let zone = typed.time_zone.as_deref().unwrap_or("UTC");
    let expected = "expected a time zone of the IANA database, such as \"Europe/Berlin\"";
    let zone = zone.parse().map_err(|_| format!("{expected}, found {zone:?}"))?;
    Ok(Window { days, start: time(&typed.start)?, end: time(&typed.end)?, zone })
}

fn weekday(text: &str) -> Result<Weekday, String> {
    text.parse().map_err(|_| format!("expected days \"mon\" to \"sun\", found {text:?}"))
}

fn time(text: &str) -> Result<NaiveTime, String> {
    let found = NaiveTime::parse_from_str(text, "%H:%M");
    found.map_err(|_| format!("expected a time from \"00:00\" to \"23:59\", found {text:?}"))
}

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Window>, String> {
        let table: toml::Table = text.parse().unwrap();
        windows(table["windows"].clone().try_into().unwrap())
    }

    #[test]
    fn a_window_is_read() {
        let found = read(
            "[[windows]]\ndays = [\"sat\", \"Sunday\"]\nstart = \"22:30\"\nend = \"04:00\"\ntime_zone = \"Europe/Berlin\"\n\
             [[windows]]\nstart = \"01:00\"\nend = \"02:00\"\n",
        )
        .unwrap();
        assert_eq!(found[0].days, [Weekday::Sat, Weekday::Sun]);
        assert_eq!(
            (found[0].start.to_string(), found[0].zone.name()),
            ("22:30:00".to_owned(), "Europe/Berlin")
        );
        assert_eq!((found[1].days.len(), found[1].zone.name()), (7, "UTC"));
    }

    #[test]
    fn what_never_opens_or_is_no_time_is_refused() {
        let plain = "[[windows]]\nstart = \"01:00\"\nend = \"02:00\"\n";
        for (more, expected) in [
            ("days = []", "this window never opens"),
            ("days = [\"someday\"]", "expected days \"mon\" to \"sun\", found \"someday\""),
            ("time_zone = \"Berlin\"", "expected a time zone of the IANA database"),
        ] {
            let problem = read(&format!("{plain}{more}\n")).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
        for time in ["24:00", "1", "", "01:00:00x", "-1:00", "01:60"] {
            let problem = read(&plain.replace("02:00", time)).unwrap_err();
            assert!(problem.contains("expected a time from \"00:00\""), "{time}: {problem}");
        }
    }
}
