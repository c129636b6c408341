//! An offer with no choice left open.

use partition_core::Slot;
use release::delta::{Kind, Table};
use release::payload::Index;
use release::{Digest, Images, ReleaseId, Version};
use serde::{Serialize, Serializer};

use crate::{Offer, Reason, Refusal, no_index};

/// What a plan is made from.
#[derive(Clone, Debug)]
pub struct PlanInput<'a> {
    /// What is to be installed.
    pub offer: &'a Offer,
    /// The slot that runs; the plan is for the other one.
    pub running: Slot,
    /// Tries that the new release gets.
    pub tries: u8,
    /// The indexes, as received and parsed; `None` where the release has none.
    pub indexes: Option<Images<(Digest, &'a Index)>>,
    /// Target names and tables of deltas from what runs; `None`: there is none for that image.
    pub deltas: Images<Option<(&'a str, &'a Table)>>,
    /// Pieces of this release that the other slot is recorded to hold, ascending; `None`: nothing is recorded of it.
    pub held: Option<Images<Vec<usize>>>,
    /// Bytes of the partitions of the other slot; `None`: no disk was looked at.
    pub room: Option<Images<Room>>,
}

/// How much a partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
}

/// Everything that `stage` will do, decided and printable. Made only by [`Plan::new`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    from: Version,
    to: Version,
    variant: String,
    arch: String,
    #[serde(serialize_with = "letter")]
    running: Slot,
    #[serde(serialize_with = "letter")]
    slot: Slot,
    tries: u8,
    #[serde(flatten)]
    payload: Payload,
}

/// What there is to fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "payload", rename_all = "snake_case")]
pub enum Payload {
    /// Frames that an index checks one by one.
    Indexed {
        /// Which release this is.
        release: ReleaseId,
        /// One plan for each image.
        images: Box<Images<ImagePlan>>,
    },
    /// Whole images without an index, as Bottlerocket publishes them. They can be shown but not applied.
    Foreign {
        /// Target names.
        images: Images<String>,
    },
}

/// One image of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImagePlan {
    /// Target name of the index.
    pub index: String,
    /// Digest of the index.
    pub index_sha256: Digest,
    /// Target name of the frames.
    pub frames: String,
    /// Bytes of all frames together.
    pub frames_length: u64,
    /// Bytes of the raw image.
    pub raw_length: u64,
    /// Bytes of each piece but the last.
    pub piece_size: u32,
    /// How many pieces.
    pub pieces: usize,
    /// Pieces of zeros, which are not fetched.
    pub zeros: usize,
    /// Bytes to fetch, when nothing of it is there yet: of records and full frames.
    pub fetch_length: u64,
    /// The shorter way from what runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaPlan>,
    /// What the slot is recorded to hold of it; `None`: nothing is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldPlan>,
    /// Bytes of the partition it goes to; `None`: no disk was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<u64>,
}

/// What an earlier run has left of an image. Recorded only: `stage` reads it and goes by what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HeldPlan {
    /// How many pieces.
    pub pieces: usize,
    /// Bytes to fetch for the others.
    pub left_length: u64,
}

/// How the pieces of an image come about when nothing of it is there yet. What the other slot holds already is not fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeltaPlan {
    /// Target name of the delta.
    pub target: String,
    /// Bytes of its table, which the plan is made with.
    pub table_length: u64,
    /// Pieces that are copied from what runs.
    pub copied: usize,
    /// Bytes of their records.
    pub copied_length: u64,
    /// Pieces that are patched from what runs.
    pub patched: usize,
    /// Bytes of their records.
    pub patched_length: u64,
    /// Bytes of the records of both.
    pub records_length: u64,
    /// Pieces that come as full frames.
    pub full: usize,
    /// Bytes of these frames.
    pub full_length: u64,
}

impl DeltaPlan {
    fn of(target: &str, table: &Table, index: &Index, zeros: &[usize]) -> DeltaPlan {
        let records = table.rows().iter().map(|row| u64::from(row.length)).fold(0, u64::saturating_add);
        let table_length = table.delta_length().saturating_sub(records);
        let mut plan = DeltaPlan { target: target.to_owned(), table_length, ..DeltaPlan::default() };
        for (number, (row, piece)) in table.rows().iter().zip(index.pieces()).enumerate() {
            if zeros.binary_search(&number).is_ok() {
                continue;
            }
            let (count, bytes, length) = match row.kind {
                Kind::Copy => (&mut plan.copied, &mut plan.copied_length, row.length),
                Kind::Patch => (&mut plan.patched, &mut plan.patched_length, row.length),
                Kind::Full => (&mut plan.full, &mut plan.full_length, piece.frame_length),
            };
            *count = count.saturating_add(1);
            *bytes = bytes.saturating_add(length.into());
            plan.records_length = plan.records_length.saturating_add(row.length.into());
        }
        plan
    }
}

impl HeldPlan {
    fn of(held: &[usize], (index, table): (&Index, Option<&Table>), zeros: &[usize]) -> HeldPlan {
        let is_left =
            |piece: &usize| held.binary_search(piece).is_err() && zeros.binary_search(piece).is_err();
        let length = |piece: usize| match table.and_then(|table| table.rows().get(piece)) {
            Some(row) if row.kind != Kind::Full => row.length,
            _ => index.pieces().get(piece).map_or(0, |row| row.frame_length),
        };
        let left = (0..index.pieces().len()).filter(is_left).map(|piece| u64::from(length(piece)));
        HeldPlan { pieces: held.len(), left_length: left.fold(0, u64::saturating_add) }
    }
}

