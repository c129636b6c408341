//! The table: reading it, and making a choice durable before it is acted on.

use partition_core::{Choice, Condition, Layout, Op, ReadError, Slot, Slots, Table};

use crate::{DeviceError, Firmware};

/// The table as it was last read, with the slots it describes.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) table: Table,
    pub(crate) layout: Layout,
    /// Something was written since; which copy is whole is not known any more, so nothing may be written from this.
    stale: bool,
}

impl Disk {
    /// Reads both copies afresh. Says what is wrong with the disk, if anything.
    pub(crate) fn read(firmware: &mut impl Firmware) -> Option<Disk> {
        let geometry = firmware.geometry();
        let table = match Table::read(geometry, |lba, sectors| firmware.read(lba, sectors)) {
            Ok(table) => table,
            Err(error) => {
                let hint =
                    if matches!(error, ReadError::Read { .. }) { ": the disk reports an error" } else { "" };
                firmware.say(format_args!("{error}{hint}"));
                return None;
            }
        };
        match table.layout() {
            Ok(layout) => Some(Disk { table, layout, stale: false }),
            Err(error) => {
                firmware.say(format_args!("{error}"));
                None
            }
        }
    }

    /// What is on disk now, since a write may have stopped half-way and the next one must not touch the only whole copy.
    /// Where nothing can be read any more, the old flags still tell who is confirmed, and nothing is written again.
    pub(crate) fn read_again(self, firmware: &mut impl Firmware) -> Disk {
        Disk::read(firmware).unwrap_or(Disk { stale: true, ..self })
    }

    /// Whether the copies on disk are not as they should be.
    pub(crate) fn needs_repair(&self) -> bool {
        self.table.condition() != Condition::Good
    }

    /// Makes the flags durable that `choice` asks for, and puts right what was wrong with the copies on the way. Read back,
    /// since a disk may say yes and keep nothing: the same try would be spent for ever.
    pub(crate) fn spend(&self, firmware: &mut impl Firmware, choice: &Choice) -> Result<(), DeviceError> {
        if self.stale {
            return Err(DeviceError);
        }
        let table = with_flags(self.table.clone(), &self.layout, &choice.after);
        table.writes().into_iter().try_for_each(|op| match op {
            Op::Write { lba, bytes } => firmware.write(lba, &bytes),
            Op::Flush => firmware.flush(),
        })?;
        let kept = Table::read(firmware.geometry(), |lba, sectors| firmware.read(lba, sectors));
        let kept = kept.ok().and_then(|table| table.layout().ok()).map(|layout| layout.slots());
        if kept == Some(choice.after) { Ok(()) } else { Err(DeviceError) }
    }
}

fn with_flags(table: Table, layout: &Layout, slots: &Slots) -> Table {
    Slot::ALL.into_iter().fold(table, |table, slot| match (layout.set(slot), slots.get(slot)) {
        (Some(set), Some(flags)) => table.with_attributes(set.boot.index, flags.bits()),
        _ => table,
    })
}
