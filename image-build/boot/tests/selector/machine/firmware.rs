//! The machine as the selector sees it.

use std::fmt;
use std::panic::resume_unwind;
use std::time::Duration;

use partition_core::{Entry, Geometry};
use updog_boot::{DeviceError, Expected, FileError, FileName, Firmware, StartError};

use super::{End, Event, Fault, Machine, Stage, Start, flags};

/// A kernel that was loaded.
#[derive(Clone, Debug)]
pub(crate) struct Image(Vec<u8>);

impl Machine {
    /// Counts a write or flush; the bytes of it that are written when it fails.
    fn op(&mut self, length: usize) -> Result<(), usize> {
        let at = self.ops;
        self.ops += 1;
        match self.fault {
            Fault::Op { at: bad, share, lasts } if at == bad || (lasts && at > bad) => {
                Err(length * share / 256)
            }
            Fault::Power { at: bad, share } if at == bad => Err(length * share / 256),
            Fault::Dies { at: bad } if at == bad => Err(length / 2),
            _ => Ok(()),
        }
    }

    fn fail<T>(&self) -> Result<T, DeviceError> {
        match self.fault {
            Fault::Power { .. } => resume_unwind(Box::new(End::PowerCut)),
            _ => Err(DeviceError),
        }
    }

    fn place(&self, lba: u64, length: usize) -> Result<std::ops::Range<usize>, DeviceError> {
        assert!(length.is_multiple_of(self.sector_size as usize), "whole sectors only, not {length} bytes");
        let from = usize::try_from(lba).ok().and_then(|lba| lba.checked_mul(self.sector_size as usize));
        let from = from.filter(|&from| from.checked_add(length).is_some_and(|end| end <= self.disk.len()));
        from.map(|from| from..from + length).ok_or(DeviceError)
    }
}

impl Firmware for Machine {
    type Image = Image;

    fn geometry(&self) -> Geometry {
        Geometry {
            sector_size: self.sector_size,
            sectors: self.disk.len() as u64 / u64::from(self.sector_size),
        }
    }

    fn secure_boot(&self) -> bool {
        self.secure_boot
    }

    fn read(&mut self, lba: u64, sectors: &mut [u8]) -> Result<(), DeviceError> {
        if matches!(self.fault, Fault::Dies { at } if self.ops > at) {
            return Err(DeviceError);
        }
        let place = self.place(lba, sectors.len())?;
        sectors.copy_from_slice(&self.disk[place]);
        Ok(())
    }

    fn write(&mut self, lba: u64, sectors: &[u8]) -> Result<(), DeviceError> {
        let place = self.place(lba, sectors.len())?;
        match self.op(sectors.len()) {
            Ok(()) if self.fault == Fault::Forgets => Ok(()),
            Ok(()) => {
                self.disk[place].copy_from_slice(sectors);
                self.events.push(Event::Write);
                Ok(())
            }
            Err(part) => {
                self.disk[place.start..place.start + part].copy_from_slice(&sectors[..part]);
                self.fail()
            }
        }
    }

    fn flush(&mut self) -> Result<(), DeviceError> {
        match self.op(0) {
            Ok(()) => {
                self.durable.clone_from(&self.disk);
                self.events.push(Event::Flush);
                Ok(())
            }
            Err(_) => self.fail(),
        }
    }

    fn read_file(&mut self, boot: &Entry, name: FileName, expected: Expected) -> Result<Vec<u8>, FileError> {
        self.events.push(Event::File(boot.first_lba, name));
        self.asked.push((boot.first_lba, flags(&self.durable)));
        let files = self.volumes.get(&boot.first_lba).ok_or(FileError::NoFileSystem)?;
        let bytes = files.get(&name).ok_or(FileError::Absent)?.clone()?;
        let found = bytes.len() as u64;
        if !expected.takes(found) {
            return Err(FileError::Length { found });
        }
        self.handed.push((name, bytes.len()));
        Ok(bytes)
    }

    fn load(&mut self, kernel: &[u8]) -> Result<Image, StartError> {
        self.events.push(Event::Load(kernel.to_vec()));
        match kernel.first().and_then(|first| self.refuses.get(first)) {
            Some((Stage::Load, error)) => Err(*error),
            _ => Ok(Image(kernel.to_vec())),
        }
    }

    fn offer_initrd(&mut self, initrd: Vec<u8>) -> Result<(), StartError> {
        assert_eq!(self.initrd, None, "the initrd of another slot is still on offer");
        self.events.push(Event::Offer);
        self.initrd = Some(initrd);
        Ok(())
    }

    fn withdraw_initrd(&mut self) {
        self.events.push(Event::Withdraw);
        self.initrd = None;
    }

    fn start(&mut self, kernel: Image, cmdline: &str) -> StartError {
        let start = Start { kernel: kernel.0, initrd: self.initrd.clone(), cmdline: cmdline.to_owned() };
        self.events.push(Event::Start(start.clone()));
        match start.kernel.first().and_then(|first| self.refuses.get(first)) {
            Some((Stage::Start, error)) => *error,
            _ => resume_unwind(Box::new(End::Runs(start))),
        }
    }

    fn say(&mut self, line: fmt::Arguments<'_>) {
        let line = line.to_string();
        assert!(!line.contains('\n'), "one line: {line:?}");
        self.lines.push(line);
    }

    fn elapsed(&mut self) -> Duration {
        self.clock += Duration::from_millis(7);
        self.clock
    }

    fn stall(&mut self, time: Duration) {
        self.clock += time;
        self.events.push(Event::Stall(time));
    }

    fn reset(&mut self) {
        self.events.push(Event::Reset);
    }
}
