//! Words and numbers as they stand in pictures and pages.

use chrono::{DateTime, Utc};

/// Safe between tags and in quoted attributes. Control characters, which XML cannot say, become U+FFFD.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(' '),
            // Right-to-left overrides would let a text rearrange its neighbours.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => {
                safe.push('\u{fffd}');
            }
            letter if letter.is_control() => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    safe
}

/// `0 %`, `0.5 %`, `42 %`.
pub fn share(part: f64) -> String {
    let percent = part * 100.0;
    let near = (percent - percent.round()).abs() < 0.05;
    if near || percent >= 10.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

/// `1 234 567`, with narrow spaces that do not break.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `512 B`, `1.5 MiB`, `240 MiB`.
pub fn size(bytes: u64) -> String {
    let mut unit = 0;
    let mut whole = bytes;
    while whole >= 1024 && unit + 1 < UNITS.len() {
        unit += 1;
        whole /= 1024;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 || whole >= 10 {
        return format!("{whole} {name}");
    }
    // One decimal, rounded down: integers only, so that every machine writes the same.
    let tenth = u128::from(bytes) * 10 / (1_u128 << (10 * unit));
    format!("{}.{} {name}", tenth / 10, tenth % 10)
}

const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/// `3 Nov 2026 14:05`, UTC.
pub fn short_time(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_leaves_its_place() {
        let hostile = "</title><script>alert('1')</script>\"&\u{0}\u{202e}\u{1b}[2J\r\n";
        let safe = escaped(hostile);
        assert!(!safe.contains(['<', '>', '"', '\'', '\u{0}', '\u{202e}', '\u{1b}', '\n']), "{safe}");
        assert!(safe.starts_with("&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39;)"));
    }

    #[test]
    fn numbers_for_people() {
        let shares = [(0.0, "0 %"), (0.005, "0.5 %"), (0.0096, "1 %"), (0.154, "15 %"), (1.0, "100 %")];
        for (part, text) in shares {
            assert_eq!(share(part), text);
        }
        let sizes =
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (10 << 20, "10 MiB"), (u64::MAX, "16383 PiB")];
        for (bytes, text) in sizes {
            assert_eq!(size(bytes), text);
        }
        assert_eq!((grouped(7), grouped(1_234_567)), ("7".to_owned(), "1\u{202f}234\u{202f}567".to_owned()));
    }
}
