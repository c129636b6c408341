//! The keys that this version knows.

/// All keys, Bottlerocket's first.
pub(super) const KEYS: [&str; 58] = [
    "metadata_base_url",
    "targets_base_url",
    "seed",
    "mode",
    "version_lock",
    "ignore_waves",
    "https_proxy",
    "no_proxy",
    "mirrors",
    "root",
    "ca_bundle",
    "user_agent",
    "limit_rate",
    "stall",
    "connect",
    "retries",
    "tries",
    "confirmed_tries",
    "allow_downgrade",
    "soak",
    "jitter",
    "backoff",
    "backoff_max",
    "windows",
    "os_release",
    "variant",
    "arch",
    "build_time",
    "disk",
    "state",
    "health.dir",
    "health.timeout",
    "health.timeout_all",
    "health.settle",
    "health.units",
    "health.confirmed",
    "hooks.dir",
    "hooks.timeout",
    "hooks.timeout_all",
    "serve.socket",
    "serve.group",
    "serve.read",
    "serve.interval",
    "metrics.textfile",
    "report.url",
    "report.id",
    "report.timeout",
    "reboot.strategy",
    "reboot.endpoints",
    "reboot.group",
    "reboot.slots",
    "reboot.max_hold",
    "reboot.timeout",
    "reboot.prefix",
    "reboot.client_cert",
    "reboot.client_key",
    "reboot.user",
    "reboot.password_file",
];

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
    let scored =
        KEYS.into_iter().chain(SECTIONS).map(|known| (strsim::damerau_levenshtein(&plain, known), known));
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
            assert!(KEYS.contains(&known) && !KEYS.contains(&word), "{word}");
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
