//! How like the base of a delta an image of the running slot is, as its pieces come out: whether the next record is worth its bytes.

use std::fmt;

use release::payload::Index;

/// What is known of one image of the running slot. Changes memory only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Likeness {
    tried: usize,
    wrong: usize,
    /// How many of the last were wrong.
    in_a_row: usize,
    under_way: usize,
    /// Bytes of full frames that right pieces spared, less those of their records.
    saved: u64,
    /// Bytes of records that led to nothing.
    vain: u64,
}

/// What to do about the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Fetch it.
    Try,
    /// Wait until one that is under way has come out, right or wrong. There is one.
    Wait,
    /// Take full frames for all that is left.
    Leave(Unlike),
}

/// Why an image is given up as a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlike {
    /// The last [`Likeness::FEW`] pieces were all wrong.
    InARow {
        /// Pieces looked at.
        tried: usize,
        /// Of these wrong.
        wrong: usize,
    },
    /// Here and there one was wrong, and the right ones spare less than the wrong ones cost.
    Costly {
        /// Pieces looked at.
        tried: usize,
        /// Of these wrong.
        wrong: usize,
    },
}

impl Likeness {
    /// Fewer wrong pieces than this are damage, whatever they cost: a block that is wrong spoils the piece that it is in and those that
    /// refer to it. So many one after the other are another image.
    pub const FEW: usize = 8;

    /// Whether the next record is worth its bytes.
    ///
    /// Whatever the slot holds, wrong records cost at most what right ones spare and twice [`Self::FEW`] records more; where none is
    /// right, `FEW` records.
    pub fn next(&self) -> Next {
        let &Likeness { tried, wrong, .. } = self;
        if self.in_a_row >= Self::FEW {
            Next::Leave(Unlike::InARow { tried, wrong })
        } else if wrong >= Self::FEW && self.vain > self.saved {
            Next::Leave(Unlike::Costly { tried, wrong })
        } else if self.in_a_row.saturating_add(self.under_way) >= Self::FEW {
            Next::Wait
        } else {
            Next::Try
        }
    }

    /// Why it is given up; `None`: it is not.
    pub fn unlike(&self) -> Option<Unlike> {
        match self.next() {
            Next::Leave(unlike) => Some(unlike),
            Next::Try | Next::Wait => None,
        }
    }

    /// Whether the last piece that was looked at was right.
    pub fn is_shown(&self) -> bool {
        self.tried > 0 && self.in_a_row == 0
    }

    /// Pieces looked at that were wrong.
    pub fn wrong(&self) -> usize {
        self.wrong
    }

    /// A record is being fetched.
    pub fn begin(&mut self) {
        self.under_way = self.under_way.saturating_add(1);
    }

    /// What was begun did not come, and says nothing.
    pub fn withdraw(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// A record that was begun, of these bytes, led to its piece, whose full frame has so many.
    pub fn right(&mut self, record: u64, frame: u64) {
        self.withdraw();
        self.tried = self.tried.saturating_add(1);
        self.in_a_row = 0;
        self.saved = self.saved.saturating_add(frame.saturating_sub(record));
    }

    /// A record that was begun, of these bytes, led to something else.
    pub fn wrong_one(&mut self, record: u64) {
        self.withdraw();
        self.tried = self.tried.saturating_add(1);
        self.wrong = self.wrong.saturating_add(1);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.vain = self.vain.saturating_add(record);
    }

    /// Pieces of the base to look at before anything is fetched, given its index: from all parts of the image. Zeros say nothing.
    pub fn samples(index: &Index) -> Vec<usize> {
        let zeros = index.zeros();
        let says = |piece: &usize| zeros.binary_search(piece).is_err();
        let pieces: Vec<usize> = (0..index.pieces().len()).filter(says).collect();
        let step = pieces.len().div_ceil(Self::FEW).max(1);
        pieces.into_iter().step_by(step).collect()
    }
}

impl fmt::Display for Unlike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unlike::InARow { tried, wrong } => write!(f, "{wrong} of {tried} pieces tried are wrong"),
            Unlike::Costly { tried, wrong } => {
                write!(f, "{wrong} of {tried} pieces tried are wrong, which costs more than the others spare")
            }
        }
    }
}
