//! The stages of an update as types: `Written → Verified → Armed`. Each is made by its step and nowhere else.
//!
//! Nobody can make a [`Verified`] by hand, so nothing that was not read back can be armed:
//!
//! ```compile_fail
//! # use updog::engine::route::Verified;
//! # fn f(what: updog::engine::route::Release) {
//! let verified = Verified { release: what }; // fields are private
//! # }
//! ```
//!
//! And what is only written has no `arm`:
//!
//! ```compile_fail,E0599
//! # use updog::engine::route::{Armed, Written};
//! # fn f(written: Written, disk: &partition_disk::Disk) {
//! let armed = written.arm(disk, partition_core::Standing::ConfirmedThisBoot, partition_core::Tries::default());
//! # }
//! ```
//!
//! The only way:
//!
//! ```
//! # use updog::engine::route::{Armed, Verified};
//! # fn f(verified: Verified, disk: &partition_disk::Disk) -> updog::Result<Armed> {
//! let armed = verified.arm(disk, partition_core::Standing::ConfirmedThisBoot, partition_core::Tries::default())?;
//! # Ok(armed)
//! # }
//! ```

use partition_core::{Slot, Slots, Standing, Tries, verbs};
use partition_disk::{ChangeError, Disk, Edit, RunLock};
use release::payload::Index;
use release::{Images, ReleaseId, Version};

use super::error::Error;
use super::slot_io::{Places, ReadBack, SlotIo, Tell};
use crate::Result;
use crate::interrupt::Interrupt;

/// Which release a slot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// Its version, for people.
    pub version: Version,
}

/// The images are on the device and flushed. Whether the device tells the truth about it is not known yet.
#[derive(Debug)]
pub struct Written {
    release: Release,
    running: Slot,
    io: SlotIo,
    indexes: Images<Index>,
    lock: RunLock,
}

/// Every byte of the images was read back from the device and is right. Holds the run lock and the partitions, so that
/// neither another updog nor a mount changes anything before this is armed or dropped.
#[derive(Debug)]
pub struct Verified {
    release: Release,
    running: Slot,
    proof: ReadBack,
    lock: RunLock,
}

/// The slot boots next, on trial.
#[derive(Debug)]
pub struct Armed {
    release: Release,
    slot: Slot,
    before: Slots,
    after: Slots,
    _proof: ReadBack,
    _lock: RunLock,
}

impl Written {
    /// To be called once the fill has flushed.
    pub(super) fn new(
        release: Release,
        (running, io): (Slot, SlotIo),
        indexes: Images<Index>,
        lock: RunLock,
    ) -> Written {
        Written { release, running, io, indexes, lock }
    }

    /// Reads every byte of the images back.
    pub(super) fn verify(self, interrupt: &Interrupt, tell: &mut Tell<'_>) -> Result<Verified, Error> {
        let proof = self.io.read_back(&self.indexes, interrupt, tell)?;
        Ok(Verified::new(self.release, (self.running, proof), self.lock))
    }
}

impl Verified {
    /// From a read-back.
    pub(super) fn new(release: Release, (running, proof): (Slot, ReadBack), lock: RunLock) -> Verified {
        Verified { release, running, proof, lock }
    }

    /// The slot that was read back.
    pub fn slot(&self) -> Slot {
        self.proof.slot()
    }

    /// What it holds.
    pub fn release(&self) -> ReleaseId {
        self.release.id
    }

    /// Its version.
    pub fn version(&self) -> &Version {
        &self.release.version
    }

    /// Makes the slot the next one, in one table write. Refused when the partitions no longer lie where they were read, or
    /// the running slot is not confirmed.
    ///
    /// A cut leaves the table before or the table after; under both every slot that may be started is whole.
    pub fn arm(self, disk: &Disk, standing: Standing, tries: Tries) -> Result<Armed> {
        let Verified { release, running, proof, lock } = self;
        let (slot, places) = (proof.slot(), proof.places());
        if slot == running {
            return Err(Error::Runs { slot }.into());
        }
        let changed = disk.change(|layout| {
            if Places::of(layout, slot) != Some(places) {
                return Err(crate::Error::from(Error::Moved { slot }));
            }
            let after = verbs::arm(&layout.slots(), running, standing, tries);
            after.map(Edit::slots).map_err(|source| crate::Error::Slots { verb: "arm", source })
        });
        let changed = changed.map_err(|error| match error {
            ChangeError::Refused(error) => error,
            ChangeError::Disk(source) => crate::Error::disk("arm")(source),
        })?;
        // The partitions stay claimed until after the table write.
        Ok(Armed { release, slot, before: changed.before, after: changed.after, _proof: proof, _lock: lock })
    }
}

impl Armed {
    /// The slot that boots next.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// What it holds.
    pub fn release(&self) -> ReleaseId {
        self.release.id
    }

    /// Its version.
    pub fn version(&self) -> &Version {
        &self.release.version
    }

    /// The flags as they were.
    pub fn before(&self) -> Slots {
        self.before
    }

    /// The flags now.
    pub fn after(&self) -> Slots {
        self.after
    }
}
