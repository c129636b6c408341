//! A disk, and the one change of its table.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use partition_core::{
    BOOT_EVER_SUCCEEDED, Condition, Entry, Geometry, Layout, Op, Part, ReadError, Slot, Slots, Table,
};

use crate::image::{self, ImageIo};
use crate::lock::TableLock;
use crate::node::{Device, read_number};
use crate::storage::FileStorage;
use crate::{ChangeError, Error, Result, Storage};

/// What a disk is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Status and verification.
    Read,
    /// Flags and images as well.
    Write,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Read => "reading",
            Access::Write => "writing",
        })
    }
}

/// The flags that a change wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The flags of both slots; a slot that the disk lacks is left out.
    pub slots: Slots,
    /// Whether to note on the PRIVATE entry that a boot has succeeded (bit 57); it is never taken back.
    pub boot_ever_succeeded: bool,
}

impl Edit {
    /// Other flags and nothing else.
    pub fn slots(slots: Slots) -> Edit {
        Edit { slots, boot_ever_succeeded: false }
    }
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The flags that were read.
    pub before: Slots,
    /// The flags now.
    pub after: Slots,
    /// Whether anything was written: the flags differed, or the table needed repair.
    pub wrote: bool,
    /// How the table was found; it is `Good` now.
    pub found: Condition,
}

/// A disk image file, a whole block device, or any other [`Storage`].
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    storage: Arc<dyn Storage>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(Access),
    Device(Access, Device),
    Memory(Mutex<()>),
}

/// The table lock, freed when dropped.
enum Lock<'a> {
    Table { _lock: TableLock },
    Memory { _guard: MutexGuard<'a, ()> },
}

impl Disk {
    /// Opens a disk image file or a whole block device.
    pub fn open(path: impl AsRef<Path>, access: Access) -> Result<Disk> {
        Disk::open_under(path.as_ref(), access, Path::new("/sys"), Path::new("/dev"))
    }

    /// A disk over any storage, for tests and fakes. Its table lock holds within this value.
    pub fn over(storage: Arc<dyn Storage>) -> Disk {
        Disk { path: PathBuf::from("(memory)"), storage, place: Place::Memory(Mutex::new(())) }
    }

    /// What was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this is a block device and not an image file.
    pub fn is_live_device(&self) -> bool {
        matches!(self.place, Place::Device(..))
    }

    /// Bytes in a sector.
    pub fn sector_size(&self) -> u32 {
        self.storage.sector_size()
    }

    /// Reads the table afresh.
    pub fn table(&self) -> Result<Table> {
        let size = self.storage.sector_size();
        read_table(&*self.storage, size)
            .map_err(|source| Error::ReadTable { path: self.path.clone(), source })
    }

    /// Reads the slots afresh.
    pub fn layout(&self) -> Result<Layout> {
        self.layout_of(&self.table()?)
    }

    /// The one way to change flags: table lock, fresh read, `edit`, and both copies written in turn (promise P3).
    ///
    /// Only the attribute bits of the slots' BOOT entries and of PRIVATE change. A table that is not `Good` is repaired
    /// even when no flag changes or `edit` refuses, so a run that was cut ends in the same bytes when it is repeated.
    pub fn change<R>(
        &self,
        edit: impl FnOnce(&Layout) -> std::result::Result<Edit, R>,
    ) -> std::result::Result<Changed, ChangeError<R>> {
        let _lock = self.lock()?;
        let table = self.durable_table()?;
        let layout = self.layout_of(&table)?;
        let (before, found) = (layout.slots(), table.condition());
        let edit = match edit(&layout) {
            Ok(edit) => edit,
            Err(refused) => {
                if found != Condition::Good {
                    self.write(&table)?;
                }
                return Err(ChangeError::Refused(refused));
            }
        };
        let after = apply(table.clone(), &layout, edit);
        let wrote = after != table || found != Condition::Good;
        if wrote {
            self.write(&after)?;
        }
        let after = self.layout_of(&after)?.slots();
        Ok(Changed { before, after, wrote, found })
    }

    /// Writes the table as it was read, and so repairs a copy that is damaged, differs or is out of place.
    pub fn rewrite(&self) -> Result<Condition> {
        let _lock = self.lock()?;
        let table = self.durable_table()?;
        self.write(&table)?;
        Ok(table.condition())
    }

    /// Opens a part of a slot for writing and reading back, past the page cache.
    ///
    /// On a block device this is the partition's own node with `O_EXCL`: a mounted slot answers
    /// [`Error::PartitionInUse`]. On a disk opened for reading it is [`Disk::image_for_reading`].
    pub fn image(&self, slot: Slot, part: Part) -> Result<ImageIo> {
        match self.place {
            Place::File(Access::Read) | Place::Device(Access::Read, _) => self.image_for_reading(slot, part),
            _ => self.open_image(slot, part, Access::Write),
        }
    }

    /// Opens a part of a slot for reading, past the page cache, mounted or not.
    pub fn image_for_reading(&self, slot: Slot, part: Part) -> Result<ImageIo> {
        self.open_image(slot, part, Access::Read)
    }

    /// How people call a partition: its node on a block device, `partition N` otherwise.
    pub fn partition_name(&self, entry: &Entry) -> String {
        let node = match &self.place {
            Place::Device(_, device) => device.partition(&self.path, entry, self.sector_size()).ok(),
            Place::File(_) | Place::Memory(_) => None,
        };
        let number = || format!("partition {}", entry.index.saturating_add(1));
        node.map_or_else(number, |node| node.display().to_string())
    }

