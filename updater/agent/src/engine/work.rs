//! What is left to do: the pieces of a slot that are not right yet.

use release::payload::Index;
use release::{Image, Images};

use super::files::File;

/// Piece numbers to write, ascending, per image. Made by reading the slot (`survey`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    missing: Images<Vec<usize>>,
}

impl Work {
    /// These pieces are missing; each list ascending.
    pub(super) fn new(missing: Images<Vec<usize>>) -> Work {
        Work { missing }
    }

    /// Missing pieces of one image, ascending.
    pub(super) fn missing(&self, image: Image) -> &[usize] {
        self.missing.get(image)
    }

    /// The slot holds the release already.
    pub(super) fn is_empty(&self) -> bool {
        self.missing.iter().all(|(_, missing)| missing.is_empty())
    }

    /// Of these pieces those that a file has something for.
    pub(super) fn of(&self, files: &Images<Option<File<'_>>>) -> Work {
        Work::new(Images::from_fn(|image| {
            let file = files.get(image);
            let has = |piece: &&usize| file.is_some_and(|file| file.range(**piece).is_some());
            self.missing(image).iter().filter(has).copied().collect()
        }))
    }

    /// Of these pieces those that are nothing but zeros.
    pub(super) fn zeros(&self, indexes: &Images<Index>) -> Work {
        Work::new(Images::from_fn(|image| {
            let zeros = indexes.get(image).zeros();
            let is_zero = |piece: &&usize| zeros.binary_search(piece).is_ok();
            self.missing(image).iter().filter(is_zero).copied().collect()
        }))
    }

    /// All but those of another.
    pub(super) fn without(&self, other: &Work) -> Work {
        self.but(&other.missing)
    }

    /// All but these, ascending.
    pub(super) fn but(&self, done: &Images<Vec<usize>>) -> Work {
        Work::new(Images::from_fn(|image| {
            let done = done.get(image);
            let is_left = |piece: &&usize| done.binary_search(piece).is_err();
            self.missing(image).iter().filter(is_left).copied().collect()
        }))
    }

    /// Bytes to write.
    pub(super) fn raw_length(&self, indexes: &Images<Index>) -> u64 {
        let lengths = self.missing.iter().flat_map(|(image, missing)| {
            let ranges = missing.iter().filter_map(move |&piece| indexes.get(image).piece_range(piece));
            ranges.map(|range| range.end.saturating_sub(range.start))
        });
        lengths.fold(0, u64::saturating_add)
    }
}
