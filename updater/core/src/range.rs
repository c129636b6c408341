//! Whether a requirement can match at all.

use std::cmp::Ordering;

use semver::{BuildMetadata, Comparator, Op, Prerelease, Version, VersionReq};

/// Two parts of which no version satisfies both. What is found is certain; by the order of versions alone, so that a range
/// that only leaves pre-releases is not looked through.
pub(crate) fn contradiction(range: &VersionReq) -> Option<(String, String)> {
    let parts = &range.comparators;
    let pairs = parts.iter().flat_map(|one| parts.iter().map(move |other| (one, other)));
    let found = pairs.into_iter().find(|(low, high)| match (lowest(low), highest(high)) {
        (Some((low, has_low)), Some((high, has_high))) => match low.cmp_precedence(&high) {
            Ordering::Less => false,
            Ordering::Equal => !(has_low && has_high),
            Ordering::Greater => true,
        },
        _ => false,
    });
    found.map(|(one, other)| (one.to_string(), other.to_string()))
}

/// Where it begins, and whether that is in it; `None`: nowhere.
fn lowest(part: &Comparator) -> Option<(Version, bool)> {
    match part.op {
        Op::Less | Op::LessEq => None,
        // Above 1.2 is from 1.3 on.
        Op::Greater if part.patch.is_none() => Some((after(part, width(part))?, true)),
        Op::Greater => Some((named(part), false)),
        _ => Some((named(part), true)),
    }
}

/// Where it ends, and whether that is in it; `None`: nowhere, or beyond all numbers.
fn highest(part: &Comparator) -> Option<(Version, bool)> {
    match part.op {
        Op::Less => Some((named(part), false)),
        Op::Exact | Op::LessEq if part.patch.is_some() => Some((named(part), true)),
        Op::Exact | Op::LessEq | Op::Wildcard => Some((after(part, width(part))?, false)),
        Op::Tilde => Some((after(part, width(part).min(1))?, false)),
        Op::Caret => Some((after(part, caret(part))?, false)),
        _ => None,
    }
}

/// The version that it names. Where it names no patch, it means all of them, pre-releases of the first among them.
fn named(part: &Comparator) -> Version {
    Version {
        major: part.major,
        minor: part.minor.unwrap_or(0),
        patch: part.patch.unwrap_or(0),
        pre: if part.patch.is_some() { part.pre.clone() } else { lowest_pre() },
        build: BuildMetadata::EMPTY,
    }
}

/// The first version whose number at this place (0: major) is higher: a pre-release.
fn after(part: &Comparator, place: usize) -> Option<Version> {
    let mut numbers = [part.major, part.minor.unwrap_or(0), part.patch.unwrap_or(0)];
    let number = numbers.get_mut(place)?;
    *number = number.checked_add(1)?;
    numbers.iter_mut().skip(place + 1).for_each(|number| *number = 0);
    let [major, minor, patch] = numbers;
    Some(Version { pre: lowest_pre(), ..Version::new(major, minor, patch) })
}

/// None comes before it.
fn lowest_pre() -> Prerelease {
    Prerelease::new("0").unwrap_or(Prerelease::EMPTY)
}

/// The last place that it names.
fn width(part: &Comparator) -> usize {
    usize::from(part.minor.is_some()) + usize::from(part.patch.is_some())
}

/// The first place that is not zero, else the last that is named.
fn caret(part: &Comparator) -> usize {
    let numbers = [Some(part.major), part.minor, part.patch];
    let place = numbers.iter().position(|number| number.is_some_and(|number| number > 0));
    place.unwrap_or_else(|| width(part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_excludes_itself_is_found() {
        let empty = |text: &str| contradiction(&text.parse().unwrap()).is_some();
        for text in [
            ">=2, <1",
            ">1, <2",
            ">1.2.3, <=1.2.3",
            "=1.2.3, =1.2.4",
            "~1.2, ~1.3",
            "^1, ^2",
            "^0.1, ^0.2",
            "1.*, >=2",
            "=1.2, >1.2",
        ] {
            assert!(empty(text), "{text}");
        }
        for text in [
            ">=1, <2",
            "~1.2",
            "*",
            ">1.2.3, <1.2.5",
            "=1.2.3, =1.2.3",
            "<=1.2, >=1.2.9",
            ">1.0.0-alpha, <1.0.0",
            ">=18446744073709551615, <=18446744073709551615",
            "^0.0, >=0.0.7",
            "^1.2, <2",
            ">1.2.3-a, <1.2.4",
            "^1.2, =1.2.0-beta",
            "=1.3.0-beta, >1.2",
        ] {
            assert!(!empty(text), "{text}");
        }
        let (one, other) = contradiction(&">=2, <1".parse().unwrap()).unwrap();
        assert_eq!((one.as_str(), other.as_str()), (">=2", "<1"));
    }

    fn part() -> impl Strategy<Value = String> {
        let op = proptest::sample::select(vec!["", "=", "<", "<=", ">", ">=", "~", "^"]);
        let number = prop_oneof![
            (0u64..3).prop_map(|a| format!("{a}")),
            (0u64..3, 0u64..3).prop_map(|(a, b)| format!("{a}.{b}")),
            (0u64..3, 0u64..3, 0u64..3).prop_map(|(a, b, c)| format!("{a}.{b}.{c}")),
            (0u64..3, 0u64..3, 0u64..3).prop_map(|(a, b, c)| format!("{a}.{b}.{c}-beta")),
        ];
        (op, number).prop_map(|(op, number)| format!("{op}{number}"))
    }

    proptest! {
        /// No lock is refused that anything matches.
        #[test]
        fn what_matches_is_never_refused(one in part(), other in part()) {
            let range: VersionReq = format!("{one}, {other}").parse().unwrap();
            if contradiction(&range).is_some() {
                for (major, minor, patch, pre) in (0..4 * 4 * 4 * 3).map(|n| (n % 4, n / 4 % 4, n / 16 % 4, n / 64)) {
                    let pre = ["", "-alpha", "-beta"][pre];
                    let version: Version = format!("{major}.{minor}.{patch}{pre}").parse().unwrap();
                    prop_assert!(!range.matches(&version), "{} matches {}", range, version);
                }
            }
        }
    }
}
