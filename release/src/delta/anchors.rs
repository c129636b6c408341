//! Places that are known by the bytes before them, so that they are found again however far, and by however many bytes, they have moved.

/// The anchors of a base image: 8 bytes each, one for each 4 KiB in the mean.
#[derive(Clone, Debug, Default)]
pub(super) struct Anchors {
    /// What stands for an anchor, and the block of the base that it ends in; in this order.
    sorted: Vec<(u32, u32)>,
}

/// Goes through bytes and stops at anchors: a place is one when a hash of the last 64 bytes says so, so that the same bytes have the same
/// anchors wherever they stand (a gear hash, as content-defined chunking uses it).
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    hash: u64,
    /// Bytes that the hash has seen, as far as it matters.
    seen: u32,
    last: u32,
}

impl Scan {
    /// Tells `found` of each anchor in the next bytes: what stands for it, and how many of them come before its end.
    pub(super) fn bytes(&mut self, bytes: &[u8], mut found: impl FnMut(u32, usize)) {
        for (at, byte) in bytes.iter().enumerate() {
            self.hash = (self.hash << 1).wrapping_add(GEAR[usize::from(*byte)]);
            self.seen = self.seen.saturating_add(1);
            if self.hash >> (u64::BITS - BITS) == 0 && self.seen >= u64::BITS {
                // The bits that change with every byte of the window.
                let key = key(self.hash);
                // Zeros, and whatever else goes on for long, are no place.
                if key != self.last {
                    found(key, at);
                }
                self.last = key;
            }
        }
    }
}

impl Anchors {
    /// Takes the anchors of a block; more than a few in one are noise of something that repeats.
    pub(super) fn block(&mut self, scan: &mut Scan, number: u32, bytes: &[u8]) {
        let mut taken = 0;
        scan.bytes(bytes, |key, _| {
            if taken < IN_ONE_BLOCK {
                self.sorted.push((key, number));
                taken += 1;
            }
        });
    }

    /// No more come.
    pub(super) fn sort(&mut self) {
        self.sorted.sort_unstable();
        self.sorted.dedup();
        self.sorted.shrink_to_fit();
    }

    /// The block with this anchor that is nearest to `near`.
    pub(super) fn nearest(&self, key: u32, near: u64) -> Option<u32> {
        let from = self.sorted.partition_point(|anchor| anchor.0 < key);
        let found = self.sorted.get(from..)?;
        let found = found.get(..found.partition_point(|anchor| anchor.0 == key))?;
        let after = found.partition_point(|anchor| u64::from(anchor.1) < near);
        let beside = [after.checked_sub(1).and_then(|before| found.get(before)), found.get(after)];
        beside
            .into_iter()
            .flatten()
            .map(|anchor| anchor.1)
            .min_by_key(|block| u64::from(*block).abs_diff(near))
    }
}

/// The low half is mixed from fewer bytes; the top bits are those that made it an anchor.
#[expect(clippy::cast_possible_truncation, reason = "32 of 64 bits are meant")]
const fn key(hash: u64) -> u32 {
    (hash >> (u64::BITS - BITS - u32::BITS)) as u32
}

/// One place in `2^BITS` is an anchor.
const BITS: u32 = 12;
const IN_ONE_BLOCK: usize = 4;

/// A number for each byte, by splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
const GEAR: [u64; 256] = {
    let mut table = [0; 256];
    let (mut at, mut state) = (0, 0_u64);
    while at < table.len() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        table[at] = mixed ^ (mixed >> 31);
        at += 1;
    }
    table
};
