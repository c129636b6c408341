//! A plan leaves no choice open, and is not made where it could not be carried out.

use std::num::NonZeroUsize;

use partition_core::Slot;
use release::payload::{FrameWriter, Index};
use release::{Digest, Image, Images, ReleaseId};
use updater_core::records::Failed;
use updater_core::{Offer, Payload, Plan, PlanInput, Policy, Reason, Room, candidates, offer};

use crate::world::{at, host, manifest, update};

struct Published {
    offer: Offer,
    indexes: Images<(Digest, Index)>,
}

fn published() -> Published {
    let indexes = Images::from_fn(|image| {
        let raw = vec![image.name().as_bytes()[0]; 8192];
        let writer = FrameWriter { level: 1, threads: NonZeroUsize::MIN, ..FrameWriter::default() };
        let index = writer.write(&mut raw.as_slice(), &mut Vec::new(), |_| {}).unwrap();
        (Digest::of(&index.encode()), index)
    });
    let mut update = update("1.1.0");
    update.updog.as_mut().unwrap().release = ReleaseId::of(&indexes.as_ref().map(|_, (digest, _)| *digest));
    let (host, policy) = (host("1.0.0"), Policy::default());
    let listed =
        candidates(&manifest([update]), &host, &policy, &Failed::default(), at("2026-01-02T00:00:00Z"));
    Published { offer: offer(&listed, &host, &policy).unwrap(), indexes }
}

fn input(published: &Published, room: u64) -> PlanInput<'_> {
    PlanInput {
        offer: &published.offer,
        running: Slot::A,
        tries: 3,
        indexes: Some(published.indexes.as_ref().map(|_, (digest, index)| (*digest, index))),
        deltas: Images::default(),
        held: None,
        room: Some(Images::from_fn(|_| Room { bytes: room })),
    }
}

#[test]
fn a_plan_names_everything() {
    let published = published();
    let plan = Plan::new(&input(&published, 8192)).unwrap();
    assert_eq!((plan.running(), plan.slot()), (Slot::A, Slot::B));
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json["slot"], "B");
    assert_eq!(json["payload"], "indexed");
    for image in Image::ALL {
        let planned = &json["images"][image.name()];
        assert_eq!(planned["raw_length"], 8192);
        assert_eq!(planned["room"], 8192);
        assert_eq!(planned["frames"], format!("tiny-x86_64-1.1.0-{image}.img.zst"));
    }
    assert_eq!(plan.indexed().unwrap().0, published.offer.release().unwrap());
}

/// What a plan can be refused for.
pub(crate) fn refused() -> [Reason; 3] {
    let published = published();
    let mut swapped = input(&published, 8192);
    let indexes = swapped.indexes.as_mut().unwrap();
    (indexes.boot, indexes.root) = (indexes.root, indexes.boot);
    let none = PlanInput { indexes: None, ..input(&published, 8192) };
    [
        Plan::new(&input(&published, 8191)).unwrap_err().reason,
        Plan::new(&swapped).unwrap_err().reason,
        Plan::new(&none).unwrap().indexed().unwrap_err().reason,
    ]
}

#[test]
fn an_image_larger_than_its_partition_is_refused_before_anything_is_touched() {
    let refusal = Plan::new(&input(&published(), 8191)).unwrap_err();
    assert_eq!(refusal.reason, Reason::Space);
    assert_eq!(
        refusal.to_string(),
        "the boot image does not fit into slot B: it has 8192 bytes, the partition 8191"
    );
}

#[test]
fn foreign_indexes_are_refused() {
    assert_eq!(refused(), [Reason::Space, Reason::Untrusted, Reason::NoIndex]);
}

#[test]
fn without_an_index_a_plan_can_be_shown_but_not_carried_out() {
    let mut foreign = update("1.1.0");
    foreign.updog = None;
    let (host, policy) = (host("1.0.0"), Policy::default());
    let listed =
        candidates(&manifest([foreign]), &host, &policy, &Failed::default(), at("2026-01-02T00:00:00Z"));
    let offer = offer(&listed, &host, &policy).unwrap();
    let input = PlanInput {
        offer: &offer,
        running: Slot::B,
        tries: 3,
        indexes: None,
        deltas: Images::default(),
        held: None,
        room: None,
    };
    let plan = Plan::new(&input).unwrap();
    assert!(matches!(plan.payload(), Payload::Foreign { .. }));
    assert_eq!(plan.indexed().unwrap_err().reason, Reason::NoIndex);
}

#[test]
fn what_the_slot_holds_already_is_said_and_not_counted() {
    let published = published();
    let line = |held| {
        let plan = Plan::new(&PlanInput { held, ..input(&published, 8192) }).unwrap();
        plan.lines().into_iter().find(|(name, _)| *name == "root").unwrap().1
    };
    let frames = published.indexes.root.1.frames_length();
    let plain = format!("8192 bytes in 1 frames of {frames} bytes");
    assert_eq!(line(None), plain);
    for (held, said) in [
        (vec![0], "1 of 1 pieces, which leaves 0 bytes to fetch".to_owned()),
        (Vec::new(), format!("0 of 1 pieces, which leaves {frames} bytes to fetch")),
    ] {
        let held = Images { boot: vec![0], root: held, hash: Vec::new() };
        assert_eq!(line(Some(held)), format!("{plain}; slot B is recorded to hold {said}"));
    }
}
