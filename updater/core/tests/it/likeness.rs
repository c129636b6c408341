//! A base that is wrong costs a bounded number of records; a base that is damaged costs the pieces that are damaged.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use proptest::prelude::*;
use release::payload::FrameWriter;
use updater_core::{Likeness, Next, Unlike};

/// What is published for one piece, and whether the slot leads to it.
#[derive(Clone, Copy, Debug)]
struct Piece {
    record: u64,
    frame: u64,
    right: bool,
}

/// What became of a delta.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Came {
    right: usize,
    wrong: usize,
    whole: usize,
    saved: u64,
    vain: u64,
    left: Option<Unlike>,
}

/// Tries the records in order, with up to `waiting` of them under way at a time, and takes full frames for the rest.
fn run(pieces: &[Piece], waiting: usize) -> Came {
    let (mut likeness, mut came) = (Likeness::default(), Came::default());
    let mut under_way = VecDeque::new();
    let mut left = pieces.iter();
    let mut judge = |likeness: &mut Likeness, under_way: &mut VecDeque<Piece>| {
        let piece = under_way.pop_front().expect("waiting for nothing");
        if piece.right {
            likeness.right(piece.record, piece.frame);
            came.right += 1;
            came.saved += piece.frame - piece.record;
        } else {
            likeness.wrong_one(piece.record);
            came.wrong += 1;
            came.vain += piece.record;
        }
    };
    let unlike = loop {
        match likeness.next() {
            Next::Leave(unlike) => break Some(unlike),
            Next::Wait => judge(&mut likeness, &mut under_way),
            Next::Try if under_way.len() == waiting => judge(&mut likeness, &mut under_way),
            Next::Try => {
                let Some(&piece) = left.next() else { break None };
                likeness.begin();
                under_way.push_back(piece);
            }
        }
    };
    while !under_way.is_empty() {
        judge(&mut likeness, &mut under_way);
    }
    came.whole = left.len();
    came.left = unlike;
    came
}

fn pieces(right: impl IntoIterator<Item = bool>) -> Vec<Piece> {
    right.into_iter().map(|right| Piece { record: 40_000, frame: 400_000, right }).collect()
}

#[test]
fn a_base_that_is_wholly_wrong_costs_eight_records() {
    for waiting in 1..20 {
        let came = run(&pieces([false; 1000]), waiting);
        let left = Some(Unlike::InARow { tried: 8, wrong: 8 });
        assert_eq!(came, Came { wrong: 8, whole: 992, vain: 8 * 40_000, left, ..Came::default() });
    }
    assert_eq!(Unlike::InARow { tried: 8, wrong: 8 }.to_string(), "8 of 8 pieces tried are wrong");
}

/// What came out right stays, and what is left is not tried.
#[test]
fn a_base_that_is_wrong_from_somewhere_on_is_left_there() {
    let came = run(&pieces((0..1000).map(|piece| piece < 500)), 6);
    assert_eq!((came.right, came.wrong, came.whole), (500, 8, 492));
}

/// Nine of ten records lead nowhere: they are tried while they cost less than the tenth spares.
#[test]
fn damage_everywhere_is_weighed() {
    let every = |record, frame, nth| -> Vec<Piece> {
        (0..1000).map(|piece| Piece { record, frame, right: piece % nth == 0 }).collect()
    };
    assert_eq!(run(&every(10_000, 400_000, 7), 6).left, None);
    let came = run(&every(300_000, 400_000, 7), 6);
    assert!(matches!(came.left, Some(Unlike::Costly { .. })), "{came:?}");
    assert!(came.wrong <= 2 * Likeness::FEW, "{came:?}");
}

#[test]
fn samples_are_few_from_all_parts_and_never_zeros() {
    let samples = |pieces: &[u8]| {
        let raw: Vec<u8> = pieces.iter().flat_map(|byte| vec![*byte; 65536]).collect();
        let writer = FrameWriter { piece_size: 65536, level: 1, threads: NonZeroUsize::MIN };
        Likeness::samples(&writer.write(&mut raw.as_slice(), &mut Vec::new(), |_| {}).unwrap())
    };
    assert_eq!(samples(&[1, 0, 2]), [0, 2]);
    assert_eq!(samples(&[0; 5]), [0; 0]);
    assert_eq!(samples(&[7; 8]), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(samples(&[7; 17]), [0, 3, 6, 9, 12, 15]);
}

fn any_piece(right: impl Strategy<Value = bool>) -> impl Strategy<Value = Piece> {
    let lengths = (8_u64..1_000_000).prop_flat_map(|frame| (8..=frame, Just(frame)));
    (lengths, right).prop_map(|((record, frame), right)| Piece { record, frame, right })
}

proptest! {
    /// Whatever the slot holds: every piece comes out or is fetched whole, and wrong records cost no more than right ones spare and
    /// sixteen records.
    #[test]
    fn a_delta_costs_at_most_sixteen_records_more_than_it_spares(
        pieces in (0.0..=1.0_f64).prop_flat_map(|share| prop::collection::vec(any_piece(prop::bool::weighted(share)), 0..300)),
        waiting in 1_usize..20,
    ) {
        let came = run(&pieces, waiting);
        prop_assert_eq!(came.right + came.wrong + came.whole, pieces.len());
        prop_assert!(came.whole == 0 || came.left.is_some(), "{:?}", came);
        let longest = pieces.iter().map(|piece| piece.record).max().unwrap_or(0);
        let most = came.saved + 2 * Likeness::FEW as u64 * longest;
        prop_assert!(came.vain <= most, "{:?}", came);
        if came.right == 0 {
            prop_assert!(came.wrong <= Likeness::FEW);
        }
    }

    /// One place that is damaged, and what refers to it: nothing else is lost.
    #[test]
    fn a_few_wrong_pieces_never_turn_a_delta_off(
        mut pieces in prop::collection::vec(any_piece(Just(true)), 1..300),
        place in any::<prop::sample::Index>(),
        spoilt in 1..Likeness::FEW,
        waiting in 1_usize..20,
    ) {
        let place = place.index(pieces.len());
        for piece in pieces.iter_mut().skip(place).take(spoilt) {
            piece.right = false;
        }
        let came = run(&pieces, waiting);
        prop_assert_eq!((came.left, came.whole), (None, 0));
        prop_assert!(came.wrong <= spoilt);
    }
}