impl ImagePlan {
    /// What comes from where.
    fn line(&self, running: Slot) -> String {
        let line = match &self.delta {
            None => {
                let frames = self.pieces.saturating_sub(self.zeros);
                format!("{} bytes in {frames} frames of {} bytes", self.raw_length, self.fetch_length)
            }
            Some(delta) => format!(
                "{} bytes in {} pieces copied ({} bytes) and {} patched ({} bytes) from slot {running}, {} frames of {} \
                 bytes, a table of {} bytes",
                self.raw_length,
                delta.copied,
                delta.copied_length,
                delta.patched,
                delta.patched_length,
                delta.full,
                delta.full_length,
                delta.table_length
            ),
        };
        let line = match self.zeros {
            0 => line,
            zeros => format!("{line}, {zeros} pieces of zeros (0 bytes)"),
        };
        match self.held {
            None => line,
            Some(HeldPlan { pieces, left_length }) => format!(
                "{line}; slot {} is recorded to hold {pieces} of {} pieces, which leaves {left_length} bytes to fetch",
                running.other(),
                self.pieces
            ),
        }
    }
}

impl Plan {
    /// The plan, or what forbids it: indexes that are not the release's (`untrusted`), an image that is larger than its
    /// partition (`space`).
    pub fn new(input: &PlanInput<'_>) -> Result<Plan, Refusal> {
        let update = input.offer.update();
        let payload = match (&update.updog, &input.indexes) {
            (Some(ours), Some(indexes)) => {
                let found = ReleaseId::of(&indexes.map(|_, (digest, _)| digest));
                if found != ours.release {
                    let detail = format!(
                        "the indexes are not those of the release: expected {}, found {found}",
                        ours.release
                    );
                    return Err(Refusal::new(Reason::Untrusted, detail));
                }
                let images = Images::try_from_fn(|image| {
                    let (index_sha256, index) = *indexes.get(image);
                    let room = input.room.as_ref().map(|room| room.get(image).bytes);
                    let zeros = index.zeros();
                    let delta = *input.deltas.get(image);
                    let table = delta.map(|(_, table)| table);
                    let held = input.held.as_ref().map(|held| held.get(image));
                    let held = held.map(|held| HeldPlan::of(held, (index, table), &zeros));
                    let delta = delta.map(|(name, table)| DeltaPlan::of(name, table, index, &zeros));
                    let of_zeros = zeros.iter().filter_map(|piece| index.pieces().get(*piece));
                    let of_zeros = of_zeros.map(|piece| u64::from(piece.frame_length)).sum();
                    let planned = ImagePlan {
                        index: ours.index.get(image).clone(),
                        index_sha256,
                        frames: update.images.get(image).clone(),
                        frames_length: index.frames_length(),
                        raw_length: index.raw_length(),
                        piece_size: index.piece_size(),
                        pieces: index.pieces().len(),
                        zeros: zeros.len(),
                        fetch_length: match &delta {
                            Some(delta) => delta.records_length.saturating_add(delta.full_length),
                            None => index.frames_length().saturating_sub(of_zeros),
                        },
                        delta,
                        held,
                        room,
                    };
                    fits(image.name(), &planned, input.running.other()).map(|()| planned)
                })?;
                Payload::Indexed { release: ours.release, images: Box::new(images) }
            }
            _ => Payload::Foreign { images: update.images.clone() },
        };
        Ok(Plan {
            from: input.offer.from().clone(),
            to: update.version.clone(),
            variant: update.variant.clone(),
            arch: update.arch.clone(),
            running: input.running,
            slot: input.running.other(),
            tries: input.tries,
            payload,
        })
    }

    /// The slot that is written.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// The slot that runs.
    pub fn running(&self) -> Slot {
        self.running
    }

    /// The version that runs.
    pub fn from(&self) -> &Version {
        &self.from
    }

    /// The version that is installed.
    pub fn to(&self) -> &Version {
        &self.to
    }

    /// Its variant.
    pub fn variant(&self) -> &str {
        &self.variant
    }

    /// Its architecture.
    pub fn arch(&self) -> &str {
        &self.arch
    }

    /// What there is to fetch.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The release and its images, for `stage`; a release without an index is refused (`no_index`).
    pub fn indexed(&self) -> Result<(ReleaseId, &Images<ImagePlan>), Refusal> {
        match &self.payload {
            Payload::Indexed { release, images } => Ok((*release, images)),
            Payload::Foreign { .. } => Err(no_index(&self.to)),
        }
    }

    /// Lines for people: what each is about, and what it says.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let to = format!("{} {} {} in slot {}", self.variant, self.arch, self.to, self.slot);
        let mut lines = vec![
            ("from", format!("{} in slot {}", self.from, self.running)),
            ("to", format!("{to}, {} tries", self.tries)),
        ];
        if let Payload::Indexed { images, .. } = &self.payload {
            lines.extend(images.iter().map(|(image, plan)| (image.name(), plan.line(self.running))));
        }
        lines
    }
}

fn fits(name: &str, planned: &ImagePlan, slot: Slot) -> Result<(), Refusal> {
    match planned.room {
        Some(room) if planned.raw_length > room => {
            let detail = format!(
                "the {name} image does not fit into slot {slot}: it has {} bytes, the partition {room}",
                planned.raw_length
            );
            Err(Refusal::new(Reason::Space, detail))
        }
        _ => Ok(()),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn letter<S: Serializer>(slot: &Slot, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(slot)
}
