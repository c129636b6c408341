//! How long to wait after something was tried in vain.

use std::time::Duration;

/// The wait after `attempt` failures before this one: anything from nothing to `base` doubled that often, at most `cap`
/// ("full jitter", so that hosts that failed together do not come back together). `random` is 0 to 1; what is outside counts
/// as the nearer end.
pub fn backoff(attempt: u32, base: Duration, cap: Duration, random: f64) -> Duration {
    let ceiling = ceiling(attempt, base, cap);
    // NaN counts as 0.
    let share = if random > 0.0 { random.min(1.0) } else { 0.0 };
    Duration::try_from_secs_f64(ceiling.as_secs_f64() * share).unwrap_or(ceiling).min(ceiling)
}

/// The longest wait after so many failures: never shorter after one more, never above the cap.
fn ceiling(attempt: u32, base: Duration, cap: Duration) -> Duration {
    let factor = 1u32.checked_shl(attempt).unwrap_or(u32::MAX);
    base.checked_mul(factor).unwrap_or(cap).min(cap)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_doubles_up_to_the_cap() {
        let secs = |attempt| backoff(attempt, Duration::from_mins(1), Duration::from_hours(6), 1.0).as_secs();
        assert_eq!(
            [0, 1, 2, 8, 9, 31, 32, u32::MAX].map(secs),
            [60, 120, 240, 15_360, 21_600, 21_600, 21_600, 21_600]
        );
    }

    fn spans() -> impl Strategy<Value = Duration> {
        prop_oneof![
            Just(Duration::ZERO),
            Just(Duration::MAX),
            (0u64..1 << 40).prop_map(Duration::from_millis),
            any::<(u64, u32)>().prop_map(|(secs, nanos)| Duration::new(secs / 2, nanos)),
        ]
    }

    proptest! {
        #[test]
        fn it_is_never_longer_than_the_cap_and_grows_with_failures(
            attempt in 0u32..80, base in spans(), cap in spans(), random in any::<f64>(),
        ) {
            let wait = backoff(attempt, base, cap, random);
            prop_assert!(wait <= ceiling(attempt, base, cap) && wait <= cap);
            prop_assert!(ceiling(attempt, base, cap) <= ceiling(attempt + 1, base, cap));
            prop_assert_eq!(ceiling(0, base, cap), base.min(cap));
            prop_assert_eq!(backoff(attempt, Duration::ZERO, cap, random), Duration::ZERO);
        }

        #[test]
        fn all_of_the_span_is_used(attempt in 0u32..20, base in 1u64..100_000, random in 0.0..1.0f64) {
            let (base, cap) = (Duration::from_secs(base), Duration::from_hours(24));
            let (wait, most) = (backoff(attempt, base, cap, random), ceiling(attempt, base, cap));
            let share = wait.as_secs_f64() / most.as_secs_f64();
            prop_assert!((share - random).abs() < 1e-6, "{} {}", share, random);
        }
    }
}
