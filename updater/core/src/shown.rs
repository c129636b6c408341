//! Text of others as part of a line of ours: a version, a reason, the last words of a program, whatever a file has for them. And times, which are all shown alike.

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};

/// The text on one line, without what steers a terminal or turns a line around, in at most `most` columns; an ellipsis tells
/// that it was longer. What is not ASCII counts as two columns, the most that it can take.
pub fn plain(text: &str, most: usize) -> String {
    let kept = |letter: &char| !letter.is_control() && !steers(*letter);
    let blank = |letter: char| if letter.is_whitespace() { ' ' } else { letter };
    let letters = || text.chars().map(blank).filter(kept);
    if columns(letters()) <= most {
        return letters().collect();
    }
    let room = most.saturating_sub(columns([ELLIPSIS]));
    let mut used = 0usize;
    let head = letters().take_while(|letter| {
        used = used.saturating_add(width(*letter));
        used <= room
    });
    let mut head: String = head.collect();
    if most >= columns([ELLIPSIS]) {
        head.push(ELLIPSIS);
    }
    head
}

/// A time as everywhere in our output: UTC, whole seconds.
pub fn seconds(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The next whole second, or this one: a time to wait for is not earlier than it is shown.
pub(crate) fn whole(at: DateTime<Utc>) -> DateTime<Utc> {
    match at.trunc_subsecs(0) {
        whole if whole < at => whole.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(at),
        whole => whole,
    }
}

fn columns(letters: impl IntoIterator<Item = char>) -> usize {
    letters.into_iter().map(width).sum()
}

const fn width(letter: char) -> usize {
    if letter.is_ascii() { 1 } else { 2 }
}

/// Marks of direction, joiners and other letters that are not seen themselves (Unicode's Cf, as far as it is in use).
const fn steers(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

const ELLIPSIS: char = '…';

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_one_short_line() {
        let cases = [
            ("1.2.3", 10, "1.2.3"),
            ("1.2.3\n", 10, "1.2.3 "),
            ("\u{1b}[2Jred\u{7}", 10, "[2Jred"),
            ("a\u{202e}b\u{2028}c", 10, "ab c"),
            ("0123456789", 10, "0123456789"),
            ("0123456789a", 10, "01234567…"),
            ("ééééé", 10, "ééééé"),
            ("éééééé", 10, "éééé…"),
            ("abc", 1, ""),
            ("", 0, ""),
        ];
        for (text, most, expected) in cases {
            assert_eq!(plain(text, most), expected, "{text:?}");
        }
    }

    #[test]
    fn a_time_to_wait_for_is_a_whole_second_and_not_earlier() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (time, expected) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05.000000001Z", "2026-01-02T03:04:06Z"),
            ("2026-01-02T03:04:59.999999999Z", "2026-01-02T03:05:00Z"),
        ] {
            assert_eq!(whole(at(time)), at(expected), "{time}");
        }
        assert_eq!(whole(DateTime::<Utc>::MAX_UTC), DateTime::<Utc>::MAX_UTC);
    }

    proptest! {
        #[test]
        fn no_text_is_longer_or_steers(text in any::<String>(), most in 0usize..50) {
            let shown = plain(&text, most);
            prop_assert!(columns(shown.chars()) <= most);
            prop_assert!(!shown.chars().any(|letter| letter.is_control() || steers(letter)));
            prop_assert_eq!(plain(&shown, most), shown);
        }
    }
}
