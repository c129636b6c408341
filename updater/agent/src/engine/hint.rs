//! Which pieces are worth reading before anything is fetched. A hint is never believed, only checked: a wrong one costs
//! bytes or time, and none at all means that every piece is read.

use release::payload::Index;
use release::{Image, Images, ReleaseId};
use serde::{Deserialize, Serialize};

/// What an interrupted run leaves in `staged/partial.json`: the pieces that were right when it last looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// 1.
    pub format: u32,
    /// The slot, `A` or `B`.
    pub slot: String,
    /// The release that was being written.
    pub release: ReleaseId,
    /// One bit a piece, hex, lowest bit of the first byte first.
    pub right: Images<Marks>,
}

/// A set of pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Marks(Vec<u8>);

impl Marks {
    /// All of `count` pieces but the missing ones.
    pub(super) fn all_but(count: usize, missing: &[usize]) -> Marks {
        let mut marks = Marks(vec![0; count.div_ceil(8)]);
        let mut missing = missing.iter().copied().peekable();
        for piece in 0..count {
            if missing.next_if_eq(&piece).is_none() {
                marks.add(piece);
            }
        }
        marks
    }

    /// Adds a piece; one beyond the end is dropped.
    pub(super) fn add(&mut self, piece: usize) {
        if let Some(byte) = self.0.get_mut(piece / 8) {
            *byte |= 1 << (piece % 8);
        }
    }

    /// Is this piece in the set?
    pub(super) fn has(&self, piece: usize) -> bool {
        self.0.get(piece / 8).is_some_and(|byte| byte & (1 << (piece % 8)) != 0)
    }
}

impl From<Marks> for String {
    fn from(marks: Marks) -> String {
        hex::encode(marks.0)
    }
}

impl TryFrom<String> for Marks {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Marks, hex::FromHexError> {
        hex::decode(text).map(Marks)
    }
}

/// What is known, or believed, about the contents of a slot.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// Pieces that an interrupted run of the same release made right.
    pub partial: Option<Images<Marks>>,
    /// The indexes of the release that was last staged to this slot.
    pub former: Option<Images<Index>>,
    /// Whether the slot is recorded to hold any release.
    pub holds: Holds,
}

/// What lies in a slot, as far as the records tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holds {
    /// Nothing is known of it.
    #[default]
    Foreign,
    /// A release, whole or in part, whose indexes may be gone: most of its blocks may be right where they lie.
    Release,
}

impl Hints {
    /// Pieces of the image to read, ascending; all of them when nothing is known.
    pub(super) fn candidates(&self, image: Image, index: &Index) -> Vec<usize> {
        let count = index.pieces().len();
        let partial = self.partial.as_ref().map(|partial| partial.get(image));
        let former = self.former.as_ref().map(|former| former.get(image));
        if partial.is_none() && former.is_none() {
            return (0..count).collect();
        }
        // The run went on for a while after it last wrote its marks, so what follows a marked piece is worth a look.
        let mut since = 0_usize;
        let mut candidates = Vec::new();
        for (piece, row) in index.pieces().iter().enumerate() {
            let marked = partial.is_some_and(|partial| partial.has(piece));
            since = if marked { 0 } else { since.saturating_add(1) };
            let near = partial.is_some() && since <= MARGIN;
            let same = former.is_some_and(|former| {
                former.piece_size() == index.piece_size()
                    && former.piece_range(piece) == index.piece_range(piece)
                    && former.pieces().get(piece).is_some_and(|was| was.raw == row.raw)
            });
            if near || same {
                candidates.push(piece);
            }
        }
        candidates
    }
}

/// Marks are written after so many pieces.
pub(super) const MARK_EVERY: usize = 16;
/// Twice that, so that what was written after the last marks is found again.
const MARGIN: usize = 2 * MARK_EVERY;

#[cfg(test)]
mod tests {
    use super::*;
    use release::Digest;
    use release::payload::Piece;

    fn index(raws: &[u8]) -> Index {
        let pieces = raws.iter().map(|byte| Piece {
            frame_length: 100,
            frame: Digest::of(&[*byte, 0]),
            raw: Digest::of(&[*byte]),
        });
        Index::new(65536, 65536 * raws.len() as u64, Digest::of(raws), pieces.collect()).unwrap()
    }

    #[test]
    fn without_hints_everything_is_read() {
        let index = index(&[1; 9]);
        assert_eq!(Hints::default().candidates(Image::Root, &index), (0..9).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_written_after_the_last_marks_is_found_again() {
        let index = index(&[1; 200]);
        let missing: Vec<usize> = (50..200).collect();
        let marks = Marks::all_but(200, &missing);
        let text = String::from(marks.clone());
        assert_eq!(Marks::try_from(text).unwrap(), marks);
        let partial = Images { boot: marks.clone(), root: marks.clone(), hash: Marks::default() };
        let hints = Hints { partial: Some(partial), ..Hints::default() };
        assert_eq!(hints.candidates(Image::Root, &index), (0..50 + MARGIN).collect::<Vec<_>>());
        // Marks of another length than the image, as garbage may be, still give a list of its pieces.
        assert_eq!(hints.candidates(Image::Hash, &index), (0..MARGIN).collect::<Vec<_>>());
    }

    #[test]
    fn only_pieces_that_the_former_release_shares_are_read() {
        let (old, new) = (index(&[1, 2, 3, 4]), index(&[1, 9, 3, 4, 5]));
        let former = Images { boot: old.clone(), root: old.clone(), hash: old };
        let hints = Hints { former: Some(former), ..Hints::default() };
        assert_eq!(hints.candidates(Image::Boot, &new), [0, 2, 3]);
    }
}
