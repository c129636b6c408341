//! Files of a BOOT partition, through the firmware's FAT driver.

use alloc::vec::Vec;

use partition_core::Entry;
use uefi::boot::{self, SearchType};
use uefi::proto::media::file::{Directory, File as _, FileAttribute, FileInfo, FileMode, RegularFile};
use uefi::proto::media::fs::SimpleFileSystem;
use uefi::{CStr16, Handle, Identify as _, Status, cstr16};
use updog_boot::{Expected, FileError, FileName};

use super::disk::WholeDisk;
use super::open;
use super::path::{Partition, Place};

/// Reads a file whole, or not at all when its size is not the expected one.
pub(super) fn read(
    disk: &WholeDisk,
    entry: &Entry,
    name: FileName,
    expected: Expected,
) -> Result<Vec<u8>, FileError> {
    let volume = file_system(disk, entry).ok_or(FileError::NoFileSystem)?;
    let mut volume = open::<SimpleFileSystem>(volume).map_err(|_| FileError::NoFileSystem)?;
    let mut root = volume.open_volume().map_err(|_| FileError::NoFileSystem)?;
    let mut file = open_file(&mut root, name)?;
    let size = file.get_boxed_info::<FileInfo>().map_err(|_| FileError::Unreadable)?.file_size();
    if !expected.takes(size) {
        return Err(FileError::Length { found: size });
    }
    let length = usize::try_from(size).map_err(|_| FileError::Memory)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| FileError::Memory)?;
    bytes.resize(length, 0);
    match file.read(&mut bytes) {
        Ok(read) if read == length => Ok(bytes),
        Ok(_) | Err(_) => Err(FileError::Unreadable),
    }
}

fn open_file(root: &mut Directory, name: FileName) -> Result<RegularFile, FileError> {
    let path: &CStr16 = match name {
        FileName::Manifest => cstr16!("boot.manifest"),
        FileName::Kernel => cstr16!("kernel"),
        FileName::Initrd => cstr16!("initrd"),
    };
    let opened =
        root.open(path, FileMode::Read, FileAttribute::empty()).map_err(|error| match error.status() {
            Status::NOT_FOUND => FileError::Absent,
            _ => FileError::Unreadable,
        })?;
    // A folder of that name is no file.
    opened.into_regular_file().ok_or(FileError::Absent)
}

/// The file system in a partition of this disk: the same disk, PARTUUID and first sector.
fn file_system(disk: &WholeDisk, entry: &Entry) -> Option<Handle> {
    let wanted = Partition { guid: entry.guid, first_lba: entry.first_lba };
    let find = || {
        let volumes = boot::locate_handle_buffer(SearchType::ByProtocol(&SimpleFileSystem::GUID)).ok()?;
        volumes.iter().copied().find(|&handle| {
            Place::of(handle).is_ok_and(|place| place.partition == Some(wanted) && place.disk == disk.path)
        })
    };
    find().or_else(|| {
        // Firmware in a hurry connects the partition it boots from only.
        let _ = boot::connect_controller(disk.handle, &[], None, true);
        find()
    })
}
