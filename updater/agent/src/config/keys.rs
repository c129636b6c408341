//! The keys that this version knows, and what may stand under each.

use serde::de::DeserializeOwned;
use toml::Value;

use super::{MirrorFragment, WindowFragment, Words};

/// What may stand under a key, whatever it means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Texts,
    Number,
    Flag,
    /// With a unit, which the meaning knows: a text or a number.
    Measure,
    Mirrors,
    Windows,
}

/// All keys, Bottlerocket's first.
pub(super) const KEYS: [(&str, Kind); 58] = [
    ("metadata_base_url", Kind::Text),
    ("targets_base_url", Kind::Text),
    ("seed", Kind::Number),
    ("mode", Kind::Text),
    ("version_lock", Kind::Text),
    ("ignore_waves", Kind::Flag),
    ("https_proxy", Kind::Text),
    ("no_proxy", Kind::Texts),
    ("mirrors", Kind::Mirrors),
    ("root", Kind::Text),
    ("ca_bundle", Kind::Text),
    ("user_agent", Kind::Text),
    ("limit_rate", Kind::Measure),
    ("stall", Kind::Measure),
    ("connect", Kind::Measure),
    ("retries", Kind::Number),
    ("tries", Kind::Number),
    ("confirmed_tries", Kind::Number),
    ("allow_downgrade", Kind::Flag),
    ("soak", Kind::Measure),
    ("jitter", Kind::Measure),
    ("backoff", Kind::Measure),
    ("backoff_max", Kind::Measure),
    ("windows", Kind::Windows),
    ("os_release", Kind::Text),
    ("variant", Kind::Text),
    ("arch", Kind::Text),
    ("build_time", Kind::Text),
    ("disk", Kind::Text),
    ("state", Kind::Text),
    ("health.dir", Kind::Text),
    ("health.timeout", Kind::Measure),
    ("health.timeout_all", Kind::Measure),
    ("health.settle", Kind::Measure),
    ("health.units", Kind::Texts),
    ("health.confirmed", Kind::Text),
    ("hooks.dir", Kind::Text),
    ("hooks.timeout", Kind::Measure),
    ("hooks.timeout_all", Kind::Measure),
    ("serve.socket", Kind::Text),
    ("serve.group", Kind::Text),
    ("serve.read", Kind::Text),
    ("serve.interval", Kind::Measure),
    ("metrics.textfile", Kind::Text),
    ("report.url", Kind::Text),
    ("report.id", Kind::Text),
    ("report.timeout", Kind::Measure),
    ("reboot.strategy", Kind::Text),
    ("reboot.endpoints", Kind::Texts),
    ("reboot.group", Kind::Text),
    ("reboot.slots", Kind::Number),
    ("reboot.max_hold", Kind::Measure),
    ("reboot.timeout", Kind::Measure),
    ("reboot.prefix", Kind::Text),
    ("reboot.client_cert", Kind::Text),
    ("reboot.client_key", Kind::Text),
    ("reboot.user", Kind::Text),
    ("reboot.password_file", Kind::Text),
];

/// Their names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().map(|(name, _)| name)
}

impl Kind {
    /// Whether this value may stand there.
    pub(super) fn check(self, value: &Value) -> Result<(), Words> {
        fn is<T: DeserializeOwned>(value: &Value) -> Result<(), Words> {
            value.clone().try_into::<T>().map(drop).map_err(|error| Words::from(&error))
        }
        match self {
            Kind::Text => is::<String>(value),
            Kind::Texts => is::<Vec<String>>(value),
            Kind::Number => is::<i64>(value),
            Kind::Flag => is::<bool>(value),
            Kind::Measure => Ok(()),
            Kind::Mirrors => is::<Vec<MirrorFragment>>(value),
            Kind::Windows => is::<Vec<WindowFragment>>(value),
        }
    }
}

/// Sections of a file.
pub(super) const SECTIONS: [&str; 6] = ["health", "hooks", "metrics", "reboot", "report", "serve"];

/// What others call a key of ours, however far apart the letters are.
const OTHER_WORDS: [(&str, &str); 2] = [("delay", "soak"), ("update_delay", "soak")];

/// The known key that is nearest to this one, when it is near at all.
pub(super) fn nearest(key: &str) -> Option<&'static str> {
    let plain = key.to_ascii_lowercase().replace('-', "_");
    if let Some((_, known)) = OTHER_WORDS.iter().find(|(word, _)| *word == plain) {
        return Some(known);
    }
    // A section is a key of a file too.
    let scored = names().chain(SECTIONS).map(|known| (strsim::damerau_levenshtein(&plain, known), known));
    let (distance, known) = scored.min()?;
    // A third of the letters may be wrong; beyond that a guess misleads.
    (distance * 3 <= known.len()).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_words_point_to_known_keys() {
        for (word, known) in OTHER_WORDS {
            let known_to_us = |word| names().any(|name| name == word);
            assert!(known_to_us(known) && !known_to_us(word), "{word}");
        }
    }

    #[test]
    fn slips_are_recognised_and_nonsense_is_not() {
        let cases = [
            ("metadata_base_ulr", Some("metadata_base_url")),
            ("metadata-base-url", Some("metadata_base_url")),
            ("Seed", Some("seed")),
            ("ignore_wave", Some("ignore_waves")),
            ("tires", Some("tries")),
            ("health.setle", Some("health.settle")),
            ("health.timeout_al", Some("health.timeout_all")),
            ("helth", Some("health")),
            ("delay", Some("soak")),
            ("update-delay", Some("soak")),
            ("frobnicate", None),
            ("", None),
        ];
        for (key, expected) in cases {
            assert_eq!(nearest(key), expected, "{key:?}");
        }
    }
}
