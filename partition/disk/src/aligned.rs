//! Memory that `O_DIRECT` accepts.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// A buffer that starts on a page boundary, as reads and writes past the page cache require.
///
/// It lies inside a slightly larger allocation that never moves or grows, so no unsafe code is needed.
pub struct Aligned {
    memory: Vec<u8>,
    start: usize,
    capacity: usize,
    length: usize,
}

impl Aligned {
    /// The boundary, in bytes; lengths and offsets of direct reads and writes are multiples of it too.
    pub const ALIGN: usize = 4096;

    /// A buffer of `length` zero bytes; `length` is its capacity too.
    pub fn zeroed(length: usize) -> Aligned {
        let memory = vec![0; length.saturating_add(Aligned::ALIGN)];
        // `align_offset` may decline to answer (`usize::MAX`); then the device refuses the buffer, nothing worse.
        let start = memory.as_ptr().align_offset(Aligned::ALIGN).min(Aligned::ALIGN);
        Aligned { memory, start, capacity: length, length }
    }

    /// Shows the first `length` bytes only, at most the capacity.
    pub fn resize(&mut self, length: usize) {
        self.length = length.min(self.capacity);
    }

    /// The bytes there is room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

impl Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

impl fmt::Debug for Aligned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aligned")
            .field("length", &self.length)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_buffer_starts_on_a_page() {
        for length in [0, 1, 511, 4096, 1 << 20] {
            let mut buffer = Aligned::zeroed(length);
            assert_eq!(buffer.as_ptr() as usize % Aligned::ALIGN, 0);
            assert_eq!(buffer.len(), length);
            buffer.resize(length / 2);
            assert_eq!(buffer.len(), length / 2);
            buffer.resize(usize::MAX);
            assert_eq!(buffer.len(), length);
        }
    }
}