    pub(crate) fn open_under(path: &Path, access: Access, sys: &Path, dev: &Path) -> Result<Disk> {
        // To open a pipe would wait for its other end.
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.file_type().is_block_device())
        {
            return Err(Error::NotADisk { path: path.to_owned() });
        }
        let opened = OpenOptions::new().read(true).write(access == Access::Write).open(path);
        let mut file = opened.map_err(|source| Error::OpenDisk { path: path.to_owned(), access, source })?;
        let inspect = |source| Error::InspectDisk { path: path.to_owned(), source };
        let metadata = file.metadata().map_err(inspect)?;
        let size = file.seek(SeekFrom::End(0)).map_err(inspect)?;
        let storage = |file, sector_size| FileStorage { file, size, sector_size };
        if metadata.file_type().is_block_device() {
            let sector_size = rustix::fs::ioctl_blksszget(&file).map_err(|error| inspect(error.into()))?;
            let (major, minor) = (rustix::fs::major(metadata.rdev()), rustix::fs::minor(metadata.rdev()));
            let sys = sys.join(format!("dev/block/{major}:{minor}"));
            // Some drivers let a read-only device be opened for writing and fail at the first write.
            if access == Access::Write && read_number(&sys.join("ro")) == Some(1) {
                let source = io::ErrorKind::ReadOnlyFilesystem.into();
                return Err(Error::OpenDisk { path: path.to_owned(), access, source });
            }
            let place = Place::Device(access, Device { sys, dev: dev.to_owned() });
            return Ok(Disk { path: path.to_owned(), storage: Arc::new(storage(file, sector_size)), place });
        }
        if !metadata.is_file() {
            return Err(Error::NotADisk { path: path.to_owned() });
        }
        let mut storage = storage(file, 512);
        storage.sector_size = sector_size_of(&storage);
        Ok(Disk { path: path.to_owned(), storage: Arc::new(storage), place: Place::File(access) })
    }

    fn open_image(&self, slot: Slot, part: Part, access: Access) -> Result<ImageIo> {
        let layout = self.layout()?;
        let missing = || Error::NoPartition { path: self.path.clone(), slot, part };
        let entry = layout.part(slot, part).ok_or_else(missing)?;
        let size = self.storage.sector_size();
        let start = entry.first_lba.checked_mul(u64::from(size)).ok_or_else(missing)?;
        let length = entry.sectors().checked_mul(u64::from(size)).ok_or_else(missing)?;
        if start.checked_add(length).is_none_or(|end| end > self.storage.size()) {
            return Err(missing());
        }
        match &self.place {
            Place::Memory(_) => Ok(ImageIo::window(Arc::clone(&self.storage), start, length)),
            Place::File(_) => image::open_file(&self.path, access, start, length),
            Place::Device(_, device) => {
                image::open_node(&device.partition(&self.path, entry, size)?, access, length)
            }
        }
    }

    fn lock(&self) -> Result<Lock<'_>> {
        match &self.place {
            Place::Memory(lock) => {
                Ok(Lock::Memory { _guard: lock.lock().unwrap_or_else(PoisonError::into_inner) })
            }
            Place::File(_) | Place::Device(..) => Ok(Lock::Table { _lock: TableLock::take(&self.path)? }),
        }
    }

    /// The table as the disk holds it. A run that was killed before its last flush, or whose flush failed, leaves a copy
    /// that reads well from the page cache and is not on the disk: writing the other copy over that could tear both, and
    /// a slot that is retired in the cache alone would come back at the next power cut.
    fn durable_table(&self) -> Result<Table> {
        let durable = self.storage.flush().and_then(|()| self.storage.forget_cache(0, self.storage.size()));
        durable.map_err(|source| Error::WriteTable { path: self.path.clone(), source })?;
        self.table()
    }

    fn layout_of(&self, table: &Table) -> Result<Layout> {
        table.layout().map_err(|source| Error::FindSlots { path: self.path.clone(), source })
    }

    fn write(&self, table: &Table) -> Result<()> {
        let size = u64::from(table.geometry().sector_size);
        let written = table.writes().into_iter().try_for_each(|op| match op {
            Op::Write { lba, bytes } => self.storage.write_at(lba * size, &bytes),
            Op::Flush => self.storage.flush(),
        });
        written.map_err(|source| Error::WriteTable { path: self.path.clone(), source })
    }
}

fn apply(mut table: Table, layout: &Layout, edit: Edit) -> Table {
    for slot in Slot::ALL {
        if let (Some(set), Some(flags)) = (layout.set(slot), edit.slots.get(slot)) {
            table = table.with_attributes(set.boot.index, flags.bits());
        }
    }
    if let Some(private) = layout.private.as_ref().filter(|_| edit.boot_ever_succeeded) {
        table = table.with_attributes(private.index, private.attributes | BOOT_EVER_SUCCEEDED);
    }
    table
}

fn read_table(storage: &dyn Storage, sector_size: u32) -> std::result::Result<Table, ReadError<io::Error>> {
    let size = u64::from(sector_size.max(1));
    let geometry = Geometry { sector_size, sectors: storage.size() / size };
    Table::read(geometry, |lba, sectors| storage.read_at(lba.saturating_mul(size), sectors))
}

/// A file does not say its sector size, so the one under which it has a table counts: 512, else 4,096.
fn sector_size_of(storage: &dyn Storage) -> u32 {
    let whole = |&size: &u32| matches!(read_table(storage, size), Ok(table) if !matches!(table.condition(), Condition::PrimaryDamaged(_)));
    let some = |&size: &u32| read_table(storage, size).is_ok();
    SECTOR_SIZES.into_iter().find(whole).or_else(|| SECTOR_SIZES.into_iter().find(some)).unwrap_or(512)
}

const SECTOR_SIZES: [u32; 2] = [512, 4096];
