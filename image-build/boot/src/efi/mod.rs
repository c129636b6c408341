//! The selector's way to real firmware.

mod clock;
mod console;
mod disk;
mod files;
mod image;
mod initrd;
mod panic;
mod path;

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use partition_core::{Entry, Geometry};
use uefi::boot::{self, OpenProtocolAttributes, OpenProtocolParams, ScopedProtocol};
use uefi::proto::ProtocolPointer;
use uefi::runtime::{self, ResetType, VariableVendor};
use uefi::{Handle, Status, cstr16, entry};
use updog_boot::{
    DeviceError, Expected, FileError, FileName, Firmware, KEYS, RESTART_AFTER, StartError, run,
};

use clock::Clock;
use disk::WholeDisk;
use image::Image;
use initrd::Initrd;

#[entry]
fn main() -> Status {
    let clock = Clock::start();
    let mut machine = match WholeDisk::of_this_program() {
        Ok(disk) => Machine { clock, disk, initrd: None },
        Err(status) => restart(format_args!("failed to find the disk this came from: {status}")),
    };
    run(&mut machine, KEYS);
    // Not reached: `run` ends in a reset.
    Status::ABORTED
}

/// The firmware this runs on.
struct Machine {
    clock: Clock,
    disk: WholeDisk,
    initrd: Option<Initrd>,
}

impl Firmware for Machine {
    type Image = Image;

    fn geometry(&self) -> Geometry {
        self.disk.geometry()
    }

    fn secure_boot(&self) -> bool {
        // UEFI 2.10, 3.3: one byte, 1 when it is on.
        let mut value = [0];
        let found =
            runtime::get_variable(cstr16!("SecureBoot"), &VariableVendor::GLOBAL_VARIABLE, &mut value);
        found.is_ok_and(|(value, _)| *value == [1])
    }

    fn read(&mut self, lba: u64, sectors: &mut [u8]) -> Result<(), DeviceError> {
        self.disk.read(lba, sectors).map_err(|_| DeviceError)
    }

    fn write(&mut self, lba: u64, sectors: &[u8]) -> Result<(), DeviceError> {
        self.disk.write(lba, sectors).map_err(|_| DeviceError)
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        self.disk.flush().map_err(|_| DeviceError)
    }

    fn read_file(&mut self, boot: &Entry, name: FileName, expected: Expected) -> Result<Vec<u8>, FileError> {
        // Each file has the firmware's full patience; a hang in its drivers ends in a reset.
        let _ = boot::set_watchdog_timer(WATCHDOG_SECS, WATCHDOG_CODE, None);
        files::read(&self.disk, boot, name, expected)
    }

    fn load(&mut self, kernel: &[u8]) -> Result<Image, StartError> {
        Image::load(kernel).map_err(refused)
    }

    fn offer_initrd(&mut self, initrd: Vec<u8>) -> Result<(), StartError> {
        self.withdraw_initrd();
        self.initrd = Some(Initrd::offer(initrd).map_err(refused)?);
        Ok(())
    }

    fn withdraw_initrd(&mut self) {
        self.initrd = None;
    }

    fn start(&mut self, kernel: Image, cmdline: &str) -> StartError {
        let _ = boot::set_watchdog_timer(WATCHDOG_SECS, WATCHDOG_CODE, None);
        kernel.start(cmdline).map_or_else(refused, |()| StartError::Failed(0))
    }

    fn say(&mut self, line: fmt::Arguments<'_>) {
        console::say(line);
    }

    fn elapsed(&mut self) -> Duration {
        self.clock.elapsed()
    }

    fn stall(&mut self, time: Duration) {
        stall(time);
    }

    fn reset(&mut self) {
        runtime::reset(ResetType::COLD, Status::ABORTED, None);
    }
}

/// Opens a protocol beside whoever uses it: an exclusive open of the whole disk would disconnect the partitions on it.
#[expect(unsafe_code, reason = "the only way to open a protocol without taking it from its drivers")]
fn open<P: ProtocolPointer + ?Sized>(handle: Handle) -> uefi::Result<ScopedProtocol<P>> {
    let params = OpenProtocolParams { handle, agent: boot::image_handle(), controller: None };
    // SAFETY: disks, partitions and loaded images stay for as long as this program runs: nothing here disconnects a
    // driver or unloads an image that it has a protocol of.
    unsafe { boot::open_protocol::<P>(params, OpenProtocolAttributes::GetProtocol) }
}

fn refused(status: Status) -> StartError {
    match status {
        Status::ACCESS_DENIED | Status::SECURITY_VIOLATION => StartError::SecureBoot,
        status => StartError::Failed(status.0 & !ERROR_BIT),
    }
}

/// Says why nothing can be done, waits, and restarts from cold.
fn restart(why: fmt::Arguments<'_>) -> ! {
    console::say(why);
    console::say(format_args!("no slot can start; restart in {} s", RESTART_AFTER.as_secs()));
    stall(RESTART_AFTER);
    runtime::reset(ResetType::COLD, Status::ABORTED, None)
}

/// Waits in steps, since some firmware cannot count long times.
fn stall(time: Duration) {
    for _ in 0..time.as_millis() / STALL_STEP.as_millis() {
        boot::stall(STALL_STEP);
    }
}

/// The firmware's own limit for a boot program (UEFI 2.10, 3.1.2), set afresh for every step that may hang.
const WATCHDOG_SECS: usize = 300;
/// Codes up to 0xffff belong to the firmware.
const WATCHDOG_CODE: u64 = 0x1_0000;
const STALL_STEP: Duration = Duration::from_millis(100);
const ERROR_BIT: usize = 1 << (usize::BITS - 1);
