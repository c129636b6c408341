//! Prometheus' text format, version 0.0.4.

use std::fmt::Write as _;

/// Families one after the other, each with its help and type before its samples.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// A family of gauges. `name` and the names of labels are ours, and valid; values may be anything.
    pub(super) fn gauge<'a>(
        &mut self,
        (name, help): (&'static str, &'static str),
        samples: impl IntoIterator<Item = Sample<'a>>,
    ) {
        let mut samples = samples.into_iter().peekable();
        // A family without samples says nothing; parsers take it, people wonder.
        if samples.peek().is_none() {
            return;
        }
        let mut text = format!("# HELP {name} {}\n# TYPE {name} gauge\n", escape(help, false));
        for Sample { labels, value } in samples {
            text.push_str(name);
            let labels: Vec<String> = labels
                .into_iter()
                .map(|(label, value)| format!("{label}=\"{}\"", escape(&value, true)))
                .collect();
            if !labels.is_empty() {
                // Writing to a String cannot fail.
                let _ = write!(text, "{{{}}}", labels.join(","));
            }
            let _ = writeln!(text, " {value}");
        }
        self.0.push_str(&text);
    }

    /// One gauge without labels; `None`: not known, so not there.
    pub(super) fn number(&mut self, name: (&'static str, &'static str), value: Option<i64>) {
        self.gauge(name, value.map(|value| Sample { labels: Vec::new(), value }));
    }

    /// One of several words: 1 for it and 0 for the others, so that a query can ask for each.
    pub(super) fn one_of(
        &mut self,
        name: (&'static str, &'static str),
        (label, all): (&'static str, &[&str]),
        word: Option<&str>,
    ) {
        let samples = all.iter().map(|known| Sample {
            labels: vec![(label, (*known).to_owned())],
            value: i64::from(Some(*known) == word),
        });
        self.gauge(name, samples);
    }

    pub(super) fn text(self) -> String {
        self.0
    }
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Sample<'a> {
    pub(super) labels: Vec<(&'a str, String)>,
    pub(super) value: i64,
}

fn escape(text: &str, quoted: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if quoted => escaped.push_str("\\\""),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn families_are_told_with_help_type_and_samples() {
        let mut all = Exposition::default();
        all.number(("updog_a", "One \\ two\nthree."), Some(-7));
        all.number(("updog_b", "Unknown."), None);
        all.one_of(("updog_c", "C."), ("state", &["x", "y"]), Some("y"));
        let labels = vec![("version", "1\"2\\3\n4".to_owned()), ("slot", "A".to_owned())];
        all.gauge(("updog_d", "D."), [Sample { labels, value: 1 }]);
        let expected = "# HELP updog_a One \\\\ two\\nthree.\n# TYPE updog_a gauge\nupdog_a -7\n\
                        # HELP updog_c C.\n# TYPE updog_c gauge\nupdog_c{state=\"x\"} 0\nupdog_c{state=\"y\"} 1\n\
                        # HELP updog_d D.\n# TYPE updog_d gauge\nupdog_d{version=\"1\\\"2\\\\3\\n4\",slot=\"A\"} 1\n";
        assert_eq!(all.text(), expected);
    }

    /// The reader's side of the format, for one label.
    fn unescape(text: &str) -> Option<String> {
        let (mut plain, mut letters) = (String::new(), text.chars());
        while let Some(letter) = letters.next() {
            plain.push(match letter {
                '"' | '\n' => return None,
                '\\' => match letters.next()? {
                    'n' => '\n',
                    letter @ ('\\' | '"') => letter,
                    _ => return None,
                },
                letter => letter,
            });
        }
        Some(plain)
    }

    proptest! {
        #[test]
        fn any_value_comes_back(value in any::<String>()) {
            let mut all = Exposition::default();
            all.gauge(("updog_x", "X."), [Sample { labels: vec![("v", value.clone())], value: 1 }]);
            let text = all.text();
            let line = text.split('\n').nth(2).unwrap();
            let quoted = line.strip_prefix("updog_x{v=\"").and_then(|rest| rest.strip_suffix("\"} 1"));
            prop_assert_eq!(quoted.and_then(unescape), Some(value));
        }
    }
}
