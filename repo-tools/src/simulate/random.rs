//! Chance that is the same on every machine.

/// `SplitMix64` (Steele, Lea, Flood 2014): small, quick, and good enough for spreading hosts.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The chance of one host: no matter in which order hosts are asked, each has its own.
    pub(super) fn of_host(seed: u64, number: u32) -> Self {
        let mut random = Self(seed ^ (u64::from(number) << 32 | u64::from(number)));
        // Neighbours start far from each other.
        random.0 = random.next() ^ seed.rotate_left(17);
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 to below `end`; 0 when `end` is 0.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        let scaled = (self.next() >> 32) * u64::from(end);
        u32::try_from(scaled >> 32).unwrap_or(0)
    }

    /// True in this share of all cases.
    pub(super) fn chance(&mut self, share: f64) -> bool {
        let drawn = f64::from(self.below(u32::MAX)) / f64::from(u32::MAX);
        drawn < share
    }
}
