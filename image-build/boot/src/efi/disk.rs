//! The whole disk that the selector was started from.

use alloc::vec;
use alloc::vec::Vec;

use partition_core::Geometry;
use uefi::boot::{self, ScopedProtocol, SearchType};
use uefi::proto::loaded_image::LoadedImage;
use uefi::proto::media::block::BlockIO;
use uefi::{Handle, Identify as _, Status};

use super::open;
use super::path::Place;

/// A disk below its partitions.
pub(super) struct WholeDisk {
    /// Its handle.
    pub(super) handle: Handle,
    /// The device path that all its partitions begin with.
    pub(super) path: Vec<u8>,
    io: ScopedProtocol<BlockIO>,
}

impl WholeDisk {
    /// The disk with the partition that this program was read from; other disks are never looked at.
    pub(super) fn of_this_program() -> Result<WholeDisk, Status> {
        let status = |error: uefi::Error| error.status();
        let image = open::<LoadedImage>(boot::image_handle()).map_err(status)?;
        let partition = Place::of(image.device().ok_or(Status::NO_MEDIA)?).map_err(status)?;
        let disks = boot::locate_handle_buffer(SearchType::ByProtocol(&BlockIO::GUID)).map_err(status)?;
        let below = |handle: &Handle| {
            Place::of(*handle).is_ok_and(|place| place.partition.is_none() && place.disk == partition.disk)
        };
        let handle = disks.iter().copied().find(below).ok_or(Status::NOT_FOUND)?;
        Ok(WholeDisk { handle, path: partition.disk, io: open::<BlockIO>(handle).map_err(status)? })
    }

    pub(super) fn geometry(&self) -> Geometry {
        let media = self.io.media();
        Geometry { sector_size: media.block_size(), sectors: media.last_block().saturating_add(1) }
    }

    pub(super) fn read(&mut self, lba: u64, sectors: &mut [u8]) -> uefi::Result {
        let media = self.io.media().media_id();
        let mut memory = Bounce::new(sectors.len(), self.io.media().io_align());
        self.io.read_blocks(media, lba, memory.bytes())?;
        sectors.copy_from_slice(memory.bytes());
        Ok(())
    }

    pub(super) fn write(&mut self, lba: u64, sectors: &[u8]) -> uefi::Result {
        let media = self.io.media().media_id();
        let mut memory = Bounce::new(sectors.len(), self.io.media().io_align());
        memory.bytes().copy_from_slice(sectors);
        self.io.write_blocks(media, lba, memory.bytes())
    }

    pub(super) fn flush(&mut self) -> uefi::Result {
        self.io.flush_blocks()
    }
}

/// Memory that starts where the disk wants it: inside a slightly larger allocation.
struct Bounce {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl Bounce {
    /// `align` is the medium's: 0 and 1 mean anywhere, else a power of two.
    fn new(length: usize, align: u32) -> Bounce {
        let align =
            usize::try_from(align).ok().and_then(usize::checked_next_power_of_two).unwrap_or(PAGE).max(PAGE);
        let memory = vec![0; length.saturating_add(align)];
        let start = memory.as_ptr().align_offset(align).min(align);
        Bounce { memory, start, length }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

const PAGE: usize = 4096;
